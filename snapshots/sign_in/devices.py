"""Browsers in which somebody signed in before, known by a signed cookie.

It opens nothing. It only keeps failures that others cause from holding up this browser's tries.
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from evsportal.cookies import cookie_name
from snapshots.audit.record.sign_in_facts import sign_in_facts

_COOKIE = "evsportal_device"
_SALT = "snapshots.sign_in.devices"
_SECONDS = 90 * 24 * 3600
_SHORT = 32  # of an account's digest
_MOST_ACCOUNTS = 5  # of one browser


def known_device(request: HttpRequest, account: str) -> str:
    """The id of this browser if this account signed in here before; else empty."""
    return _devices_of(request).get(account[:_SHORT], "")


def remember_device(request: HttpRequest, account: str) -> None:
    """Let `send_cookie` say that this account signed in here."""
    devices = _devices_of(request)
    own = devices.pop(account[:_SHORT], "") or secrets.token_urlsafe(16)
    newest = list(devices.items())[-(_MOST_ACCOUNTS - 1) :]
    sign_in_facts(request).devices = dict([*newest, (account[:_SHORT], own)])


def send_cookie(request: HttpRequest, response: HttpResponse) -> None:
    devices = sign_in_facts(request).devices
    if devices is None:
        return
    response.set_cookie(
        cookie_name(_COOKIE),
        signing.dumps(devices, salt=_SALT),
        max_age=_SECONDS,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _devices_of(request: HttpRequest) -> dict[str, str]:
    try:
        cookie = request.COOKIES.get(cookie_name(_COOKIE), "")
        devices = signing.loads(cookie, salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return {}
    return devices if isinstance(devices, dict) else {}
