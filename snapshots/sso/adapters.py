"""What allauth asks a project: closed forms, no messages of its own, accounts by `people.py`."""

import secrets
from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.sso.confirmation import note_confirmation
from snapshots.sso.people import account_of
from snapshots.sso.recheck import refuse_another
from snapshots.sso.refusals import TRY_LATER, SignInRefused
from snapshots.sso.transport import BoundedSession

RANDOM_BYTES = 32  # of the `state` of a sign-in


class AccountAdapter(DefaultAccountAdapter):
    """Of every sign-in that passes through allauth."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["snapshots.mfa.stage.SecondFactorStage"]

    def is_safe_url(self, url: str | None) -> bool:
        """As the portal's own sign-in page: its own host, and no step down from https."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, {request.get_host()}, require_https=request.is_secure()
        )

    def add_message(self, *args: Any, **options: Any) -> None:
        """The portal has its own words."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> NoReturn:
        raise SignInRefused("shut out", user.get_username())


class SocialAdapter(DefaultSocialAccountAdapter):
    """Of sign-ins by the provider."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True  # and no form, since `is_auto_signup_allowed`

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def authenticate_by_email(self, sociallogin: SocialLogin) -> None:
        return None

    def generate_state_param(self, state: dict[str, Any]) -> str:
        return secrets.token_urlsafe(RANDOM_BYTES)

    def list_apps(self, *args: Any, **options: Any) -> list[SocialApp]:
        return []  # a row of allauth's table is no provider

    def get_requests_session(self) -> BoundedSession:
        return BoundedSession()

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Called for people who have an account, before they are signed in."""
        sign_in_facts(request).by = settings.EVSPORTAL_OIDC_NAME
        state = sociallogin.state
        person = sociallogin.user if sociallogin.is_existing else None
        if "confirms" in state:
            note_confirmation(request, person, state, sociallogin.claims)
        elif "is_recheck" in state:
            refuse_another(request, person)
        if person is not None:
            self._take_account(sociallogin)
        if "confirms" in state or "is_recheck" in state:  # the person is signed in already
            raise ImmediateHttpResponse(redirect(sociallogin.get_redirect_url(request) or "/"))

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: None = None) -> User:
        return self._take_account(sociallogin)

    def _take_account(self, sociallogin: SocialLogin) -> User:
        sociallogin.account = account_of(sociallogin.identity)
        person: User = sociallogin.account.user
        sociallogin.user = person
        return person

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: object,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> NoReturn:
        """Raise the refusal, where allauth would show a page of its own."""
        if isinstance(exception, SignInRefused):
            raise exception
        if exception is not None:
            raise SignInRefused("code", type(exception).__name__)
        error_code = request.GET.get("error", "")
        is_of_sign_in = bool((extra_context or {}).get("state"))
        if error == AuthError.CANCELLED:
            raise SignInRefused("cancelled")
        if error_code in TRY_LATER and is_of_sign_in:
            raise SignInRefused("try later", error_code)
        raise SignInRefused("provider" if is_of_sign_in else "state")
