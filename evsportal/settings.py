"""Settings, read from the environment only. Each is in `.env.example` and the README's table.

Readers refuse what they cannot read: a typing error stops the start, it never becomes a default.
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from evsportal.logs import LOGGING  # noqa: F401 - Django reads it here

BASE_DIR = Path(__file__).resolve().parent.parent


def _text(name: str, default: str = "") -> str:
    """The variable's text; `NAME_FILE` may name a file that holds it (container secrets)."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {path}: {error.strerror}.") from error
    return os.environ.get(name, default)


def _boolean(name: str, *, default: bool) -> bool:
    text = _text(name).lower()
    if text in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if text == "" else text in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name} is {text!r}; write true or false.")


def _number(name: str, default: float, *, least: float, most: float) -> float:
    text = _text(name)
    try:
        number = float(text) if text else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {text!r}; write a number.") from error
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} is {text}; it must be between {least:g} and {most:g}.")
    return number


def _choice(name: str, default: str, choices: set[str]) -> str:
    text = _text(name, default)
    if text not in choices:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be one of: {', '.join(sorted(choices - {''}))}."
        )
    return text


def _list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in _text(name, default).split(",") if part.strip()]


# --- the portal ------------------------------------------------------------------------------

# "sandbox" (a simulated cloud, demo accounts) or "cloud". Empty stops the start: see checks.py.
EVSPORTAL_MODE = _choice("EVSPORTAL_MODE", "", {"", "sandbox", "cloud"})
VAR_DIR = Path(_text("EVSPORTAL_VAR", str(BASE_DIR / "var")))
# The sandbox keeps its database, its simulated cloud and its key apart from a real portal's.
DATA_DIR = VAR_DIR / "sandbox" if EVSPORTAL_MODE == "sandbox" else VAR_DIR

EVSPORTAL_CLOUDS = _text("EVSPORTAL_CLOUDS")
EVSPORTAL_SANDBOX_URL = _text("EVSPORTAL_SANDBOX_URL", "http://127.0.0.1:8009")
EVSPORTAL_RESERVED_PREFIXES = _list(
    "EVSPORTAL_RESERVED_PREFIXES", "autobk_snapshot,manualbk_snapshot"
)
# A real Cinder on MariaDB answered 500 to characters beyond U+FFFF.
EVSPORTAL_REFUSE_ASTRAL = _boolean("EVSPORTAL_REFUSE_ASTRAL", default=True)

EVSPORTAL_WORKER_THREADS = int(_number("EVSPORTAL_WORKER_THREADS", 4, least=1, most=32))
EVSPORTAL_WORKER_POLL_SECONDS = _number("EVSPORTAL_WORKER_POLL_SECONDS", 0.3, least=0.05, most=60)
EVSPORTAL_LEASE_SECONDS = _number("EVSPORTAL_LEASE_SECONDS", 90, least=2, most=3600)
EVSPORTAL_WATCH_SECONDS = _number("EVSPORTAL_WATCH_SECONDS", 2, least=0.2, most=600)
EVSPORTAL_INVENTORY_SECONDS = _number("EVSPORTAL_INVENTORY_SECONDS", 30, least=0.5, most=3600)
EVSPORTAL_SETTLE_SECONDS = _number("EVSPORTAL_SETTLE_SECONDS", 120, least=1, most=86400)
EVSPORTAL_RETRY_SECONDS = _number("EVSPORTAL_RETRY_SECONDS", 900, least=1, most=86400)
EVSPORTAL_CONNECT_SECONDS = _number("EVSPORTAL_CONNECT_SECONDS", 5, least=0.1, most=120)
EVSPORTAL_READ_SECONDS = _number("EVSPORTAL_READ_SECONDS", 30, least=0.1, most=600)
EVSPORTAL_DEADLINE_SECONDS = _number("EVSPORTAL_DEADLINE_SECONDS", 60, least=0.2, most=900)

# --- the audit trail -------------------------------------------------------------------------

EVSPORTAL_AUDIT_KEY = _text("EVSPORTAL_AUDIT_KEY")  # Ed25519, private, PEM; empty: unsigned seals
EVSPORTAL_AUDIT_SEAL_SECONDS = _number("EVSPORTAL_AUDIT_SEAL_SECONDS", 300, least=1, most=86400)
EVSPORTAL_AUDIT_SEAL_ROWS = int(_number("EVSPORTAL_AUDIT_SEAL_ROWS", 1000, least=1, most=100_000))
EVSPORTAL_AUDIT_ANCHORS = _list("EVSPORTAL_AUDIT_ANCHORS")
EVSPORTAL_AUDIT_PUSH = _list("EVSPORTAL_AUDIT_PUSH")
EVSPORTAL_AUDIT_CA = _text("EVSPORTAL_AUDIT_CA")  # a file; empty: the authorities built in
# Read by `manage audit_archive` alone. 0: for ever.
EVSPORTAL_AUDIT_KEEP_DAYS = int(_number("EVSPORTAL_AUDIT_KEEP_DAYS", 0, least=0, most=36_500))
EVSPORTAL_AUDIT_ARCHIVES = _text("EVSPORTAL_AUDIT_ARCHIVES")
# Read by audit/hours.py; checks.py stops the start for what are none.
EVSPORTAL_WORKING_HOURS = _text("EVSPORTAL_WORKING_HOURS") or "Mon-Fri 08:00-18:00 UTC"

# --- Django ----------------------------------------------------------------------------------

DEBUG = _boolean("EVSPORTAL_DEBUG", default=False)
SECRET_KEY = _text("EVSPORTAL_SECRET_KEY") or "not-for-production"
ALLOWED_HOSTS = _list("EVSPORTAL_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = _list("EVSPORTAL_ORIGINS")

INSTALLED_APPS = [
    "snapshots",
    "django_htmx",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "snapshots.middleware.browser_rules",
    "snapshots.middleware.plain_addresses",
    "snapshots.middleware.wrong_method",
    "snapshots.middleware.one_click",
    "snapshots.middleware.DatabaseTrouble",
]
ROOT_URLCONF = "evsportal.urls"
WSGI_APPLICATION = "evsportal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
EVSPORTAL_DATABASE_POOLER = _boolean("EVSPORTAL_DATABASE_POOLER", default=False)


def _database() -> dict[str, Any]:
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    DATA_DIR.mkdir(mode=0o700, exist_ok=True)
    url = _text("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'portal.sqlite3'}"
    database: dict[str, Any] = dict(dj_database_url.parse(url, conn_health_checks=True))
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a transaction takes the write lock at its start, so a claim is never lost to a
        # reader that turns writer. FULL: a committed exchange row survives a power cut.
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    else:
        database["DISABLE_SERVER_SIDE_CURSORS"] = EVSPORTAL_DATABASE_POOLER
        # The threads of a process bound how many connections it uses; the pool never makes them
        # wait for each other. A server that is away is told to the waiting after three seconds.
        options["pool"] = {"min_size": 1, "max_size": 100, "timeout": 3}
        options["connect_timeout"] = 3
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A session names the backend that opened it, and ends where that is not in this list: no session of
# the sandbox is valid in a portal with real clouds.
AUTHENTICATION_BACKENDS = [
    "snapshots.accounts.SandboxBackend"
    if EVSPORTAL_MODE == "sandbox"
    else "snapshots.accounts.CloudBackend"
]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
    {"NAME": "snapshots.accounts.PublishedPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "snapshots:home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _boolean("EVSPORTAL_HTTPS", default=False)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # a working day, from the last sign-in
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
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
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
SILENCED_SYSTEM_CHECKS: list[str] = []
