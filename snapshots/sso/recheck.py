"""Asking the provider again, now and then, whether a person is still signed in there.

The browser goes there and comes back (`prompt=none`), so the person sees nothing of it. Roles are
taken over as at a sign-in; whom the provider does not know any more is signed out here.

Only a page that is opened can go there. What pages load by themselves and forms are answered a
little longer without, and then refused, so that nobody does without the check by sending only such.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from snapshots.sso.metadata import is_configured
from snapshots.sso.provider import StrictAdapter
from snapshots.sso.refusals import SignInRefused
from snapshots.step_up import current_page, is_unasked, page_before

logger = logging.getLogger(__name__)

_KEY = "provider_checked_at"  # seconds since the epoch; of people of the provider alone
_BUSY_KEY = "provider_busy_since"  # seconds since the epoch
_GRACE_SECONDS = 600  # for what cannot go to the provider
_NEXT_TRY_SECONDS = 60  # while the provider is away


class ProviderRecheck:
    """Sends people of the provider there when they open a page and the last check is too old."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, *_rest: object) -> object:
        if not settings.EVSPORTAL_OIDC_RECHECK_MINUTES or not is_configured():
            return None
        if getattr(view, "access_rule", "") == "public" or not _is_checked(request):
            return None
        if not _opens_page(request):
            return _refuse(request) if _is_overdue(request) else None
        if not _is_due(request):
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
    return 0 <= time.time() - since <= _longest()


def refuse_another(request: HttpRequest, person: User | None) -> None:
    """Raises `SignInRefused` for somebody else than the person of the session."""
    if person is None or person.pk != request.user.pk:
        raise SignInRefused("another person", person.get_username() if person else "")


def _opens_page(request: HttpRequest) -> bool:
    """What a page loads by itself does not come back from another site."""
    is_document = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    is_fragment = bool(getattr(request, "htmx", False))
    return request.method == "GET" and is_document and not is_fragment


def _is_checked(request: HttpRequest) -> bool:
    """Whether it is somebody of the provider."""
    return request.user.is_authenticated and _KEY in request.session


def _is_due(request: HttpRequest) -> bool:
    return not 0 <= _age(request) <= 60 * settings.EVSPORTAL_OIDC_RECHECK_MINUTES


def _is_overdue(request: HttpRequest) -> bool:
    """By more than the grace, also the other way round: the clocks of two machines differ."""
    return not -_GRACE_SECONDS <= _age(request) <= _longest()


def _age(request: HttpRequest) -> float:
    return time.time() - float(request.session[_KEY])


def _longest() -> float:
    return 60 * settings.EVSPORTAL_OIDC_RECHECK_MINUTES + _GRACE_SECONDS


def _refuse(request: HttpRequest) -> HttpResponse:
    """The next page that the person opens goes to the provider; nobody is signed out here."""
    is_of_htmx = getattr(request, "htmx", False)
    if request.method not in {"GET", "HEAD"} and not is_of_htmx:
        if not is_unasked(request):
            _tell_that_nothing_was_asked(request)
        return redirect(page_before(request))
    page = current_page(request) if is_of_htmx else request.get_full_path()
    return render(request, "snapshots/_session_ended.html", {"next": page}, status=401)


def _tell_that_nothing_was_asked(request: HttpRequest) -> None:
    text = _("{provider} had to confirm first that you are signed in, so nothing was asked.")
    again = _("Send it again.")
    provider = settings.EVSPORTAL_OIDC_NAME
    messages.warning(request, f"{text.format(provider=provider)} {again}")
