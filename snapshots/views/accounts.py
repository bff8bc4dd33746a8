"""Signing in and out."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from snapshots.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from snapshots.audit.record.actions import record
from snapshots.forms import SignInForm
from snapshots.middleware import is_database_trouble
from snapshots.models import ActionCode
from snapshots.sign_in.sessions import SessionStore

logger = logging.getLogger(__name__)


class PortalLoginView(LoginView):
    redirect_authenticated_user = True
    authentication_form = SignInForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if settings.EVSPORTAL_MODE == "sandbox":
            demo = [(name, text) for name, _role, text in DEMO_ACCOUNTS]
            context |= {"demo_accounts": demo, "demo_password": DEMO_PASSWORD}
        return context


class PortalPasswordView(PasswordChangeView):
    """A wrong old password is written down: somebody may sit at another's screen."""

    def form_invalid(self, form: Any) -> HttpResponse:
        person = str(self.request.user)
        record(ActionCode.PASSWORD_REFUSED, subject=person, details={"why": ", ".join(form.errors)})
        return super().form_invalid(form)


class PortalLogoutView(LogoutView):
    """Forgets the browser's cookie even while the session's row cannot be deleted."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().post(request, *args, **kwargs)
        except DatabaseError as error:
            if not is_database_trouble(error):
                raise
            logger.error("A session was not deleted on signing out: %s", error)  # noqa: TRY400 - told in words
        request.session = SessionStore()  # blank, so the middleware deletes the cookie
        request.user = AnonymousUser()
        messages.warning(
            request,
            _("You are signed out in this browser. The portal's database is in trouble."),
        )
        return redirect("login")
