"""Signing in by the organisation's provider, and being signed out by it."""

import logging
from urllib.parse import urlencode

from allauth.socialaccount.providers.oauth2.views import OAuth2LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from snapshots.audit.record.actions import NOBODY, record
from snapshots.localized import sentences
from snapshots.mfa.session import mark_as_providers
from snapshots.models import ActionCode
from snapshots.sso.confirmation import note_sign_in
from snapshots.sso.metadata import is_configured
from snapshots.sso.people import end_sessions
from snapshots.sso.provider import StrictAdapter, StrictCallbackView
from snapshots.sso.recheck import may_be_busy, note_check, try_again_soon
from snapshots.sso.refusals import SignInRefused
from snapshots.sso.sign_out import remember_sign_in
from snapshots.sso.tokens import verify_logout_token
from snapshots.views.access import public

logger = logging.getLogger(__name__)

# Reasons that say nothing of the person. The last comes by way of the browser.
_AWAY = frozenset({"unreachable", "metadata", "try later"})


@public
@require_POST
def start(request: HttpRequest) -> HttpResponseBase:
    """Send the browser to the provider. A POST: no link of another site starts a sign-in."""
    _check_configured()
    try:
        response = _dispatch(OAuth2LoginView, StrictAdapter(request), request)
    except SignInRefused as refusal:
        return _refuse(request, refusal)
    return go_on(request, response.headers["Location"])


def go_on(request: HttpRequest, address: str) -> HttpResponse:
    """A page that leads to the provider. Browsers let no redirect that answers a form leave the
    hosts of `form-action`, neither the first nor those that the provider's own hosts add.
    """
    context = {"address": address, "provider_name": settings.EVSPORTAL_OIDC_NAME}
    return render(request, "registration/provider_go_on.html", context)


@public
@require_GET
def callback(request: HttpRequest) -> HttpResponseBase:
    """Where the provider sends the browser back to."""
    _check_configured()
    adapter = StrictAdapter(request)
    try:
        response = _dispatch(StrictCallbackView, adapter, request)
        if request.user.is_authenticated:
            mark_as_providers(request)
            remember_sign_in(request, adapter.id_token)
            note_check(request)
            if not adapter.is_to_confirm and not adapter.is_recheck:
                note_sign_in(request, adapter.claims)
    except SignInRefused as refusal:
        return _refuse_answer(request, refusal, adapter)
    return response


@csrf_exempt
@public
@require_POST
def signed_out(request: HttpRequest) -> HttpResponse:
    """Back-channel logout: the provider itself says, signed, whom it has signed out."""
    _check_configured()
    try:
        subject = verify_logout_token(request.POST.get("logout_token"))
    except SignInRefused as refusal:
        logger.warning("A logout token was refused: %s", refusal)
        return JsonResponse({"error": "invalid_request"}, status=400)
    end_sessions(subject)
    return HttpResponse(headers={"Cache-Control": "no-store"})


def _check_configured() -> None:
    if not is_configured():
        raise Http404


def _dispatch(view: type, adapter: StrictAdapter, request: HttpRequest) -> HttpResponseBase:
    response: HttpResponseBase = view.adapter_view(adapter)(request)  # type: ignore[attr-defined]
    return response


def _refuse_answer(
    request: HttpRequest, refusal: SignInRefused, adapter: StrictAdapter
) -> HttpResponse:
    """What a refusal means depends on what the provider was asked."""
    if request.user.is_authenticated and adapter.is_to_confirm:
        return _refuse_to_confirm(request, refusal, page=adapter.page)
    if request.user.is_authenticated and adapter.is_recheck:
        return _end_session(request, refusal, page=adapter.page)
    return _refuse(request, refusal)


def _end_session(request: HttpRequest, refusal: SignInRefused, *, page: str) -> HttpResponse:
    """The provider does not answer for the person any more."""
    logger.warning("The provider was asked again whether somebody is signed in: %s", refusal)
    is_away = refusal.code in _AWAY
    if is_away and (refusal.code != "try later" or may_be_busy(request)):
        try_again_soon(request)
        return redirect(page or "/")
    logout(request)
    text = _(
        "{provider} did not confirm that you are still signed in there, so you are signed out."
    )
    messages.warning(request, text.format(provider=settings.EVSPORTAL_OIDC_NAME))
    return redirect_to_login(page or "/")


def _refuse_to_confirm(request: HttpRequest, refusal: SignInRefused, *, page: str) -> HttpResponse:
    """The person stays signed in, as before."""
    logger.warning("An identity was not confirmed by the provider: %s", refusal)
    details = {"why": refusal.code, "by": settings.EVSPORTAL_OIDC_NAME}
    if refusal.detail:
        details["detail"] = refusal.detail
    record(ActionCode.IDENTITY_REFUSED, subject=str(request.user), details=details)
    text = _("This did not confirm that it is you, so nothing else was done.")
    messages.error(request, sentences([str(refusal.sentence), text]))
    return redirect(f"{reverse('confirm_identity')}?{urlencode({'next': page})}")


def _refuse(request: HttpRequest, refusal: SignInRefused) -> HttpResponse:
    """The trail has the reason; the page says what to do, and nothing that the provider sent."""
    logger.warning("Nobody was signed in by the provider: %s", refusal)
    name = settings.EVSPORTAL_OIDC_NAME
    details = {"why": refusal.code, "by": name}
    if refusal.detail:
        details["detail"] = refusal.detail
    subject = refusal.detail if refusal.code == "shut out" else name
    record(ActionCode.SIGN_IN_REFUSED, actor_name=NOBODY, subject=subject, details=details)
    status = 503 if refusal.code in _AWAY else 401
    context = {"sentence": refusal.sentence, "provider_name": name}
    return render(request, "registration/provider_refused.html", context, status=status)
