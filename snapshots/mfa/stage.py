"""The second step of a sign-in."""

from typing import Any

from allauth.account.stages import LoginStage
from django.http import HttpResponse
from django.shortcuts import redirect

from snapshots.mfa.factors import has_factor

SECOND_FACTOR = "second_factor"


class SecondFactorStage(LoginStage):
    """Of people with a factor. The provider asks its people for theirs itself."""

    key = SECOND_FACTOR
    urlname = SECOND_FACTOR

    def handle(self) -> tuple[HttpResponse | None, bool]:
        arguments: dict[str, Any] = self.login.signal_kwargs or {}
        if "sociallogin" in arguments or not has_factor(self.login.user):
            return None, True
        return redirect(SECOND_FACTOR), True
