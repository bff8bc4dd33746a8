"""Reads the settings of `variables.py` from environment variables, and from the files they name.

What cannot be read is refused, never replaced by a default. All mistakes are reported at once, a
sentence each. No sentence shows a secret.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

from evsportal.databases import check_database_url
from evsportal.forwarded import Network
from evsportal.logs import LEVELS
from evsportal.mail import mail_server
from evsportal.variables import BY_NAME, OF_TESTS, VARIABLES, Kind, Variable

_PREFIX = "EVSPORTAL"
_FILE = "_FILE"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_WHOLE = re.compile(r"[0-9]+")
_FRACTION = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_LOGGER = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)?")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The value of every setting. Raises `ImproperlyConfigured` with a line for each mistake."""
    mistakes = [sentence for name in environ if (sentence := _refusal_of_name(name))]
    values = {}
    for variable in VARIABLES:
        try:
            values[variable.name] = _read(variable, environ)
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ImproperlyConfigured("\n".join(mistakes))
    return values


# --- names -----------------------------------------------------------------------------------


def _refusal_of_name(name: str) -> str:
    """What is wrong with a variable's name; "" for a setting, and for a variable of another
    program.
    """
    if not _is_meant_for_portal(name) or name in BY_NAME:
        return ""
    stem = name.removesuffix(_FILE)
    if stem != name and stem in BY_NAME and name not in _MISNOMERS:
        if BY_NAME[stem].is_secret:
            return ""
        return f"{name}: {stem} is not read from a file; write its value as {stem}."
    if nearest := _nearest(name.upper()):
        return f"{name} is not a setting of the portal; did you mean {nearest}?"
    return f"{name} is not a setting of the portal; .env.example lists them all."


def _is_meant_for_portal(name: str) -> bool:
    upper = name.upper()
    if upper.startswith(OF_TESTS):
        return False
    if upper.startswith(_PREFIX):
        return True
    # EVS_PORTAL_MODE, EVPORTAL_MODE: too similar to a long name to be a coincidence.
    names = [name for name in _NAMES if name.startswith(_PREFIX)]
    return bool(difflib.get_close_matches(upper, names, n=1, cutoff=0.9))


def _nearest(name: str) -> str:
    if name in _NAMES:
        return name
    if name in _MISNOMERS:
        return _MISNOMERS[name]
    if alike := difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.9):
        return alike[0]
    # Compared without the prefix, which makes any two names similar.
    stems = {name.removeprefix(f"{_PREFIX}_"): name for name in [*_MISNOMERS, *_NAMES]}
    stem = name.removeprefix(_PREFIX).removeprefix("_")
    matches = difflib.get_close_matches(stem, stems, n=1, cutoff=0.6)
    nearest = stems[matches[0]] if matches else ""
    return _MISNOMERS.get(nearest, nearest)


_NAMES = [
    variable.name + suffix
    for variable in VARIABLES
    for suffix in ("", _FILE)[: 1 + variable.is_secret]
]
_MISNOMERS = {misnomer: variable.name for variable in VARIABLES for misnomer in variable.misnomers}


# --- values ----------------------------------------------------------------------------------


def _read(variable: Variable, environ: Mapping[str, str]) -> Any:
    text = _text_of(variable, environ)
    return _READERS[variable.kind](variable, text or variable.default)


def _text_of(variable: Variable, environ: Mapping[str, str]) -> str:
    """What is written for the variable, itself or in its file; "" when it is not set."""
    name, text = variable.name, environ.get(variable.name, "")
    path = environ.get(name + _FILE, "") if variable.is_secret else ""
    if text and path:
        raise ValueError(f"{name} and {name}{_FILE} are both set; leave one of them out.")
    if path:
        return _text_in_file(name + _FILE, path)
    if text and not text.strip():
        raise ValueError(f"{name} is blank; write a value, or leave it out.")
    return text if variable.is_secret else text.strip()


def _text_in_file(name: str, written: str) -> str:
    path = Path(written).expanduser()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{name}: {path} is not text in UTF-8.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "not a path"
        raise ValueError(f"{name}: {path} cannot be read: {reason}.") from None
    if not text:
        raise ValueError(f"{name}: {path} is empty; write the value into it.")
    return text


def _is(variable: Variable, text: str) -> str:
    return variable.name if variable.is_secret else f"{variable.name} is {text!r}"


def _read_text(_variable: Variable, text: str) -> str:
    return text


def _read_choice(variable: Variable, text: str) -> str:
    if text and text not in variable.choices:
        raise ValueError(
            f"{_is(variable, text)}; it must be one of: {', '.join(variable.choices)}."
        )
    return text


def _read_boolean(variable: Variable, text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{_is(variable, text)}; write true or false.")
    return word in _TRUE


def _read_count(variable: Variable, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{_is(variable, text)}; write a whole number{_bounds(variable)}.")
    number = int(text[:20])  # longer ones are beyond any bound, and Python refuses very long ones
    if not variable.least <= number <= variable.most:
        raise ValueError(f"{_is(variable, text)}; write a whole number{_bounds(variable)}.")
    return number


def _read_number(variable: Variable, text: str) -> float:
    if not _FRACTION.fullmatch(text) or not variable.least <= float(text) <= variable.most:
        raise ValueError(f"{_is(variable, text)}; write a number{_bounds(variable)}, such as 2.5.")
    return float(text)


def _bounds(variable: Variable) -> str:
    return f" from {variable.least:.15g} to {variable.most:.15g}"


def _read_items(variable: Variable, text: str) -> list[str]:
    parts = re.split(r"[,\n]", text)  # a file often has a line for each
    items = [part.strip() for part in parts if part.strip()]
    if text and not items and not variable.default:  # an empty list can replace defaults
        raise ValueError(
            f"{variable.name} holds nothing but commas; write a value, or leave it out."
        )
    return items


def _read_folder(variable: Variable, text: str) -> str:
    if not text:
        return ""
    path = Path(text).expanduser()
    try:
        nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ValueError(f"{_is(variable, text)}, which cannot be used: {reason}.") from None
    if not nearest.is_dir():
        raise ValueError(f"{_is(variable, text)}, but {nearest} is a file; name a folder.")
    return str(path)


def _read_hosts(variable: Variable, text: str) -> list[str]:
    hosts = _read_items(variable, text)
    for host in hosts:
        if why := _why_no_host(host):
            raise ValueError(f"{variable.name} holds {host!r}; {why}.")
    return hosts


def _why_no_host(host: str) -> str:
    is_ipv6 = host.startswith("[") and host.endswith("]") and _is_ip(host[1:-1], version=6)
    if host == "*" or is_ipv6 or _HOST.fullmatch(host.removeprefix(".")):
        return ""
    return next(why for is_it, why in _faults_of_host(host) if is_it)


def _faults_of_host(host: str) -> list[tuple[bool, str]]:
    name = "write the bare name, such as portal.example.org, without scheme or path"
    letters = "write a name with other letters as browsers send it, beginning with xn--"
    return [
        ("/" in host, name),
        (_is_ip(host, version=6), f"write an IPv6 address in brackets, as [{host}]"),
        (re.fullmatch(r".+:[0-9]*", host) is not None, "write the name without a port"),
        (not host.isascii(), letters),
        (True, "that is not the name of a host; put commas between several"),
    ]


def _is_ip(text: str, *, version: int | None = None) -> bool:
    try:
        return version in {None, ipaddress.ip_address(text).version}
    except ValueError:
        return False


def _read_origins(variable: Variable, text: str) -> list[str]:
    origins = _read_items(variable, text)
    for origin in origins:
        parts = _split(origin)
        bare = parts and not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
        host = parts.hostname.removeprefix("*.") if parts and parts.hostname else ""
        is_host = _HOST.fullmatch(host) or _is_ip(host)
        if not (parts and bare and is_host and parts.scheme in {"http", "https"}):
            raise ValueError(
                f"{variable.name} holds {origin!r}; write scheme and host, as in "
                "https://portal.example.org."
            )
    return origins


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None when it is none, a bad port included."""
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def _read_address(variable: Variable, text: str) -> str:
    if _is_ip(text) or (_HOST.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text)):
        return text
    raise ValueError(
        f"{_is(variable, text)}; write an address of this machine, such as 127.0.0.1, 0.0.0.0 or "
        "::1, and the port as PORT."
    )


def _read_networks(variable: Variable, text: str) -> list[Network]:
    return [_network(variable, item) for item in _read_items(variable, text)]


def _network(variable: Variable, item: str) -> Network:
    try:
        network = ipaddress.ip_network(item)
    except ValueError:
        raise ValueError(
            f"{variable.name} holds {item!r}; write an address or a network, such as 192.0.2.7 or "
            "192.0.2.0/24, without bits beyond its length."
        ) from None
    if network.prefixlen == 0:
        raise ValueError(
            f"{variable.name} holds {item!r}, which trusts everybody; name the proxies' addresses."
        )
    return network


def _read_loopback_url(variable: Variable, text: str) -> str:
    parts = _split(text)
    host = parts.hostname if parts else None
    is_loopback = host == "localhost" or bool(host and _is_ip(host) and _is_loopback(host))
    bare = parts and not (parts.path.strip("/") or parts.query or "@" in parts.netloc)
    if not (parts and parts.scheme == "http" and is_loopback and bare and parts.port != 0):
        raise ValueError(
            f"{_is(variable, text)}; write an http address of this machine, such as "
            "http://127.0.0.1:8009."
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def _read_database_url(variable: Variable, text: str) -> str:
    if why := check_database_url(text):
        raise ValueError(f"{variable.name} {why}.")
    return text


def _read_log_levels(variable: Variable, text: str) -> dict[str, str]:
    """By the logger's name; "" for all that are not named."""
    levels = {}
    for item in _read_items(variable, text):
        name, _equals, level = item.rpartition("=")
        if level.lower() not in LEVELS or not _LOGGER.fullmatch(name):
            raise ValueError(
                f"{variable.name} holds {item!r}; write a level, or a logger and its level as in "
                f"snapshots.worker=debug. Levels are {', '.join(LEVELS)}."
            )
        levels[name] = level.lower()
    return levels


def _read_mail_url(variable: Variable, text: str) -> str:
    try:
        mail_server(text)
    except ValueError as error:
        raise ValueError(f"{variable.name} {error}.") from None
    return text


def _read_mail_address(variable: Variable, text: str) -> str:
    if text and not _MAIL_ADDRESS.fullmatch(text):
        raise ValueError(f"{_is(variable, text)}; write a bare address, as portal@example.org.")
    return text


_READERS: dict[Kind, Callable[[Variable, str], Any]] = {
    Kind.TEXT: _read_text,
    Kind.CHOICE: _read_choice,
    Kind.BOOLEAN: _read_boolean,
    Kind.COUNT: _read_count,
    Kind.NUMBER: _read_number,
    Kind.ITEMS: _read_items,
    Kind.FOLDER: _read_folder,
    Kind.HOSTS: _read_hosts,
    Kind.ORIGINS: _read_origins,
    Kind.ADDRESS: _read_address,
    Kind.NETWORKS: _read_networks,
    Kind.LOOPBACK_URL: _read_loopback_url,
    Kind.DATABASE_URL: _read_database_url,
    Kind.LOG_LEVELS: _read_log_levels,
    Kind.MAIL_URL: _read_mail_url,
    Kind.MAIL_ADDRESS: _read_mail_address,
}
