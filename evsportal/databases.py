"""What is wrong with a DATABASE_URL, and with the database it names, in a sentence without it.

The address holds a password, and where it is written wrongly any part of it may be a piece of that:
no sentence quotes more than scheme, host, port and name of an address that was understood.
"""

import importlib.util
import re
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import InterfaceError, OperationalError

POSTGRES_SCHEMES = frozenset({"postgres", "postgresql"})
_FORMS = "postgresql://user:password@host/name or sqlite:////full/path.sqlite3"
_ENCODE = "in user and password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_NOT_ALLOWED = "42501"  # PostgreSQL's code
_NO_TABLE = frozenset({"42P01", "42703"})
_NO_TABLE_IN_SQLITE = ("no such table", "no such column")


def check_database_url(url: str) -> str:
    """Why the address cannot be used, to be read after "DATABASE_URL"; "" when it can be."""
    if not url:
        return ""
    if "\0" in unquote(url):
        return "holds a NUL character"
    scheme, separator, _rest = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return f"does not begin with a scheme; write {_FORMS}"
    if scheme.lower() == "sqlite":
        return _check_sqlite(url)
    if scheme.lower() in POSTGRES_SCHEMES:
        return _check_postgres(url)
    return f"begins with {scheme}://, which is not supported; write {_FORMS}"


def _check_sqlite(url: str) -> str:
    path, _question, query = url.partition("://")[2].partition("?")
    if query or "#" in path:
        return "holds ? or #; in the path write them as %3F and %23, and leave options out"
    if not path.startswith("/") or path == "/":
        return "names no file; write sqlite:////full/path.sqlite3, with four slashes"
    if ":memory:" in path:
        return "is a database in memory, which several processes cannot share; name a file"
    file = Path(unquote(path[1:]))
    if file.is_dir():
        return f"names {file}, which is a folder; name a file in it"
    if not file.absolute().parent.is_dir():
        return f"names a file in {file.absolute().parent}, and there is no such folder"
    return ""


def _check_postgres(url: str) -> str:
    parts = _split(url)
    if parts is None:
        return f"has a port or host that cannot be read; {_ENCODE}"
    name = parts.path.removeprefix("/")
    if parts.fragment or "/" in name or url.count("@") > 1:
        return f"cannot be read; {_ENCODE}"
    options = {key for key, _value in parse_qsl(parts.query)}
    if not name and "service" not in options:
        return f"names no database; write {_FORMS}"
    if not (importlib.util.find_spec("psycopg") or importlib.util.find_spec("psycopg2")):
        return (
            "names PostgreSQL, and its driver is not installed; start with ./run, or install "
            "requirements-postgres.txt"
        )
    if options - _known_options(options):
        return (
            "holds an option behind ? that PostgreSQL's driver does not know; write its own, such "
            "as sslmode=require, or leave it out"
        )
    return ""


def _known_options(options: set[str]) -> set[str]:
    """The options of PostgreSQL's client library. Django would take others, such as `pool`, for its
    own.
    """
    if not options:
        return set()  # the driver is not imported for nothing
    try:
        from psycopg.pq import Conninfo
    except ImportError:  # another driver, or one without its library: it says so itself
        return options
    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        unreadable = parts.port == 0 or (":" in parts.netloc.rpartition("@")[2] and not parts.port)
    except ValueError:
        return None
    is_ipv6 = parts.netloc.endswith("]")
    return None if unreadable and not is_ipv6 else parts


# --- a database that does not do what is asked of it ---------------------------------------------


def sentence_for(error: Exception, connection: BaseDatabaseWrapper) -> str:
    """What the database's error means and what to do; "" for an error that needs a developer."""
    database = connection.settings_dict
    where = _name_of(database)
    origin = _origin_of(error)
    reason = _reason_in(origin, database)
    code = getattr(origin, "sqlstate", None)
    if code == _NOT_ALLOWED:
        return (
            f"{where} refuses this to the role of DATABASE_URL ({reason}): run `manage migrate` "
            "by the role that owns its tables, then what `manage audit_roles` prints."
        )
    if code in _NO_TABLE or any(phrase in reason for phrase in _NO_TABLE_IN_SQLITE):
        return f"The tables of {where} are missing or old ({reason}): run `manage migrate`."
    was_refused = connection.connection is None  # by the driver too: an option it does not know
    if isinstance(error, OperationalError | InterfaceError) or was_refused:
        return f"{where} cannot be used: {reason}. See DATABASE_URL in the README."
    return ""


def _name_of(database: dict[str, Any]) -> str:
    if database["ENGINE"].endswith("sqlite3"):
        return f"The database {database['NAME']}"
    host, port = database.get("HOST") or "this machine", database.get("PORT")
    return f"The database {database['NAME']} on {host}" + (f", port {port}," if port else "")


def _origin_of(error: BaseException) -> BaseException:
    """The driver's error behind Django's: `migrate` wraps it twice."""
    origin: BaseException = error
    while not getattr(origin, "sqlstate", None):
        behind = origin.__cause__ or origin.__context__
        if behind is None:
            return error
        origin = behind
    return origin


def _reason_in(error: BaseException, database: dict[str, Any]) -> str:
    """The first line of what the driver says; the others are hints and positions."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = (lines[0] if lines else type(error).__name__).rstrip(".:")
    password = str(database.get("PASSWORD") or "")
    return reason.replace(password, "…") if password else reason
