"""What is found out on the way to a sign-in, kept with its web request until somebody writes it."""

from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakKeyDictionary

from django.http import HttpRequest


@dataclass(slots=True)
class SignInFacts:
    by: str = ""  # the provider's name; empty: by a password
    second_factor: str = ""  # of which kind the code was
    refusal: str = "wrong password"
    pause: timedelta | None = None  # before the next try, if this one fails
    devices: dict[str, str] | None = None  # for this browser's cookie, by account


_facts = WeakKeyDictionary[HttpRequest, SignInFacts]()


def sign_in_facts(request: HttpRequest | None) -> SignInFacts:
    """Those of this request; blank ones where there is no request, as on the command line."""
    return SignInFacts() if request is None else _facts.setdefault(request, SignInFacts())
