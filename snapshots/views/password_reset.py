"""A forgotten password: asking for a link by mail, and choosing another by it."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from snapshots.accounts import may_sign_in_here
from snapshots.audit.record.actions import record
from snapshots.forms.sign_in import ResetForm
from snapshots.models import ActionCode
from snapshots.sealed import seal, unseal
from snapshots.sign_in.brakes import begin_reset
from snapshots.sign_in.mail import is_configured
from snapshots.sign_in.reset import accounts_called, refuse, send_link
from snapshots.views.access import public


@public
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """The answer is the same whatever was typed. Raises `TryLaterError`."""
    if not is_configured():
        raise Http404
    form = ResetForm(request.POST or None)
    if not form.is_valid():
        return render(request, "registration/password_reset_form.html", {"form": form})
    begin_reset(request, form.cleaned_data["account"])
    _send_links(form.cleaned_data["account"])
    return redirect("password_reset_done")


@public
@require_http_methods(["GET", "HEAD"])
def done(request: HttpRequest) -> HttpResponse:
    return render(request, "registration/password_reset_done.html")


class _SealedTokens:
    """Django's tokens. Between two pages one is in the session, a row of the database: encrypted,
    or who reads the database could use it.
    """

    def check_token(self, person: User | None, token: str | None) -> bool:
        plain = unseal(token or "") or token
        return default_token_generator.check_token(person, plain)


class ResetView(PasswordResetConfirmView):
    """Django's, for people alone who may sign in by a password."""

    token_generator: Any = _SealedTokens()

    @method_decorator(sensitive_post_parameters())
    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_configured():
            raise Http404
        response = super().dispatch(*args, **kwargs)
        session = self.request.session
        token = session.get(INTERNAL_RESET_SESSION_TOKEN)
        if token and unseal(token) is None:
            session[INTERNAL_RESET_SESSION_TOKEN] = seal(token)
        return response

    def get_user(self, uidb64: str) -> Any:
        person = super().get_user(uidb64)
        return None if person is None or _refusal(person) else person

    def form_valid(self, form: Any) -> HttpResponse:
        person: User = form.user
        record(ActionCode.PASSWORD_RESET, actor=person, subject=person.get_username())
        return super().form_valid(form)


def _send_links(typed: str) -> None:
    accounts = accounts_called(typed)
    if not accounts:
        refuse("unknown name")
    for person in accounts:
        if why := _refusal(person):
            refuse(why, person.get_username())
        else:
            send_link(person)


def _refusal(person: User) -> str:
    """Why a person cannot choose a password by mail; empty: they can."""
    if not person.is_active:
        return "shut out"
    if not (person.has_usable_password() and may_sign_in_here(person)):
        return "not by password"
    return "" if person.email else "no address"
