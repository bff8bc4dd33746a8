"""Confirm that it is you: asked before people, rights, passwords, second factors and disks change.

Views that need it are marked, as access rules are; tests/pages/test_step_up.py lists them.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from snapshots.audit.record.actions import record
from snapshots.forms.second_factor import REFUSAL
from snapshots.forms.step_up import ConfirmForm
from snapshots.mfa.passkeys import PasskeyRefused, passkeys_of, verify
from snapshots.mfa.session import is_of_provider, mark_session
from snapshots.models import ActionCode
from snapshots.sso.metadata import is_configured
from snapshots.step_up import current_page, has_recent_proof, lead_to, note_proof, page_before
from snapshots.views.access import PortalRequest, signed_in

P = ParamSpec("P")
Route = Callable[P, HttpResponseBase]
Condition = Callable[..., bool]


def with_recent_proof(when: Condition | None = None) -> Callable[[Route[P]], Route[P]]:
    """Marks a view that only opens to somebody who proved lately who they are: `step_up` is True,
    or the condition, which gets what the view gets.

    Inside of the access rule, so that nobody is asked about a page that is not theirs.
    """

    def mark(view: Route[P]) -> Route[P]:
        @wraps(view)
        def route(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            is_needed = when is None or when(request, *args, **kwargs)
            if is_needed and not has_recent_proof(request):
                return _ask_to_confirm(request)
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

        route.step_up = when or True  # type: ignore[attr-defined]
        return cast("Route[P]", route)

    return mark


def has_password(request: HttpRequest, *_args: Any, **_kwargs: Any) -> bool:
    """A condition: people of the provider have no password and no second factor here."""
    return isinstance(request.user, User) and request.user.has_usable_password()


def _ask_to_confirm(request: HttpRequest) -> HttpResponse:
    """The form with what was sent is not stored anywhere: it may hold a password."""
    is_sent = request.method not in {"GET", "HEAD"}
    if is_sent:
        messages.warning(
            request,
            _("Nothing was changed: confirm that it is you first, then send the form again."),
        )
    if getattr(request, "htmx", False):
        page = current_page(request)
    else:
        page = page_before(request) if is_sent else request.get_full_path()
    return lead_to(request, f"{reverse('confirm_identity')}?{urlencode({'next': page})}")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: PortalRequest) -> HttpResponse:
    """The password again, with the second factor where there is one; or a new sign-in at the
    provider.
    """
    page = _next_page(request)
    if request.method != "POST" and has_recent_proof(request):
        return redirect(page)
    if is_of_provider(request):
        return _render(request, page, {"provider_name": settings.EVSPORTAL_OIDC_NAME})
    if "passkey" in request.POST:
        return _confirm_by_passkey(request, page)
    form = ConfirmForm(request, request.user, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _refuse(request, page, form)
    if form.second_factor:
        mark_session(request)
    _note_confirmation(request, form.proof)
    return redirect(page)


def _confirm_by_passkey(request: PortalRequest, page: str) -> HttpResponse:
    """A passkey is two factors: no password is asked for."""
    why = ""
    try:
        owner = verify(request, request.POST["passkey"])
        why = "" if owner == request.user else "passkey of another person"
    except PasskeyRefused as refusal:
        why = f"passkey: {refusal}"
    if why:
        subject = request.user.get_username()
        record(ActionCode.IDENTITY_REFUSED, subject=subject, details={"why": why})
        messages.error(request, REFUSAL)
        return redirect(f"{request.path}?{urlencode({'next': page})}")
    mark_session(request)
    _note_confirmation(request, "passkey")
    return redirect(page)


def _note_confirmation(request: PortalRequest, proof: str) -> None:
    record(
        ActionCode.IDENTITY_CONFIRMED,
        subject=request.user.get_username(),
        details={"by": proof},
    )
    note_proof(request)
    request.session.cycle_key()


def _refuse(request: PortalRequest, page: str, form: ConfirmForm) -> HttpResponse:
    if form.refusal:
        record(
            ActionCode.IDENTITY_REFUSED,
            subject=request.user.get_username(),
            details={"why": form.refusal},
        )
    has_passkey = passkeys_of(request.user).exists()
    response = _render(request, page, {"form": form, "has_passkey": has_passkey})
    if form.wait_seconds:
        response.status_code = 429
        response.headers["Retry-After"] = str(form.wait_seconds)
    return response


def _render(request: PortalRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    context |= {"next": page, "is_configured": is_configured()}
    return render(request, "registration/confirm_identity.html", context)


def _next_page(request: HttpRequest) -> str:
    """Where the person came from; never another site, and never this page again."""
    data = request.POST if request.method == "POST" else request.GET
    page = data.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        page, {request.get_host()}, require_https=request.is_secure()
    )
    is_this_page = page.partition("?")[0] == request.path
    return page if is_ours and not is_this_page else reverse("snapshots:home")
