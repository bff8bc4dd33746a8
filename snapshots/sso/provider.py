"""allauth's OpenID Connect, with the checks that it leaves to TLS made here."""

import secrets
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from snapshots.sso.confirmation import options_to_confirm
from snapshots.sso.metadata import metadata
from snapshots.sso.people import identity_of, provider_id
from snapshots.sso.refusals import SignInRefused
from snapshots.sso.tokens import verify_id_token
from snapshots.sso.transport import fetch_object

# allauth's own exception for an answer without a token, and what its client raises on odd ones.
_ODD_ANSWERS = (OAuth2Error, KeyError, TypeError, ValueError, AttributeError)


def application() -> SocialApp:
    """The settings as allauth takes them; never a row of its table."""
    return SocialApp(
        provider="openid_connect",
        provider_id=provider_id(),
        name=settings.EVSPORTAL_OIDC_NAME,
        client_id=settings.EVSPORTAL_OIDC_CLIENT_ID,
        secret=settings.EVSPORTAL_OIDC_CLIENT_SECRET,
        settings={"oauth_pkce_enabled": True},
    )


class StrictProvider(OpenIDConnectProvider):
    """Starts a sign-in. Nothing of it is chosen by the visitor but the page to come back to."""

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        nonce = secrets.token_urlsafe(32)
        options: dict[str, Any] = {
            "process": "login",
            "scope": list(dict.fromkeys(["openid", *settings.EVSPORTAL_OIDC_SCOPES])),
            "auth_params": {"nonce": nonce},
            "nonce": nonce,  # into the state, which the session keeps
        }
        page = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure()):
            options["next_url"] = page
        to_confirm = options_to_confirm(request)
        options["auth_params"] |= to_confirm.pop("auth_params", {})
        return options | to_confirm

    def options_to_recheck(self, request: HttpRequest) -> dict[str, Any]:
        """For a round that asks the person nothing."""
        options = self.get_redirect_from_request_kwargs(request)
        options["auth_params"]["prompt"] = "none"
        return options | {"next_url": request.get_full_path(), "is_recheck": True}

    def get_oauth2_adapter(self, request: HttpRequest) -> "StrictAdapter":
        return StrictAdapter(request)

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> SocialLogin:
        """No e-mail address is handed on: allauth would look for accounts by it."""
        account = SocialAccount(provider=self.sub_id, uid=response["id_token"]["sub"])
        login = SocialLogin(user=User(), account=account, provider=self)
        login.identity = identity_of(response["id_token"], response["userinfo"])
        login.claims = response["id_token"]
        return login


class StrictAdapter(OpenIDConnectOAuth2Adapter):
    """Exchanges the code, and believes only what the provider signed for this sign-in."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, provider_id())
        self.nonce: object = None
        self.is_to_confirm = False  # this round only confirms who is signed in
        self.is_recheck = False  # this round only asks whether the person is still signed in
        self.page = ""  # where the person wanted to go
        self.id_token = ""  # when it was verified
        self.claims: dict[str, Any] = {}  # of that token

    def get_provider(self) -> StrictProvider:
        return StrictProvider(self.request, app=application())

    @property
    def openid_config(self) -> dict[str, Any]:
        return metadata()

    @property
    def basic_auth(self) -> bool:
        """In the form where the provider takes that: Basic is ambiguous about colons."""
        methods = metadata().get("token_endpoint_auth_methods_supported")
        return not (isinstance(methods, list) and "client_secret_post" in methods)

    @property
    def redirect_uri_protocol(self) -> str | None:
        return "https" if settings.SESSION_COOKIE_SECURE else None

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return absolute_address(request, reverse("provider_callback"))

    def get_access_token_data(self, *args: Any, **options: Any) -> Any:
        try:
            answer = super().get_access_token_data(*args, **options)
        except SignInRefused:
            raise
        except _ODD_ANSWERS as error:
            # Not the answer's text, which may hold a token.
            raise SignInRefused("code", type(error).__name__) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise SignInRefused("code", "no access token")
        return answer

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        return SocialToken(token=data["access_token"])

    def complete_login(
        self,
        request: HttpRequest,
        app: SocialApp,
        token: SocialToken,
        **options: Any,
    ) -> SocialLogin:
        id_token = options["response"].get("id_token")
        claims = verify_id_token(id_token, nonce=self.nonce)
        userinfo = self._userinfo(token.token, claims["sub"])
        self.id_token, self.claims = id_token, claims
        response = {"id_token": claims, "userinfo": userinfo}
        return self.get_provider().sociallogin_from_response(request, response)

    def _userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Another's userinfo must not describe the person who signed in."""
        address = metadata().get("userinfo_endpoint")
        if not address:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        userinfo = fetch_object(address, headers=headers)
        if userinfo.get("sub") != subject:
            raise SignInRefused("userinfo", "of another subject")
        return userinfo


class StrictCallbackView(OAuth2CallbackView):
    """Hands the nonce of this state to the adapter, which compares it with the token's."""

    def _get_state(self, request: HttpRequest, provider: StrictProvider) -> Any:
        issuer = request.GET.get("iss")  # RFC 9207: an answer of another provider, mixed up
        if issuer is not None and issuer != settings.EVSPORTAL_OIDC_ISSUER:
            raise SignInRefused("issuer", "of the answer")
        state, response = super()._get_state(request, provider)
        if state is not None:
            self.adapter.nonce = state.get("nonce")
            self.adapter.is_to_confirm = "confirms" in state
            self.adapter.is_recheck = "is_recheck" in state
            self.adapter.page = state.get("next") or ""
        return state, response


def absolute_address(request: HttpRequest, path: str) -> str:
    address = request.build_absolute_uri(path)
    if settings.SESSION_COOKIE_SECURE:  # a proxy may end TLS
        return address.replace("http://", "https://", 1)
    return address
