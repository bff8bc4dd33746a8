"""When the person of a session last proved who they are: what dangerous changes ask for.

A sign-in is such a proof, and so is each answer to "Confirm that it is you". So a session that was
taken over, or an unlocked screen, does not let anybody change people, rights or second factors.

It also says which page follows a request that was refused, here or elsewhere.
"""

import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect

from snapshots.audit.record.sign_in_facts import sign_in_facts

_KEY = "identity_proved_at"  # seconds since the epoch
_CLOCK_SECONDS = 10  # a proof further ahead comes from a clock that was wrong


def watch() -> None:
    """Note each sign-in. Twice does no harm."""
    user_logged_in.connect(_note_sign_in, dispatch_uid="proofs of identity")


def note_proof(request: HttpRequest, at: float | None = None) -> None:
    """`at`: seconds since the epoch; without it, now."""
    now = time.time()
    request.session[_KEY] = now if at is None else min(at, now)


def has_recent_proof(request: HttpRequest) -> bool:
    """Whether the proof is young enough for this request.

    A page with a form asks after half of the time already: so the other half at least is left to
    fill the form in, and hardly anybody loses what they typed.
    """
    limit = 60.0 * settings.EVSPORTAL_STEP_UP_MINUTES
    if request.method in {"GET", "HEAD"}:
        limit /= 2
    age = time.time() - float(request.session.get(_KEY, 0))
    return -_CLOCK_SECONDS <= age <= limit


def lead_to(request: HttpRequest, address: str) -> HttpResponse:
    """Lead the browser to another page. The whole page goes there, also when a fragment asked: it
    must not get a page into its middle.
    """
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return redirect(address)


def is_unasked(request: HttpRequest) -> bool:
    """Whether an open page sent this by itself, without a click (`views.access.polled`)."""
    view = getattr(request.resolver_match, "func", None)
    return bool(getattr(view, "is_polled", False))


def current_page(request: HttpRequest) -> str:
    """The page that a polled fragment stands in."""
    try:
        return request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
    except ValueError:  # no address at all
        return "/"


def page_before(request: HttpRequest) -> str:
    """The page with the form, if it is ours: the form's own address may take no GET."""
    try:
        referer = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return "/"
    if referer.netloc != request.get_host() or referer.path.startswith("//"):
        return "/"
    return urlunsplit(("", "", referer.path, referer.query, "")) or "/"


def _note_sign_in(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """The provider may have signed the person in hours ago: its own word counts (`sso`)."""
    if request is not None and not sign_in_facts(request).by:
        note_proof(request)
