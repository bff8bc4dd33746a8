"""The list of settings: every environment variable that the portal reads, once.

The readers in `environment.py` work from it; tests compare `.env.example` and the README's table
with it.
"""

from evsportal.variable import Kind, Variable

__all__ = ["BY_NAME", "OF_TESTS", "VARIABLES", "Kind", "Variable"]


def _text(name: str, about: str, default: str = "", *misnomers: str) -> Variable:
    return Variable(name=name, kind=Kind.TEXT, about=about, default=default, misnomers=misnomers)


def _items(name: str, about: str, default: str = "") -> Variable:
    return Variable(name=name, kind=Kind.ITEMS, about=about, default=default)


def _boolean(name: str, about: str, default: str = "false") -> Variable:
    return Variable(name=name, kind=Kind.BOOLEAN, about=about, default=default)


def _secret(name: str, about: str, *misnomers: str, kind: Kind = Kind.TEXT) -> Variable:
    return Variable(name=name, kind=kind, about=about, is_secret=True, misnomers=misnomers)


def _count(name: str, about: str, default: str, *misnomers: str, least: int, most: int) -> Variable:
    return Variable(
        name=name,
        kind=Kind.COUNT,
        about=about,
        default=default,
        least=least,
        most=most,
        misnomers=misnomers,
    )


def _seconds(name: str, about: str, default: str, *, least: float, most: float) -> Variable:
    return Variable(
        name=name, kind=Kind.NUMBER, about=about, default=default, least=least, most=most
    )


VARIABLES = (
    Variable(
        name="EVSPORTAL_MODE",
        kind=Kind.CHOICE,
        about="A simulated cloud with demo accounts, or the clouds of EVSPORTAL_CLOUDS.",
        choices=("cloud", "sandbox"),
    ),
    _text(
        "EVSPORTAL_CLOUDS",
        "The clouds.yaml.",
        "",
        "EVSPORTAL_CLOUDS_FILE",
        "EVSPORTAL_CLOUDS_YAML",
        "EVSPORTAL_CLOUD",
    ),
    _items("EVSPORTAL_CLOUD_NAMES", "The entries of that file to use; all when unset."),
    Variable(
        name="EVSPORTAL_SANDBOX_URL",
        kind=Kind.LOOPBACK_URL,
        about="Where the sandbox listens.",
        default="http://127.0.0.1:8009",
    ),
    _count(
        "PORT",
        "Where the portal listens.",
        "8000",
        "EVSPORTAL_PORT",
        "EVSPORTAL_WEB_PORT",
        least=1,
        most=65526,  # the sandbox takes PORT + 9
    ),
    Variable(
        name="EVSPORTAL_BIND",
        kind=Kind.ADDRESS,
        about="The address that the portal listens on.",
        default="127.0.0.1",
        misnomers=("EVSPORTAL_HOST", "EVSPORTAL_ADDRESS", "EVSPORTAL_LISTEN"),
    ),
    _count(
        "EVSPORTAL_WEB_PROCESSES",
        "Processes of the web server.",
        "2",
        "EVSPORTAL_WORKERS",
        "EVSPORTAL_WEB_WORKERS",
        "EVSPORTAL_PROCESSES",
        least=1,
        most=64,
    ),
    _count(
        "EVSPORTAL_WEB_THREADS",
        "Threads in each of them.",
        "4",
        "EVSPORTAL_THREADS",
        least=1,
        most=64,
    ),
    _boolean("EVSPORTAL_ACCESS_LOG", "A line for each web request."),
    _secret(
        "DATABASE_URL",
        "The database; SQLite below EVSPORTAL_VAR when unset.",
        "EVSPORTAL_DATABASE_URL",
        "EVSPORTAL_DATABASE",
        "EVSPORTAL_DATABASE_URI",
        "EVSPORTAL_DB",
        "EVSPORTAL_DB_URL",
        kind=Kind.DATABASE_URL,
    ),
    _boolean("EVSPORTAL_DATABASE_POOLER", "A pooler in transaction mode is before PostgreSQL."),
    Variable(
        name="EVSPORTAL_VAR",
        kind=Kind.FOLDER,
        about="The folder of the database, static files and key.",
        misnomers=("EVSPORTAL_VAR_DIR", "EVSPORTAL_DATA", "EVSPORTAL_DATA_DIR"),
    ),
    _secret(
        "EVSPORTAL_SECRET_KEY",
        "Signs sessions.",
        "EVSPORTAL_SECRET",
        "EVSPORTAL_KEY",
        "EVSPORTAL_DJANGO_SECRET_KEY",
    ),
    _secret(
        "EVSPORTAL_SECRET_KEY_FALLBACKS",
        "Older keys, with commas between them; what they signed is still accepted.",
        "EVSPORTAL_SECRET_KEYS",
        "EVSPORTAL_OLD_SECRET_KEY",
        kind=Kind.ITEMS,
    ),
    Variable(
        name="EVSPORTAL_HOSTS",
        kind=Kind.HOSTS,
        about="Names that the portal is reached by.",
        default="127.0.0.1,localhost,[::1]",
        misnomers=("EVSPORTAL_ALLOWED_HOSTS", "EVSPORTAL_HOSTNAMES", "EVSPORTAL_DOMAIN"),
    ),
    Variable(
        name="EVSPORTAL_ORIGINS",
        kind=Kind.ORIGINS,
        about="Addresses that forms come from, behind a proxy that ends TLS.",
        misnomers=(
            "EVSPORTAL_CSRF_TRUSTED_ORIGINS",
            "EVSPORTAL_TRUSTED_ORIGINS",
            "EVSPORTAL_URL",
            "EVSPORTAL_BASE_URL",
        ),
    ),
    _boolean("EVSPORTAL_HTTPS", "Pages and cookies over HTTPS only."),
    Variable(
        name="EVSPORTAL_TRUSTED_PROXIES",
        kind=Kind.NETWORKS,
        about="Proxies whose word counts for the client's address, scheme and host.",
        misnomers=(
            "EVSPORTAL_PROXIES",
            "EVSPORTAL_PROXY",
            "EVSPORTAL_TRUSTED_PROXY",
            "EVSPORTAL_FORWARDED_ALLOW_IPS",
        ),
    ),
    Variable(
        name="EVSPORTAL_LOCAL_ACCOUNTS",
        kind=Kind.CHOICE,
        about="Who may sign in with a password of the portal's own.",
        default="all",
        choices=("all", "administrators"),
    ),
    _count("EVSPORTAL_SESSION_HOURS", "How long a sign-in lasts.", "12", least=1, most=168),
    _count("EVSPORTAL_SESSION_IDLE_MINUTES", "And unused; 0: as long.", "60", least=0, most=10080),
    _secret("EVSPORTAL_EMAIL_URL", "The mail server; unset: no mail.", kind=Kind.MAIL_URL),
    Variable(
        name="EVSPORTAL_EMAIL_FROM",
        kind=Kind.MAIL_ADDRESS,
        about="The sender of the portal's mail.",
    ),
    _items("EVSPORTAL_SECOND_FACTOR_ROLES", "Roles whose people need a second factor."),
    _count("EVSPORTAL_STEP_UP_MINUTES", "Minutes that a sign-in counts.", "10", least=1, most=720),
    _text("EVSPORTAL_OIDC_ISSUER", "The OpenID Connect provider that people sign in by."),
    _text("EVSPORTAL_OIDC_CLIENT_ID", "The portal's name at that provider."),
    _secret("EVSPORTAL_OIDC_CLIENT_SECRET", "The portal's secret at that provider."),
    _text("EVSPORTAL_OIDC_NAME", "What people call that provider.", "your organisation"),
    _items(
        "EVSPORTAL_OIDC_SCOPES", "What the portal asks the provider for.", "openid,profile,email"
    ),
    _text("EVSPORTAL_OIDC_GROUPS_CLAIM", "The claim that lists a person's groups.", "groups"),
    _items("EVSPORTAL_OIDC_ROLES", "Which of those groups are which roles and groups here."),
    _seconds(
        "EVSPORTAL_OIDC_SECONDS",
        "The longest wait for an answer of the provider.",
        "5",
        least=0.1,
        most=60,
    ),
    _count("EVSPORTAL_OIDC_RECHECK_MINUTES", "Between two checks there.", "0", least=0, most=720),
    _text("EVSPORTAL_OIDC_CA", "The authorities that the provider is verified by: a file."),
    _items(
        "EVSPORTAL_PASSWORD_WORDS",
        "Words that passwords must not be made of, such as the company's name.",
    ),
    _boolean("EVSPORTAL_DEBUG", "Error pages with the code's insides, for developers."),
    _items(
        "EVSPORTAL_RESERVED_PREFIXES",
        "Prefixes of names that the cloud keeps for itself.",
        "autobk_snapshot,manualbk_snapshot",
    ),
    _boolean("EVSPORTAL_REFUSE_ASTRAL", "Refuse characters beyond U+FFFF, such as emoji.", "true"),
    _count("EVSPORTAL_WORKER_THREADS", "Operations at once in one worker.", "4", least=1, most=32),
    _seconds(
        "EVSPORTAL_WORKER_POLL_SECONDS",
        "How often the worker looks for work.",
        "0.3",
        least=0.05,
        most=60,
    ),
    _seconds(
        "EVSPORTAL_LEASE_SECONDS",
        "How long a claim outlives its worker.",
        "90",
        least=2,
        most=3600,
    ),
    _seconds(
        "EVSPORTAL_WATCH_SECONDS",
        "How often unfinished snapshots are read.",
        "2",
        least=0.2,
        most=600,
    ),
    _seconds(
        "EVSPORTAL_INVENTORY_SECONDS",
        "How often all volumes are read.",
        "30",
        least=0.5,
        most=3600,
    ),
    _seconds(
        "EVSPORTAL_SNAPSHOTS_SECONDS",
        "How often all snapshots are read.",
        "300",
        least=1,
        most=86400,
    ),
    _count(
        "EVSPORTAL_DELETE_TYPED_DAYS",
        "A snapshot younger than so many days is deleted only when its name is typed.",
        "7",
        least=0,
        most=3650,
    ),
    _seconds(
        "EVSPORTAL_ROLLBACK_SECONDS",
        "How long a confirmed rollback may wait before it is sent.",
        "3600",
        least=60,
        most=86400,
    ),
    _count(
        "EVSPORTAL_STAFF_OPEN_REQUESTS",
        "How many requests a person of the staff may have unfinished.",
        "200",
        least=100,  # as many as a batch has
        most=1_000_000,
    ),
    _count(
        "EVSPORTAL_STAFF_DAY_REQUESTS",
        "How many requests a person of the staff may ask for in 24 hours.",
        "1000",
        least=100,  # as many as a batch has
        most=1_000_000,
    ),
    _count(
        "EVSPORTAL_HELPDESK_OPEN_REQUESTS",
        "How many requests a person of the helpdesk may have unfinished.",
        "1000",
        least=100,  # as many as a batch has
        most=1_000_000,
    ),
    _count(
        "EVSPORTAL_HELPDESK_DAY_REQUESTS",
        "How many requests a person of the helpdesk may ask for in 24 hours.",
        "5000",
        least=100,  # as many as a batch has
        most=1_000_000,
    ),
    Variable(
        name="EVSPORTAL_SNAPSHOTS_MOST_GONE",
        kind=Kind.NUMBER,
        about="The share of a cloud's snapshots that may vanish from a reading that is believed.",
        default="0.2",
        most=1,
    ),
    _seconds(
        "EVSPORTAL_SETTLE_SECONDS",
        "How long a lost snapshot is looked for.",
        "120",
        least=1,
        most=86400,
    ),
    _seconds(
        "EVSPORTAL_HANGING_SECONDS",
        "How much longer than usual the cloud may work on a request before people may end it.",
        "900",
        least=60,
        most=86400,
    ),
    _seconds(
        "EVSPORTAL_RETRY_SECONDS",
        "How long an operation that provably was not executed is tried again.",
        "900",
        least=1,
        most=86400,
    ),
    _seconds(
        "EVSPORTAL_CONNECT_SECONDS",
        "The longest wait for a connection to the cloud.",
        "5",
        least=0.1,
        most=120,
    ),
    _seconds(
        "EVSPORTAL_READ_SECONDS",
        "The longest wait between two pieces of an answer.",
        "30",
        least=0.1,
        most=600,
    ),
    _seconds(
        "EVSPORTAL_DEADLINE_SECONDS",
        "The longest that one request to the cloud takes in all.",
        "60",
        least=0.2,
        most=900,
    ),
    _secret("EVSPORTAL_AUDIT_KEY", "Signs the seals of the audit trail: Ed25519, private, PEM."),
    _seconds(
        "EVSPORTAL_AUDIT_SEAL_SECONDS",
        "New rows are sealed after so long.",
        "300",
        least=1,
        most=86400,
    ),
    _count(
        "EVSPORTAL_AUDIT_SEAL_ROWS",
        "New rows are sealed when there are so many.",
        "1000",
        least=1,
        most=100_000,
    ),
    _secret("EVSPORTAL_AUDIT_ANCHORS", "Where each new seal is published.", kind=Kind.ITEMS),
    _secret(
        "EVSPORTAL_AUDIT_PUSH",
        "Where each new row of the trail is pushed.",
        kind=Kind.ITEMS,
    ),
    _text("EVSPORTAL_AUDIT_CA", "The authorities that those servers are verified by: a file."),
    _count(
        "EVSPORTAL_AUDIT_KEEP_DAYS",
        "Days that records stay in the database; 0: for ever.",
        "0",
        least=0,
        most=36_500,
    ),
    _text("EVSPORTAL_AUDIT_ARCHIVES", "The folder that older records are archived in."),
    _text(
        "EVSPORTAL_WORKING_HOURS",
        "Working hours, as auditors see them.",
        "Mon-Fri 08:00-18:00 UTC",
    ),
)

BY_NAME = {variable.name: variable for variable in VARIABLES}
# Names of a live cloud that tests ask; the portal itself does not read them.
OF_TESTS = "EVSPORTAL_LIVE_"
