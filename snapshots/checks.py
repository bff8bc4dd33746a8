"""System checks: a wrong setting stops the start, with an id and a hint."""

import os
import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from evsportal.variables import VARIABLES
from snapshots import clouds
from snapshots.accounts import look_for_published_passwords, published_password_words
from snapshots.audit.database import guards
from snapshots.audit.delivery import anchors, push
from snapshots.audit.delivery.transport import named
from snapshots.audit.record import account_names
from snapshots.audit.seals import keys
from snapshots.clouds_yaml import CloudsRefused
from snapshots.database.earlier import is_of_earlier_state
from snapshots.database.limits import has_pooler
from snapshots.models import folded, is_of_another_mode, version_triggers
from snapshots.questions import hours

INSECURE_KEY = "not-for-production"
ACCOUNTS_LOOKED_AT = 40  # by one check, for published passwords: half a second each, once
LEAST_KEY_LENGTH = 50
SIGNING_KEYS = frozenset({"EVSPORTAL_SECRET_KEY", "EVSPORTAL_SECRET_KEY_FALLBACKS"})
PROXY_VARIABLES = (
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)


@register
def check_mode(**_kwargs: Any) -> list[CheckMessage]:
    """The sandbox is chosen by name, never by missing settings."""
    if settings.EVSPORTAL_MODE:
        return []
    return [
        Error(
            "EVSPORTAL_MODE is not set.",
            hint="Set it to 'cloud' with EVSPORTAL_CLOUDS, or to 'sandbox' to try the portal.",
            id="evsportal.E001",
        )
    ]


@register
def check_clouds(**_kwargs: Any) -> list[CheckMessage]:
    """The file of clouds can be read and makes sense."""
    if settings.EVSPORTAL_MODE != "cloud":
        return []
    try:
        names = clouds.cloud_names()
    except ImproperlyConfigured as error:
        hint = "See docs/clouds.md, and 'First real cloud' in the README."
        sentences = error.sentences if isinstance(error, CloudsRefused) else (str(error),)
        return [Error(sentence, hint=hint, id="evsportal.E002") for sentence in sentences]
    if clouds.SANDBOX not in names:
        return []
    sentence = f"{settings.EVSPORTAL_CLOUDS}: no real cloud may be named {clouds.SANDBOX!r}."
    hint = "Give it another name: by this one the portal knows its simulated cloud."
    return [Error(sentence, hint=hint, id="evsportal.E020")]


@register
def check_proxy_variables(**_kwargs: Any) -> list[CheckMessage]:
    """A proxy of the environment is never used by chance, and an operator who set it learns so."""
    if settings.EVSPORTAL_MODE != "cloud":
        return []
    variables = [name for name in PROXY_VARIABLES if os.environ.get(name)]
    try:
        names = [name for name in clouds.cloud_names() if clouds.config_of(name).proxy is None]
    except ImproperlyConfigured:
        return []  # `check_clouds` says so
    if not variables or not names:
        return []
    are = "is" if len(variables) == 1 else "are"
    sentence = f"{', '.join(variables)} {are} set, and not used to reach {', '.join(names)}."
    hint = "If these clouds are behind a proxy, write `evs: {proxy: ...}` into their entries."
    return [CheckWarning(sentence, hint=hint, id="evsportal.W011")]


@register
def check_trusted_proxies(**_kwargs: Any) -> list[CheckMessage]:
    """A proxy ends TLS. Unless it is believed, each request seems to come from it and without TLS,
    so it would be redirected to https for ever.
    """
    if not settings.SECURE_SSL_REDIRECT or settings.EVSPORTAL_TRUSTED_PROXIES:
        return []
    sentence = "EVSPORTAL_HTTPS is set, and EVSPORTAL_TRUSTED_PROXIES names no proxy."
    hint = "Name the address of the proxy that ends TLS: docs/security.md shows one for nginx."
    return [Error(sentence, hint=hint, id="evsportal.E040")]


@register
def check_secret_key(**_kwargs: Any) -> list[CheckMessage]:
    """Sessions of a real portal are signed with a key of its own that nobody can guess."""
    if settings.EVSPORTAL_MODE != "cloud":
        return []
    faults = []
    if settings.SECRET_KEY == INSECURE_KEY:
        faults.append("EVSPORTAL_SECRET_KEY is not set.")
    elif len(settings.SECRET_KEY) < LEAST_KEY_LENGTH:
        faults.append(f"EVSPORTAL_SECRET_KEY has {len(settings.SECRET_KEY)} characters: too few.")
    if INSECURE_KEY in settings.SECRET_KEY_FALLBACKS:
        faults.append("EVSPORTAL_SECRET_KEY_FALLBACKS holds a key that everybody knows.")
    elif any(len(key) < LEAST_KEY_LENGTH for key in settings.SECRET_KEY_FALLBACKS):
        faults.append(
            "EVSPORTAL_SECRET_KEY_FALLBACKS holds a key that is too short for one, or a piece of a"
            " key with a comma in it."
        )
    hint = f"Use {LEAST_KEY_LENGTH} or more random characters; EVSPORTAL_SECRET_KEY_FILE may name"
    hint += " a file that holds them."
    return [Error(fault, hint=hint, id="evsportal.E003") for fault in faults]


@register
def check_secret_files(**_kwargs: Any) -> list[CheckMessage]:
    """Files with secrets are not for everybody on the machine. Those of the group may be."""
    messages: list[CheckMessage] = []
    for variable in VARIABLES:
        path = Path(os.environ.get(f"{variable.name}_FILE") or "/").expanduser()
        if not variable.is_secret or not _is_open(path, stat.S_IROTH | stat.S_IWOTH):
            continue
        sentence = f"{variable.name}_FILE: {path} is readable by everybody."
        hint = f"Run: chmod o-rwx {path}"
        if variable.name in SIGNING_KEYS:
            messages.append(Error(sentence, hint=hint, id="evsportal.E013"))
        else:
            messages.append(CheckWarning(sentence, hint=hint, id="evsportal.W004"))
    return messages


@register
def check_var(**_kwargs: Any) -> list[CheckMessage]:
    """What the portal keeps is not for everybody. It makes private files; it may meet others."""
    messages: list[CheckMessage] = []
    if _is_open(settings.VAR_DIR, stat.S_IRWXO):
        sentence = f"The folder {settings.VAR_DIR} is open to everybody on this machine."
        hint = f"Run: chmod o-rwx {settings.VAR_DIR}"
        messages.append(CheckWarning(sentence, hint=hint, id="evsportal.W003"))
    for path in _database_files():
        if _is_open(path, stat.S_IROTH | stat.S_IWOTH) and _is_open(path.parent, stat.S_IXOTH):
            sentence = f"The database {path} is readable by everybody on this machine."
            hint = f"Run: chmod o-rwx {path}"
            messages.append(Error(sentence, hint=hint, id="evsportal.E014"))
    return messages


def _database_files() -> list[Path]:
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    return [Path(f"{database['NAME']}{suffix}") for suffix in ("", "-wal", "-shm")]


def _is_open(path: Path, rights: int) -> bool:
    """Whether everybody has one of these rights; not where there is nothing."""
    try:
        return path != Path("/") and bool(path.stat().st_mode & rights)
    except OSError:
        return False


@register
def check_lease(**_kwargs: Any) -> list[CheckMessage]:
    """A claim outlives the longest exchange, else a second worker would doubt the first."""
    if settings.EVSPORTAL_LEASE_SECONDS >= 1.5 * settings.EVSPORTAL_DEADLINE_SECONDS:
        return []
    return [
        Error(
            "EVSPORTAL_LEASE_SECONDS is too close to EVSPORTAL_DEADLINE_SECONDS.",
            hint="Make the lease at least half as long again as the deadline.",
            id="evsportal.E004",
        )
    ]


@register
def check_audit_key(**_kwargs: Any) -> list[CheckMessage]:
    """The key that signs can be read."""
    try:
        keys.private_key()
    except ImproperlyConfigured as error:
        hint = "Make one with `manage audit_keygen PATH`, and set EVSPORTAL_AUDIT_KEY_FILE to it."
        return [Error(str(error), hint=hint, id="evsportal.E007")]
    return []


@register
def check_anchors(**_kwargs: Any) -> list[CheckMessage]:
    """Each place that seals are told to is one we know how to reach."""
    messages: list[CheckMessage] = []
    for target in settings.EVSPORTAL_AUDIT_ANCHORS:
        try:
            anchors.sender_to(target)
        except ValueError as error:
            hint = "See EVSPORTAL_AUDIT_ANCHORS in .env.example."
            messages.append(Error(str(error), hint=hint, id="evsportal.E008"))
    return messages


@register
def check_push(**_kwargs: Any) -> list[CheckMessage]:
    """Each place that rows are pushed to can be reached somehow, and its authority is there."""
    messages: list[CheckMessage] = []
    for target in settings.EVSPORTAL_AUDIT_PUSH:
        try:
            push.sender_to(target)
        except ValueError as error:
            hint = "See EVSPORTAL_AUDIT_PUSH in .env.example."
            messages.append(Error(str(error), hint=hint, id="evsportal.E009"))
            continue
        if push.may_lose(target):
            sentence = (
                f"{named(target)} is syslog over UDP: rows may get lost and nobody learns of it."
            )
            hint = "Push to syslog+tls:// or syslog+tcp://, which lose none."
            messages.append(CheckWarning(sentence, hint=hint, id="evsportal.W002"))
    if settings.EVSPORTAL_AUDIT_CA and not Path(settings.EVSPORTAL_AUDIT_CA).is_file():
        sentence = f"EVSPORTAL_AUDIT_CA: {settings.EVSPORTAL_AUDIT_CA} is not a file."
        messages.append(
            Error(sentence, hint="Name a file of PEM certificates.", id="evsportal.E009")
        )
    return messages


@register
def check_archives(**_kwargs: Any) -> list[CheckMessage]:
    """Whoever keeps records for a time says where they go then."""
    if not settings.EVSPORTAL_AUDIT_KEEP_DAYS or settings.EVSPORTAL_AUDIT_ARCHIVES:
        return []
    return [
        Error(
            "EVSPORTAL_AUDIT_KEEP_DAYS is set, and EVSPORTAL_AUDIT_ARCHIVES is not.",
            hint="Name the folder that archives go to, or keep records for ever: 0 days.",
            id="evsportal.E010",
        )
    ]


@register
def check_working_hours(**_kwargs: Any) -> list[CheckMessage]:
    """What auditors are shown as outside working hours is what the setting says."""
    try:
        hours.read_hours(settings.EVSPORTAL_WORKING_HOURS)
    except ValueError as error:
        hint = "Write EVSPORTAL_WORKING_HOURS as in: Mon-Fri 08:00-18:00 Europe/Istanbul"
        return [Error(str(error), hint=hint, id="evsportal.E012")]
    return []


@register
def check_transactions(**_kwargs: Any) -> list[CheckMessage]:
    """A transaction around a web request or a call would let evidence roll back."""
    if not any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        return []
    return [
        Error(
            "ATOMIC_REQUESTS is on.",
            hint="Leave it off: exchanges are committed before their request leaves.",
            id="evsportal.E005",
        )
    ]


def database_of_another_mode() -> str:
    """What is wrong with a database that the sandbox used and a real portal shall, or the reverse,
    and what to do; empty where nothing is. Raises `DatabaseError` without tables.
    """
    if not is_of_another_mode(settings.EVSPORTAL_MODE):
        return ""
    is_file = connection.vendor == "sqlite"
    name = connection.settings_dict["NAME"] if is_file else "The database in DATABASE_URL"
    if settings.EVSPORTAL_MODE == "sandbox":
        return (
            f"{name} belongs to a portal with real clouds, so the sandbox does not use it: unset"
            " DATABASE_URL, and the sandbox makes a database of its own."
        )
    way_out = "move that file away" if is_file else "name an empty database there"
    return (
        f"{name} was used by the sandbox, so it is not used with real clouds: {way_out}, and start"
        " again."
    )


@register(Tags.database)
def check_database_use(*, databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """The sandbox and a portal with real clouds have a database each."""
    if not databases or not settings.EVSPORTAL_MODE:
        return []
    try:
        sentence = database_of_another_mode()
    except DatabaseError:
        return []  # no database, or no tables yet
    return [Error(sentence, id="evsportal.E021")] if sentence else []


@register(Tags.database)
def check_published_passwords(*, databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """No account has a password that the documentation shows. Asked by `check --database default`.

    A warning, since such a password is refused at sign-in.
    """
    if not databases or settings.EVSPORTAL_MODE != "cloud":
        return []
    looked_for = look_for_published_passwords(most_accounts=ACCOUNTS_LOOKED_AT)
    try:
        names = [name for name in looked_for if name]
    except DatabaseError:
        return []
    return [
        CheckWarning(published_password_words(name), id="evsportal.W010") for name in sorted(names)
    ]


@register(Tags.database)
def check_pooler(**_kwargs: Any) -> list[CheckMessage]:
    """Behind a pooler nothing is used that belongs to a session."""
    try:
        if settings.EVSPORTAL_DATABASE_POOLER or not has_pooler():
            return []
    except DatabaseError:
        return []  # no database: others say so
    return [
        Error(
            "A pooler stands before PostgreSQL, and EVSPORTAL_DATABASE_POOLER is not set.",
            hint="Set it to true, and give the roles their time limits: docs/postgresql.md.",
            id="evsportal.E015",
        )
    ]


@register(Tags.database)
def check_guards(**_kwargs: Any) -> list[CheckMessage]:
    """The database itself refuses to change the audit trail. Asked by `check --database default`.

    A warning, since an error would stop `migrate`, which asks too and puts back what is missing.
    """
    try:
        missing = guards.missing() if guards.has_tables() else []
    except DatabaseError:
        return []  # no database: others say so
    return [
        CheckWarning(
            f"The trigger {name} of the audit trail is missing or not as it should be.",
            hint="Run `manage migrate`, which puts it back, and `manage audit_verify`.",
            id="evsportal.W001",
        )
        for name in missing
    ]


@register(Tags.database)
def check_names(**_kwargs: Any) -> list[CheckMessage]:
    """No account's name can be taken for another's. Validation refuses such; SQL and scripts do
    not ask it.
    """
    try:
        confusing = account_names.confusing_accounts()
    except DatabaseError:
        return []  # no database, or no tables yet
    hint = "Rename the account on its page under People; the trail keeps the name it had."
    return [CheckWarning(f"{sentence}.", hint=hint, id="evsportal.W020") for sentence in confusing]


@register(Tags.database)
def check_group_names(**_kwargs: Any) -> list[CheckMessage]:
    """No group's name can be taken for a role, which it would not be."""
    try:
        confusing = account_names.confusing_groups()
    except DatabaseError:
        return []  # no database, or no tables yet
    hint = "Rename the group on its page under Groups."
    return [CheckWarning(f"{sentence}.", hint=hint, id="evsportal.W022") for sentence in confusing]


@register(Tags.database)
def check_folding(**_kwargs: Any) -> list[CheckMessage]:
    """What lists are searched by, and how often pages changed, is kept by the database."""
    try:
        if not guards.has_tables() or is_of_earlier_state():
            return []
        missing = [*folded.missing(), *version_triggers.missing()]
    except DatabaseError:
        return []
    hint = "Run `manage migrate`, which puts it back; until then searches and open pages miss news."
    return [
        CheckWarning(f"{name}, which searches need, is missing.", hint=hint, id="evsportal.W021")
        for name in missing
    ]
