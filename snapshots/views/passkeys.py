"""Passkeys: signing in by one, and a person's own."""

import logging

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from snapshots.accounts import may_sign_in_here
from snapshots.audit.record.actions import NOBODY, record
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.forms.second_factor import REFUSAL, PasskeyForm
from snapshots.mfa import passkeys
from snapshots.mfa.factors import FactorNeededError
from snapshots.mfa.passkeys import PasskeyRefused
from snapshots.mfa.session import mark_session
from snapshots.models import ActionCode
from snapshots.views.access import PortalRequest, public, signed_in
from snapshots.views.second_factor import removal_words, show_codes
from snapshots.views.step_up import has_password, with_recent_proof

logger = logging.getLogger(__name__)


@public
@require_POST
def challenge(request: HttpRequest) -> HttpResponse:
    """What a script hands to the browser: the same for everybody, so it names no account."""
    return JsonResponse(passkeys.challenge(request))


@public
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Without a name or a password."""
    try:
        person = passkeys.verify(request, request.POST.get("passkey", ""))
        _check_may_sign_in(person)
    except PasskeyRefused as refusal:
        return _refuse(request, refusal)
    sign_in_facts(request).second_factor = "passkey"
    response: HttpResponse = perform_login(request, person, redirect_url=_next_page(request))
    mark_session(request)
    return response


def _check_may_sign_in(person: User) -> None:
    if not person.is_active:
        raise PasskeyRefused("shut out", person)
    if not may_sign_in_here(person):
        raise PasskeyRefused("not by a passkey", person)


def _refuse(request: HttpRequest, refusal: PasskeyRefused) -> HttpResponse:
    """One sentence for every reason: it tells nobody which passkeys are whose."""
    subject = refusal.owner.get_username() if refusal.owner else "a passkey that nobody has"
    logger.warning("Nobody was signed in by a passkey: %s", refusal)
    details = {"why": str(refusal), "by": "passkey"}
    record(ActionCode.SIGN_IN_REFUSED, actor_name=NOBODY, subject=subject, details=details)
    messages.error(request, REFUSAL)
    return redirect("login")


def _next_page(request: HttpRequest) -> str:
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        page, {request.get_host()}, require_https=request.is_secure()
    )
    return page if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)


# --- one's own -------------------------------------------------------------------------------


@signed_in
@require_POST
@with_recent_proof(has_password)
def options(request: PortalRequest) -> HttpResponse:
    """What a script hands to the browser, so that the device makes a passkey."""
    _refuse_people_of_provider(request)
    return JsonResponse(passkeys.options_to_add(request, request.user))


@signed_in
@require_POST
@with_recent_proof(has_password)
def add(request: PortalRequest) -> HttpResponse:
    _refuse_people_of_provider(request)
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the passkey a name. Nothing was stored."))
        return redirect("second_factor_settings")
    try:
        codes = passkeys.add(
            request, request.user, form.cleaned_data["name"], request.POST.get("passkey", "")
        )
    except PasskeyRefused as refusal:
        details = {"why": f"passkey: {refusal}"}
        subject = request.user.get_username()
        record(ActionCode.FACTOR_ADD_REFUSED, subject=subject, details=details)
        messages.error(request, _("This passkey was not stored. Please try again."))
        return redirect("second_factor_settings")
    mark_session(request)
    return show_codes(request, codes)


@signed_in
@require_POST
@with_recent_proof(has_password)
def change(request: PortalRequest, passkey_id: int) -> HttpResponse:
    """Rename it, or remove it by the button of that name."""
    _refuse_people_of_provider(request)
    if "remove" in request.POST:
        return _remove(request, passkey_id)
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the passkey a name. Nothing was changed."))
    elif not passkeys.rename(request.user, passkey_id, form.cleaned_data["name"]):
        raise Http404
    else:
        messages.success(request, _("The passkey is renamed."))
    return redirect("second_factor_settings")


def _remove(request: PortalRequest, passkey_id: int) -> HttpResponse:
    try:
        if not passkeys.remove_passkey(request.user, passkey_id):
            raise Http404
    except FactorNeededError:
        details = {"why": "the role needs it"}
        subject = request.user.get_username()
        record(ActionCode.FACTOR_REMOVE_REFUSED, subject=subject, details=details)
        messages.error(request, _("Your role needs it, so it cannot be removed."))
    else:
        messages.success(request, removal_words(request))
    return redirect("second_factor_settings")


def _refuse_people_of_provider(request: PortalRequest) -> None:
    if not request.user.has_usable_password():
        raise Http404
