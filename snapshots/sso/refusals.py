"""Why nobody was signed in: a code for the audit trail, a sentence for the person."""

from typing import Any

from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.utils.translation import gettext_lazy as _

_AGAIN = _("The sign-in could not be completed. Please start it again.")
_UNTRUSTED = _("What the provider answered cannot be trusted, so nobody was signed in.")
_SENTENCES: dict[str, Any] = {
    "unreachable": _("The provider does not answer. Try again in a few minutes."),
    "try later": _("The provider is busy. Try again in a few minutes."),
    "metadata": _("The provider does not describe itself as it should. Tell an administrator."),
    "code": _("The provider did not accept the sign-in. Please start it again."),
    "provider": _("The provider did not sign you in."),
    "cancelled": _("You cancelled the sign-in at the provider."),
    "state": _AGAIN,
    "another person": _("Another person signed in at the provider."),
    "old sign-in": _("The provider did not ask you to sign in again, or did not say so."),
    "shut out": _("Your account in this portal is disabled. Ask an administrator."),
}
# OAuth 2.0's errors that say nothing of the person (RFC 6749, 4.1.2.1).
TRY_LATER = frozenset({"temporarily_unavailable", "server_error"})


class SignInRefused(OAuth2Error):
    """Nobody is signed in, for the reason `code`. `detail` is for the log and the trail alone.

    Of allauth's class, whose views turn that into an answer.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    @property
    def sentence(self) -> str:
        return str(_SENTENCES.get(self.code, _UNTRUSTED))
