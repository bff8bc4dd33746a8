"""The mail server that EVSPORTAL_EMAIL_URL names.

No sentence quotes the address: it holds a password, and where it is written wrongly any part of it
may be a piece of that.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

_FORMS = "smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """`host` is empty where there is none. TLS is left out for this machine alone."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)  # Django's page of an error shows `_MAIL`
    starts_tls: bool = False
    is_tls: bool = False


def mail_server(url: str) -> MailServer:
    """Raises `ValueError` with what is to be read after the setting's name."""
    if not url:
        return MailServer()
    parts = _split(url)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"cannot be read; write {_FORMS}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"holds more than a server; in user and password write / as %2F: {_FORMS}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("has a user without a password, or a password without a user")
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        user=user,
        password=password,
        starts_tls=parts.scheme == "smtp" and not _is_this_machine(parts.hostname),
        is_tls=parts.scheme == "smtps",
    )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    is_clean = url.isprintable() and " " not in url and "@" not in (parts.password or "")
    return parts if is_port and is_clean and _HOST.fullmatch(name) else None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
