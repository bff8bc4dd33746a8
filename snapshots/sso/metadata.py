"""What the provider says of itself: its addresses, kept for some minutes by each process."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from snapshots.sso.refusals import SignInRefused
from snapshots.sso.transport import fetch_object

KEPT_SECONDS = 600.0
REFUSAL_KEPT_SECONDS = 15.0  # while the provider is away, few sign-in pages wait for it
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ADDRESSES = (*_NEEDED, "userinfo_endpoint", "end_session_endpoint")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class _Reading:
    issuer: str
    until: float
    metadata: dict[str, Any]
    refusal: SignInRefused | None = None


_readings: dict[str, _Reading] = {}


def is_configured() -> bool:
    return bool(settings.EVSPORTAL_OIDC_ISSUER and settings.EVSPORTAL_OIDC_CLIENT_ID)


def metadata() -> dict[str, Any]:
    """The provider's metadata. Raises `SignInRefused`, which is remembered for some seconds."""
    issuer = settings.EVSPORTAL_OIDC_ISSUER
    reading = _readings.get(issuer)
    if reading is None or reading.until < time.monotonic():
        reading = _readings[issuer] = _read(issuer)
    if reading.refusal is not None:
        raise SignInRefused(reading.refusal.code, reading.refusal.detail)
    return reading.metadata


def forget() -> None:
    """For tests: the next sign-in asks the provider."""
    _readings.clear()


def _read(issuer: str) -> _Reading:
    try:
        read = fetch_object(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        _check(read, issuer)
    except SignInRefused as refusal:
        return _Reading(issuer, time.monotonic() + REFUSAL_KEPT_SECONDS, {}, refusal)
    return _Reading(issuer, time.monotonic() + KEPT_SECONDS, read)


def _check(read: dict[str, Any], issuer: str) -> None:
    if read.get("issuer") != issuer:
        raise SignInRefused("metadata", "it is another issuer's")
    for name in _ADDRESSES:
        address = read.get(name)
        if address is None and name not in _NEEDED:
            continue
        if not isinstance(address, str) or not is_safe_address(address):
            raise SignInRefused("metadata", f"{name} is no https address")


def is_safe_address(address: str) -> bool:
    """https, or http on this machine, for a provider that is tried out."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
