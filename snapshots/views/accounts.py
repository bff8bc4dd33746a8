"""Signing in and out."""

import logging
from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from snapshots.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from snapshots.audit.record.actions import record
from snapshots.forms import PasswordForm, SignInForm
from snapshots.middleware import is_database_trouble
from snapshots.models import ActionCode
from snapshots.sign_in import mail
from snapshots.sign_in.one_time import has_chosen, must_choose, one_time_password_of
from snapshots.sign_in.sessions import SessionStore
from snapshots.sso.metadata import is_configured
from snapshots.sso.sign_out import sign_out_address
from snapshots.views.provider import go_on

logger = logging.getLogger(__name__)


class PortalLoginView(LoginView):
    redirect_authenticated_user = True
    authentication_form = SignInForm

    def get_redirect_url(self, *args: Any, **options: Any) -> str:
        """Empty for this page itself too: somebody who is signed in would be led in a circle."""
        address: str = super().get_redirect_url(*args, **options)
        path = urlsplit(urljoin(self.request.path, address)).path
        return "" if path == self.request.path else address

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["has_reset"] = mail.is_configured()
        if is_configured():
            context["provider_name"] = settings.EVSPORTAL_OIDC_NAME
        if settings.EVSPORTAL_MODE == "sandbox":
            demo = [(name, text) for name, _role, text in DEMO_ACCOUNTS]
            context |= {"demo_accounts": demo, "demo_password": DEMO_PASSWORD}
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        """By allauth, which asks people who have a second factor for it first."""
        response: HttpResponse = perform_login(
            self.request, form.get_user(), redirect_url=self.get_success_url()
        )
        return response


class PortalPasswordView(PasswordChangeView):
    """A wrong old password is written down: somebody may sit at another's screen."""

    form_class = PasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not request.user.has_usable_password():
            messages.info(
                request,
                _("Your account has no password in this portal: your provider signs you in."),
            )
            return redirect("sessions")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if must_choose(self.request):
            context["given"] = one_time_password_of(context["form"].user)
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        has_chosen(self.request)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        person = str(self.request.user)
        record(ActionCode.PASSWORD_REFUSED, subject=person, details={"why": ", ".join(form.errors)})
        return super().form_invalid(form)


class PortalLogoutView(LogoutView):
    """Forgets the browser's cookie even while the session's row cannot be deleted. People of the
    provider go on to its own sign-out.
    """

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = self._sign_out(request, *args, **kwargs)
        # Not "cookies": the session's is deleted, and that of a known browser must stay, since it
        # keeps strangers from holding up the next sign-in.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def _sign_out(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            address = sign_out_address(request)
            response = super().post(request, *args, **kwargs)
            return go_on(request, address) if address else response
        except DatabaseError as error:
            if not is_database_trouble(error):
                raise
            logger.error("A session was not deleted on signing out: %s", error)  # noqa: TRY400 - told in words
        request.session = SessionStore()
        request.session.clear()  # ended by this request, so the middleware takes its cookie away
        request.user = AnonymousUser()
        messages.warning(
            request,
            _("You are signed out in this browser. The portal's database is in trouble."),
        )
        return redirect("login")
