"""The second factor: the second step of a sign-in, and a person's own settings of it."""

from io import BytesIO
from typing import Any

import qrcode
from allauth.account.internal.decorators import login_stage_required
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from qrcode.image.svg import SvgPathImage

from snapshots.audit.record.actions import NOBODY, record
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.forms.second_factor import REFUSAL, CodeForm, PasskeyForm, SetUpForm, wrong_code
from snapshots.mfa.factors import (
    Check,
    FactorNeededError,
    check_code,
    counter_of,
    has_app,
    has_factor,
    may_remove_factor,
    needs_factor,
    remove_app,
    set_up,
)
from snapshots.mfa.passkeys import PasskeyRefused, passkeys_of, verify
from snapshots.mfa.session import mark_session
from snapshots.mfa.stage import SECOND_FACTOR
from snapshots.models import ActionCode
from snapshots.sealed import seal, unseal
from snapshots.views.access import PortalRequest, public, signed_in
from snapshots.views.step_up import has_password, with_recent_proof

_IN_SESSION = "second_factor_set_up"


@public
@require_http_methods(["GET", "POST"])
@login_stage_required(stage=SECOND_FACTOR, redirect_urlname="login")  # type: ignore[untyped-decorator]
def ask(request: HttpRequest) -> HttpResponseBase:
    """The code, after the right password."""
    stage = request._login_stage  # type: ignore[attr-defined]
    person = stage.login.user
    form = CodeForm(None if "passkey" in request.POST else request.POST or None)
    if "passkey" in request.POST:
        check = _check_passkey(request, person)
    elif form.is_valid():
        check = check_code(person, form.cleaned_data["code"])
    else:
        return render(request, "registration/second_factor.html", {"form": form})
    if check.is_right and person.is_active:
        sign_in_facts(request).second_factor = check.kind
        response: HttpResponse = stage.exit()
        mark_session(request)
        return response
    record(
        ActionCode.SIGN_IN_REFUSED,
        actor_name=NOBODY,
        subject=person.get_username(),
        details={"why": "wrong second factor" if person.is_active else "shut out"},
    )
    if "passkey" in request.POST:
        messages.error(request, REFUSAL)
        return redirect(SECOND_FACTOR)
    return _refuse(request, form, check, "registration/second_factor.html")


def _check_passkey(request: HttpRequest, person: User) -> Check:
    """It must be a passkey of the person whose password was right."""
    try:
        owner = verify(request, request.POST["passkey"])
    except PasskeyRefused:
        return Check()
    return Check("passkey") if owner == person else Check()


@signed_in
@require_http_methods(["GET", "POST"])
@with_recent_proof(has_password)
def settings_page(request: PortalRequest) -> HttpResponseBase:
    """The authenticator app, to set up or to remove, and the passkeys. People of the provider have
    their second factors there.
    """
    if not request.user.has_usable_password():
        raise Http404
    if has_app(request.user):
        return _remove(request)
    return _set_up(request)


def about_passkeys(request: PortalRequest) -> dict[str, Any]:
    """What the settings show of them."""
    return {
        "passkeys": passkeys_of(request.user),
        "passkey_form": PasskeyForm(initial={"name": _("Passkey")}),
        "is_needed": needs_factor(request.user),
        "is_missing": not has_factor(request.user),
        "may_remove": may_remove_factor(request.user),
    }


@signed_in
@require_GET
def picture(request: PortalRequest) -> HttpResponse:
    """The secret of this session as a QR code: an address, since no page may hold `data:`."""
    secret = _secret_of(request)
    if not secret:
        raise Http404
    address = get_adapter().build_totp_url(request.user, secret)
    drawn = BytesIO()
    qrcode.make(address, image_factory=SvgPathImage).save(drawn)
    return HttpResponse(drawn.getvalue(), content_type="image/svg+xml; charset=utf-8")


def _set_up(request: PortalRequest) -> HttpResponse:
    secret = _secret_of(request)
    if not secret:
        secret = generate_totp_secret()
        request.session[_IN_SESSION] = seal(secret)
    form = SetUpForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        counter = counter_of(secret, form.cleaned_data["code"])
        if counter is not None:
            return _finish(request, secret, counter)
        form.add_error("code", _("This is not the code that the app shows now."))
    if request.method == "POST":
        details = {"why": ", ".join(form.errors)}
        record(ActionCode.FACTOR_ADD_REFUSED, subject=request.user.get_username(), details=details)
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    context = {"form": form, "secret": " ".join(groups), **about_passkeys(request)}
    return render(request, "registration/second_factor_set_up.html", context)


def _finish(request: PortalRequest, secret: str, counter: int) -> HttpResponse:
    codes = set_up(request.user, secret, counter)
    request.session.pop(_IN_SESSION, None)
    if codes is None:  # set up at this moment in another tab
        return redirect("second_factor_settings")
    mark_session(request)
    return show_codes(request, codes)


def show_codes(request: PortalRequest, codes: list[str]) -> HttpResponse:
    """The spare codes of a first factor; after another there are none to show."""
    if codes:
        return render(request, "registration/second_factor_codes.html", {"codes": codes})
    messages.success(request, _("Your second factor is set up. Your spare codes are as before."))
    return redirect("second_factor_settings")


def _remove(request: PortalRequest) -> HttpResponse:
    template = "registration/second_factor_remove.html"
    form = CodeForm(request.POST or None)
    context = {"form": form, **about_passkeys(request)}
    if not may_remove_factor(request.user) or not form.is_valid():
        return render(request, template, context)
    check = check_code(request.user, form.cleaned_data["code"])
    if not check.is_right:
        record(ActionCode.FACTOR_REMOVE_REFUSED, subject=request.user.get_username())
        return _refuse(request, form, check, template, context)
    try:
        remove_app(request.user)
    except FactorNeededError:  # another was removed at this moment
        return render(request, template, {**context, **about_passkeys(request)})
    messages.success(request, removal_words(request))
    return redirect("second_factor_settings")


def removal_words(request: PortalRequest) -> str:
    if has_factor(request.user):
        return _("It is removed.")
    return _("Your second factor is removed. Your password alone opens.")


def _refuse(
    request: HttpRequest,
    form: CodeForm,
    check: Check,
    template: str,
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    form.add_error("code", wrong_code(check.wait_seconds))
    context = (context or {}) | {"form": form}
    if not check.wait_seconds:
        return render(request, template, context)
    response = render(request, template, context, status=429)
    response.headers["Retry-After"] = str(check.wait_seconds)
    return response


def _secret_of(request: HttpRequest) -> str:
    return unseal(request.session.get(_IN_SESSION, "")) or ""
