"""Whether a session was opened with a second factor, and what one without may do."""

from django.http import HttpRequest

from snapshots.mfa.factors import needs_factor

_KEY = "second_factor"
_PROVIDER_KEY = "provider_sign_out"  # of `snapshots.sso`: its people's factor is the provider's
# What a person who must set a factor up may open meanwhile.
OPEN = frozenset({"second_factor_settings", "second_factor_picture", "logout", "login"})


def mark_session(request: HttpRequest) -> None:
    request.session[_KEY] = True


def lacks_factor(request: HttpRequest) -> bool:
    """Whether this session may do nothing but set a second factor up."""
    session = request.session
    if not request.user.is_authenticated or session.get(_KEY) or _PROVIDER_KEY in session:
        return False
    return needs_factor(request.user)
