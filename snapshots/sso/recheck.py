"""Asking the provider again, now and then, whether a person is still signed in there.

The browser goes there and comes back (`prompt=none`), so the person sees nothing of it. Roles are
taken over as at a sign-in; whom the provider does not know any more is signed out here.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from snapshots.sso.metadata import is_configured
from snapshots.sso.provider import StrictAdapter
from snapshots.sso.refusals import SignInRefused

logger = logging.getLogger(__name__)

_KEY = "provider_checked_at"  # seconds since the epoch; of people of the provider alone
_BUSY_KEY = "provider_busy_since"  # seconds since the epoch
_GRACE_SECONDS = 600
_NEXT_TRY_SECONDS = 60  # while the provider is away


class ProviderRecheck:
    """Sends people of the provider there when they open a page and the last check is too old."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, *_rest: object) -> object:
        if not settings.EVSPORTAL_OIDC_RECHECK_MINUTES or not _opens_page(request, view):
            return None
        if not _is_due(request) or not is_configured():
            return None
        provider = StrictAdapter(request).get_provider()
        try:
            return provider.redirect(request, **provider.options_to_recheck(request))
        except SignInRefused as refusal:
            logger.warning("The provider could not be asked again: %s", refusal)
            try_again_soon(request)
            return None


def note_check(request: HttpRequest) -> None:
    request.session[_KEY] = time.time()
    request.session.pop(_BUSY_KEY, None)


def try_again_soon(request: HttpRequest) -> None:
    """A provider that is away signs nobody out."""
    limit = 60 * settings.EVSPORTAL_OIDC_RECHECK_MINUTES
    request.session[_KEY] = time.time() - limit + _NEXT_TRY_SECONDS


def may_be_busy(request: HttpRequest) -> bool:
    """Whether a provider that is busy is waited for. The browser brings that answer, and whoever
    has it can make it up: so it delays the end of a session once by the limit and the grace.
    """
    since = float(request.session.setdefault(_BUSY_KEY, time.time()))
    longest = 60 * settings.EVSPORTAL_OIDC_RECHECK_MINUTES + _GRACE_SECONDS
    return 0 <= time.time() - since <= longest


def refuse_another(request: HttpRequest, person: User | None) -> None:
    """Raises `SignInRefused` for somebody else than the person of the session."""
    if person is None or person.pk != request.user.pk:
        raise SignInRefused("another person", person.get_username() if person else "")


def _opens_page(request: HttpRequest, view: object) -> bool:
    """What a page loads by itself does not come back from another site."""
    is_document = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    is_fragment = bool(getattr(request, "htmx", False))
    is_public = getattr(view, "access_rule", "") == "public"
    return request.method == "GET" and is_document and not is_fragment and not is_public


def _is_due(request: HttpRequest) -> bool:
    if not request.user.is_authenticated or _KEY not in request.session:
        return False
    age = time.time() - float(request.session[_KEY])
    return not 0 <= age <= 60 * settings.EVSPORTAL_OIDC_RECHECK_MINUTES
