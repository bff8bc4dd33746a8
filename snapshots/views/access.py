"""Who may open which page. Every route has one of these rules; a test fails for one without.

Somebody who is not signed in gets the sign-in page; somebody without the role gets 404, as for an
address that does not exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from snapshots.audit.record.actions import record
from snapshots.models import ActionCode
from snapshots.rights.policy import Right, may
from snapshots.step_up import current_page, is_unasked, page_before

P = ParamSpec("P")
Answer = TypeVar("Answer", bound=HttpResponseBase)


class PortalRequest(HttpRequest):
    """A request of somebody who is signed in, for types only."""

    user: User
    htmx: HtmxDetails


# Beside the rights, the rules of routes.
PUBLIC, SIGNED_IN, MONITORING = "public", "signed in", "monitoring"

View = Callable[Concatenate[Any, P], HttpResponseBase]  # Any: a PortalRequest
Route = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def public(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """Open to everybody: it shows nothing of anybody's."""
    view.access_rule = PUBLIC  # type: ignore[attr-defined]
    return view


def for_monitoring(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Route[P]:
    """Open to who sends the token of EVSPORTAL_METRICS_TOKEN. Without one there is no such page."""

    @wraps(view)
    def route(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.EVSPORTAL_METRICS_TOKEN:
            raise Http404
        expected = f"Bearer {settings.EVSPORTAL_METRICS_TOKEN}"
        if not constant_time_compare(request.headers.get("Authorization", ""), expected):
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
        return view(request, *args, **kwargs)

    route.access_rule = MONITORING  # type: ignore[attr-defined]
    return cast("Route[P]", route)


def polled(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """Asked by a page itself: no use of the session (`middleware.session_use`), which keeps its key
    too. Another would come while the person has clicked already, with the old one.
    """
    view.is_polled = True  # type: ignore[attr-defined]
    return view


def signed_in(view: View[P]) -> Route[P]:
    """Open to everybody with an account, also without a role."""
    return _guarded(view, None)


def with_a_role(view: View[P]) -> Route[P]:
    return _guarded(view, Right.SEE_LISTS)


def for_requesters(view: View[P]) -> Route[P]:
    return _guarded(view, Right.REQUEST)


def for_auditors(view: View[P]) -> Route[P]:
    """An attempt by anybody else is recorded."""
    return _guarded(view, Right.AUDIT, refusal=ActionCode.AUDIT_READ_REFUSED)


def for_administrators(view: View[P]) -> Route[P]:
    return _guarded(view, Right.ADMINISTER)


def for_who_cancels(view: View[P]) -> Route[P]:
    return _guarded(view, Right.CANCEL)


def for_who_ends_requests(view: View[P]) -> Route[P]:
    return _guarded(view, Right.END_HANGING)


def _guarded(view: View[P], right: Right | None, *, refusal: ActionCode | None = None) -> Route[P]:
    @wraps(view)
    def route(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _ask_to_sign_in(request)
        if right is not None and not may(request.user, right):
            if refusal is not None:
                record(refusal, subject=request.path)
            raise Http404
        return view(request, *args, **kwargs)

    route.access_rule = right or SIGNED_IN  # type: ignore[attr-defined]
    return cast("Route[P]", route)


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """A page that polls must not get the sign-in page into its middle: it gets one sentence."""
    if request.htmx:  # type: ignore[attr-defined]
        # `next` is the page the person looks at, not the fragment.
        page = current_page(request)
        return render(request, "snapshots/_session_ended.html", {"next": page}, status=401)
    if request.method == "POST":
        if not is_unasked(request):  # else it would come up on a later page
            messages.warning(
                request,
                _("Your session had ended, so nothing was asked. Sign in and send it again."),
            )
        return redirect_to_login(page_before(request))
    return redirect_to_login(request.get_full_path())
