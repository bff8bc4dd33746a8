"""Whether the directory's address is one of this machine: only there TLS may be left out."""

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_on_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK
