"""Whether a session was opened with a second factor, and what one without may do."""

from django.http import HttpRequest

from snapshots.mfa.factors import needs_factor

_KEY = "second_factor"
_OF_PROVIDER = "signed_in_by_provider"
# What a person who must set a factor up may open meanwhile.
OPEN = frozenset(
    {
        *("second_factor_settings", "second_factor_picture", "passkey_options", "passkey_add"),
        *("confirm_identity", "logout", "login"),
    }
)


def mark_as_providers(request: HttpRequest) -> None:
    """The provider has signed the person in: the second factor is the provider's matter."""
    request.session[_OF_PROVIDER] = True


def is_of_provider(request: HttpRequest) -> bool:
    return bool(request.session.get(_OF_PROVIDER))


def mark_session(request: HttpRequest) -> None:
    request.session[_KEY] = True


def lacks_factor(request: HttpRequest) -> bool:
    """Whether this session may do nothing but set a second factor up."""
    session = request.session
    if not request.user.is_authenticated or session.get(_KEY) or is_of_provider(request):
        return False
    return needs_factor(request.user)
