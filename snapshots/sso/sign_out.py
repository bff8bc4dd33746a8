"""Signing out at the provider too: RP-Initiated Logout 1.0.

What that takes is in the session, since the provider may be away: its address, and the id_token,
which is encrypted because sessions are rows of the database.
"""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from snapshots.sealed import seal, unseal
from snapshots.sso.metadata import metadata
from snapshots.sso.provider import absolute_address

_KEY = "provider_sign_out"


def remember_sign_in(request: HttpRequest, id_token: str) -> None:
    address = metadata().get("end_session_endpoint") or ""
    request.session[_KEY] = {"address": address, "id_token": seal(id_token)}


def sign_out_address(request: HttpRequest) -> str:
    """Where the browser goes after signing out here; "" for people without a provider."""
    stored = request.session.get(_KEY) or {}
    if not stored.get("address"):
        return ""
    parameters = {
        "client_id": settings.EVSPORTAL_OIDC_CLIENT_ID,
        "post_logout_redirect_uri": absolute_address(request, reverse("login")),
    }
    if id_token := unseal(stored.get("id_token", "")):
        parameters["id_token_hint"] = id_token
    separator = "&" if "?" in stored["address"] else "?"
    return f"{stored['address']}{separator}{urlencode(parameters)}"
