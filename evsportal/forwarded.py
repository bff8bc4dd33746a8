"""What a trusted proxy says of the client: its address, the scheme and host that it asked for, and
the id of the request.

A client can send the same headers itself, so they count only when the connection comes from an
address of `EVSPORTAL_TRUSTED_PROXIES`. Knows nothing of Django.
"""

import ipaddress
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = Sequence[Network]

REQUEST_ID = "HTTP_X_REQUEST_ID"
# Whatever else may name a client is taken away as well, so that no library believes it.
HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP",
    REQUEST_ID,
)
_IPV4_AND_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_IPV6_AND_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
# One host, perhaps with a port. Whether it is a host of the portal is for EVSPORTAL_HOSTS to say.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def settle(environ: MutableMapping[str, Any], trusted: Networks) -> None:
    """Put the client's address, scheme and host where WSGI has those of the connection, and take
    the headers away, the id of the request where it is nobody's whose word counts.
    """
    said = {name: str(environ.pop(name, "")) for name in HEADERS}
    peer = parse_address(str(environ.get("REMOTE_ADDR") or ""))
    if peer is None:
        return
    environ["REMOTE_ADDR"] = str(peer)
    if not _is_in(peer, trusted):
        return
    environ[REQUEST_ID] = said[REQUEST_ID]
    environ["REMOTE_ADDR"] = str(_client(peer, said["HTTP_X_FORWARDED_FOR"], trusted))
    scheme = _last(said["HTTP_X_FORWARDED_PROTO"]).lower()
    if scheme in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme
    host = _last(said["HTTP_X_FORWARDED_HOST"])
    if _HOST.fullmatch(host):
        environ["HTTP_HOST"] = host


def parse_address(text: str) -> Address | None:
    """The address in an entry, without port; None for what is none, such as `unknown`."""
    text = text.strip(" \t")
    for form in (_IPV4_AND_PORT, _IPV6_AND_PORT):
        if match := form.fullmatch(text):
            text = match[1]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # One client has one spelling: no zone, and IPv4 as IPv4.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address


def _client(peer: Address, entries: str, trusted: Networks) -> Address:
    """The right-most address that is not a proxy of ours.

    Each proxy adds on the right the address that it was asked from. What stands to the left of an
    untrusted address, or of something that is no address, was written by nobody of ours.
    """
    nearest = peer
    for entry in _from_the_right(entries):
        address = parse_address(entry)
        if address is None:
            return nearest
        if not _is_in(address, trusted):
            return address
        nearest = address
    return nearest


def _from_the_right(entries: str) -> Iterator[str]:
    while entries:
        entries, _comma, entry = entries.rpartition(",")
        yield entry


def _last(values: str) -> str:
    """What the nearest proxy said, where several said something."""
    return values.rpartition(",")[2].strip(" \t")


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
