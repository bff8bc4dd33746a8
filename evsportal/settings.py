"""Settings, read from the environment only. `variables.py` lists them, `environment.py` reads them.

Readers refuse what they cannot read: a typing error stops the start, it never becomes a default.
"""

import os
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from evsportal import logs, paths
from evsportal.environment import read_environment
from evsportal.forwarded import Network
from evsportal.limits import MOST_BODY_BYTES
from evsportal.mail import mail_server

BASE_DIR = paths.BASE_DIR

# What the portal writes is for its own user: database, keys, archives, the sandbox's state.
os.umask(0o077)

_VALUES = read_environment(os.environ)

# --- the portal ------------------------------------------------------------------------------

# "sandbox" (a simulated cloud, demo accounts) or "cloud". Empty stops the start: see checks.py.
EVSPORTAL_MODE: str = _VALUES["EVSPORTAL_MODE"]
if EVSPORTAL_MODE == "sandbox" and not paths.HAS_SANDBOX:
    raise ImproperlyConfigured(
        "EVSPORTAL_MODE: the sandbox is not installed: pip install 'evsportal[sandbox]', or set "
        "EVSPORTAL_MODE=cloud and EVSPORTAL_CLOUDS."
    )
VAR_DIR = paths.data_folder({**os.environ, "EVSPORTAL_VAR": _VALUES["EVSPORTAL_VAR"]})
# The sandbox keeps its database, its simulated cloud and its key apart from a real portal's.
DATA_DIR = VAR_DIR / "sandbox" if EVSPORTAL_MODE == "sandbox" else VAR_DIR

EVSPORTAL_CLOUDS: str = _VALUES["EVSPORTAL_CLOUDS"]
# The entries of that file to use; unset, the one that OpenStack clients would use, else all.
EVSPORTAL_CLOUD_NAMES: list[str] = _VALUES["EVSPORTAL_CLOUD_NAMES"]
OS_CLOUD = os.environ.get("OS_CLOUD", "").strip()
EVSPORTAL_SANDBOX_URL: str = _VALUES["EVSPORTAL_SANDBOX_URL"]
EVSPORTAL_RESERVED_PREFIXES: list[str] = _VALUES["EVSPORTAL_RESERVED_PREFIXES"]
EVSPORTAL_NAME_TEMPLATE: str = _VALUES["EVSPORTAL_NAME_TEMPLATE"]
# A real Cinder on MariaDB answered 500 to characters beyond U+FFFF.
EVSPORTAL_REFUSE_ASTRAL: bool = _VALUES["EVSPORTAL_REFUSE_ASTRAL"]

EVSPORTAL_ENGINE: str = _VALUES["EVSPORTAL_ENGINE"]
EVSPORTAL_BROKER_URL: str = _VALUES["EVSPORTAL_BROKER_URL"]
EVSPORTAL_WORKER_THREADS: int = _VALUES["EVSPORTAL_WORKER_THREADS"]
EVSPORTAL_WORKER_POLL_SECONDS: float = _VALUES["EVSPORTAL_WORKER_POLL_SECONDS"]
EVSPORTAL_LEASE_SECONDS: float = _VALUES["EVSPORTAL_LEASE_SECONDS"]
EVSPORTAL_WATCH_SECONDS: float = _VALUES["EVSPORTAL_WATCH_SECONDS"]
EVSPORTAL_INVENTORY_SECONDS: float = _VALUES["EVSPORTAL_INVENTORY_SECONDS"]
EVSPORTAL_SNAPSHOTS_SECONDS: float = _VALUES["EVSPORTAL_SNAPSHOTS_SECONDS"]
EVSPORTAL_SERVERS_SECONDS: float = _VALUES["EVSPORTAL_SERVERS_SECONDS"]
EVSPORTAL_SERVER_NAMES: str = _VALUES["EVSPORTAL_SERVER_NAMES"]
EVSPORTAL_DELETE_TYPED_DAYS: int = _VALUES["EVSPORTAL_DELETE_TYPED_DAYS"]
EVSPORTAL_ROLLBACK_SECONDS: float = _VALUES["EVSPORTAL_ROLLBACK_SECONDS"]
EVSPORTAL_STAFF_OPEN_REQUESTS: int = _VALUES["EVSPORTAL_STAFF_OPEN_REQUESTS"]
EVSPORTAL_STAFF_DAY_REQUESTS: int = _VALUES["EVSPORTAL_STAFF_DAY_REQUESTS"]
EVSPORTAL_HELPDESK_OPEN_REQUESTS: int = _VALUES["EVSPORTAL_HELPDESK_OPEN_REQUESTS"]
EVSPORTAL_HELPDESK_DAY_REQUESTS: int = _VALUES["EVSPORTAL_HELPDESK_DAY_REQUESTS"]
EVSPORTAL_SNAPSHOTS_MOST_GONE: float = _VALUES["EVSPORTAL_SNAPSHOTS_MOST_GONE"]
EVSPORTAL_SETTLE_SECONDS: float = _VALUES["EVSPORTAL_SETTLE_SECONDS"]
EVSPORTAL_HANGING_SECONDS: float = _VALUES["EVSPORTAL_HANGING_SECONDS"]
EVSPORTAL_RETRY_SECONDS: float = _VALUES["EVSPORTAL_RETRY_SECONDS"]
EVSPORTAL_CONNECT_SECONDS: float = _VALUES["EVSPORTAL_CONNECT_SECONDS"]
EVSPORTAL_READ_SECONDS: float = _VALUES["EVSPORTAL_READ_SECONDS"]
EVSPORTAL_DEADLINE_SECONDS: float = _VALUES["EVSPORTAL_DEADLINE_SECONDS"]

# --- the audit trail -------------------------------------------------------------------------

EVSPORTAL_AUDIT_KEY: str = _VALUES["EVSPORTAL_AUDIT_KEY"]  # empty: unsigned seals
EVSPORTAL_AUDIT_SEAL_SECONDS: float = _VALUES["EVSPORTAL_AUDIT_SEAL_SECONDS"]
EVSPORTAL_AUDIT_SEAL_ROWS: int = _VALUES["EVSPORTAL_AUDIT_SEAL_ROWS"]
EVSPORTAL_AUDIT_ANCHORS: list[str] = _VALUES["EVSPORTAL_AUDIT_ANCHORS"]
EVSPORTAL_AUDIT_PUSH: list[str] = _VALUES["EVSPORTAL_AUDIT_PUSH"]
EVSPORTAL_AUDIT_CA: str = _VALUES["EVSPORTAL_AUDIT_CA"]  # empty: the authorities built in
# Read by `manage audit_archive` alone. 0: for ever.
EVSPORTAL_AUDIT_KEEP_DAYS: int = _VALUES["EVSPORTAL_AUDIT_KEEP_DAYS"]
EVSPORTAL_AUDIT_ARCHIVES: str = _VALUES["EVSPORTAL_AUDIT_ARCHIVES"]
# Read by audit/hours.py; checks.py stops the start for what are none.
EVSPORTAL_WORKING_HOURS: str = _VALUES["EVSPORTAL_WORKING_HOURS"]

# --- monitoring ------------------------------------------------------------------------------

EVSPORTAL_METRICS_TOKEN: str = _VALUES["EVSPORTAL_METRICS_TOKEN"]  # empty: no /metrics

# --- signing in by a provider ----------------------------------------------------------------

EVSPORTAL_LOCAL_ACCOUNTS: str = _VALUES["EVSPORTAL_LOCAL_ACCOUNTS"]
EVSPORTAL_SESSION_HOURS: int = _VALUES["EVSPORTAL_SESSION_HOURS"]
EVSPORTAL_SESSION_IDLE_MINUTES: int = _VALUES["EVSPORTAL_SESSION_IDLE_MINUTES"]  # 0: no limit
EVSPORTAL_SECOND_FACTOR_ROLES: list[str] = _VALUES["EVSPORTAL_SECOND_FACTOR_ROLES"]
# Without a host no mail is sent, and no page offers any.
_MAIL = mail_server(_VALUES["EVSPORTAL_EMAIL_URL"])
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starts_tls, _MAIL.is_tls
EMAIL_TIMEOUT = 10  # seconds
EVSPORTAL_EMAIL_FROM: str = _VALUES["EVSPORTAL_EMAIL_FROM"]
DEFAULT_FROM_EMAIL = SERVER_EMAIL = EVSPORTAL_EMAIL_FROM or "portal@localhost"
PASSWORD_RESET_TIMEOUT = 3600  # seconds that a mailed link opens
EVSPORTAL_STEP_UP_MINUTES: int = _VALUES["EVSPORTAL_STEP_UP_MINUTES"]
EVSPORTAL_OIDC_ISSUER: str = _VALUES["EVSPORTAL_OIDC_ISSUER"]
EVSPORTAL_OIDC_CLIENT_ID: str = _VALUES["EVSPORTAL_OIDC_CLIENT_ID"]
EVSPORTAL_OIDC_CLIENT_SECRET: str = _VALUES["EVSPORTAL_OIDC_CLIENT_SECRET"]
EVSPORTAL_OIDC_NAME: str = _VALUES["EVSPORTAL_OIDC_NAME"]
EVSPORTAL_OIDC_SCOPES: list[str] = _VALUES["EVSPORTAL_OIDC_SCOPES"]
EVSPORTAL_OIDC_GROUPS_CLAIM: str = _VALUES["EVSPORTAL_OIDC_GROUPS_CLAIM"]
EVSPORTAL_OIDC_ROLES: list[str] = _VALUES["EVSPORTAL_OIDC_ROLES"]
EVSPORTAL_OIDC_SECONDS: float = _VALUES["EVSPORTAL_OIDC_SECONDS"]
EVSPORTAL_OIDC_RECHECK_MINUTES: int = _VALUES["EVSPORTAL_OIDC_RECHECK_MINUTES"]  # 0: never
EVSPORTAL_OIDC_CA: str = _VALUES["EVSPORTAL_OIDC_CA"]  # empty: the authorities built in
EVSPORTAL_LDAP_URL: str = _VALUES["EVSPORTAL_LDAP_URL"]  # empty: no directory is asked
EVSPORTAL_LDAP_BIND_DN: str = _VALUES["EVSPORTAL_LDAP_BIND_DN"]
EVSPORTAL_LDAP_BIND_PASSWORD: str = _VALUES["EVSPORTAL_LDAP_BIND_PASSWORD"]
EVSPORTAL_LDAP_PEOPLE: str = _VALUES["EVSPORTAL_LDAP_PEOPLE"]
EVSPORTAL_LDAP_FILTER: str = _VALUES["EVSPORTAL_LDAP_FILTER"]
EVSPORTAL_LDAP_ID: str = _VALUES["EVSPORTAL_LDAP_ID"]
EVSPORTAL_LDAP_GROUPS: str = _VALUES["EVSPORTAL_LDAP_GROUPS"]
EVSPORTAL_LDAP_ROLES: list[str] = _VALUES["EVSPORTAL_LDAP_ROLES"]
EVSPORTAL_LDAP_SECONDS: float = _VALUES["EVSPORTAL_LDAP_SECONDS"]
EVSPORTAL_LDAP_CA: str = _VALUES["EVSPORTAL_LDAP_CA"]  # empty: the authorities built in
# allauth: no pages, mails or sign-up forms of its own. `snapshots.sso` says what is used of it.
ACCOUNT_ADAPTER = "snapshots.sso.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_RATE_LIMITS = False  # none of the pages that it brakes is mounted
MFA_ADAPTER = "snapshots.mfa.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "EVS snapshots"
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "snapshots.sso.adapters.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False

# --- Django ----------------------------------------------------------------------------------

DEBUG: bool = _VALUES["EVSPORTAL_DEBUG"]
SECRET_KEY: str = _VALUES["EVSPORTAL_SECRET_KEY"] or "not-for-production"
# What these signed, sessions and links, is still accepted; new things are signed by SECRET_KEY.
SECRET_KEY_FALLBACKS: list[str] = _VALUES["EVSPORTAL_SECRET_KEY_FALLBACKS"]
EVSPORTAL_PORT: int = _VALUES["PORT"]
ALLOWED_HOSTS: list[str] = _VALUES["EVSPORTAL_HOSTS"]
CSRF_TRUSTED_ORIGINS: list[str] = _VALUES["EVSPORTAL_ORIGINS"]
# Read by the first middleware. Empty: the connection alone says who asks.
EVSPORTAL_TRUSTED_PROXIES: list[Network] = _VALUES["EVSPORTAL_TRUSTED_PROXIES"]

EVSPORTAL_LOG_FORMAT: str = _VALUES["EVSPORTAL_LOG_FORMAT"]
LOGGING = logs.logging_settings(form=EVSPORTAL_LOG_FORMAT, levels=_VALUES["EVSPORTAL_LOG_LEVELS"])
INSTALLED_APPS = [
    "snapshots",
    "django_htmx",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
]
MIDDLEWARE = [
    "snapshots.middleware.proxies",
    "snapshots.middleware.request_ids",
    "snapshots.middleware.browser_rules",
    "snapshots.middleware.figures",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "snapshots.middleware.unchanged",
    "snapshots.middleware.Sessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "snapshots.middleware.plain_addresses",
    "snapshots.middleware.wrong_method",
    "snapshots.middleware.OwnPreferences",
    "snapshots.middleware.session_use",
    "snapshots.middleware.SignInBrakes",
    "snapshots.middleware.OwnPasswords",
    "snapshots.mfa.rules.SecondFactorRules",
    "snapshots.sso.recheck.ProviderRecheck",
    "snapshots.middleware.DatabaseTrouble",
]
ROOT_URLCONF = "evsportal.urls"
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MIMETYPES = {".svg": "image/svg+xml; charset=utf-8"}
WSGI_APPLICATION = "evsportal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [paths.FILES / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


# Behind a pooler in transaction mode: nothing that belongs to a session is used.
EVSPORTAL_DATABASE_POOLER: bool = _VALUES["EVSPORTAL_DATABASE_POOLER"]


def _database() -> dict[str, Any]:
    try:
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        DATA_DIR.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"EVSPORTAL_VAR: the folder {error.filename} cannot be made: {error.strerror}."
        ) from error
    url = _VALUES["DATABASE_URL"]
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "portal.sqlite3")}
    database: dict[str, Any] = dict(dj_database_url.parse(url)) if url else sqlite
    database["CONN_HEALTH_CHECKS"] = True
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a transaction takes the write lock at its start, so a claim is never lost to a
        # reader that turns writer. FULL: a committed exchange row survives a power cut.
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        # Opening it takes longer than most questions; `database/kept_file.py` minds the file.
        database["CONN_MAX_AGE"] = 60
    else:
        database["DISABLE_SERVER_SIDE_CURSORS"] = EVSPORTAL_DATABASE_POOLER
        options.setdefault("connect_timeout", 3)
    return database


DATABASES = {"default": _database()}
CACHES = {"default": {"BACKEND": "evsportal.local_cache.SteadyCache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A session names the backend that opened it, and ends where that is not in this list: no session of
# the sandbox is valid in a portal with real clouds.
AUTHENTICATION_BACKENDS = [
    "snapshots.accounts.SandboxBackend"
    if EVSPORTAL_MODE == "sandbox"
    else "snapshots.accounts.CloudBackend"
]
# Bounded: see the module. The second is for hashes of earlier releases.
PASSWORD_HASHERS = [
    "snapshots.sign_in.hashing.BoundedArgon2",
    "snapshots.sign_in.hashing.BoundedPBKDF2",
]
# Words of the company that passwords must not be made of, such as its name.
EVSPORTAL_PASSWORD_WORDS: list[str] = _VALUES["EVSPORTAL_PASSWORD_WORDS"]
_DJANGO_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_DJANGO_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_DJANGO_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "snapshots.sign_in.passwords.CommonCoreValidator"},
    {"NAME": "snapshots.sign_in.passwords.OwnWordsValidator"},
    {"NAME": "snapshots.accounts.PublishedPasswordValidator"},
]
DEFAULT_EXCEPTION_REPORTER_FILTER = "evsportal.debug_pages.SecretSettings"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "snapshots:home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-gb"
# A person chooses among these, else the browser. Each by its own name.
LANGUAGES = [("en-gb", "English"), ("tr", "Türkçe"), ("zh-hans", "简体中文"), ("ar", "العربية")]
LOCALE_PATHS = [paths.FILES / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = paths.static_root(VAR_DIR)
STATICFILES_DIRS = [paths.FILES / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "evsportal.static_files.UsedFilesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "evsportal.static_files.StaticFilesStorage"},
}

# With EVSPORTAL_HTTPS nothing is asked or answered without TLS, probes of a balancer excepted.
SECURE_SSL_REDIRECT: bool = _VALUES["EVSPORTAL_HTTPS"]
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# A browser takes a cookie of such a name only from this very host, over TLS and for all paths: none
# that another host below the same domain has set. `evsportal/cookies.py` names the other cookies.
COOKIE_PREFIX = "__Host-" if SECURE_SSL_REDIRECT else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
MESSAGE_STORAGE = "evsportal.cookies.MessageStorage"
SESSION_ENGINE = "snapshots.sign_in.sessions"
SESSION_COOKIE_AGE = EVSPORTAL_SESSION_HOURS * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "snapshots.views.errors.csrf_failure"
# The shape of Django 6's own setting, so that its middleware can take over.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "font-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
# A form of the portal has at most some 220 fields and 100 KB: what is bigger is not read at all.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = MOST_BODY_BYTES
# No form takes a file: nothing of one is read into memory or written to the disk.
FILE_UPLOAD_HANDLERS = ["evsportal.uploads.RefuseFiles"]
# W021 asks for `preload`, by which anybody could enter the domain in the browsers' own lists.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
