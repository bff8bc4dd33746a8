"""The second step of a sign-in."""

from typing import Any

from allauth.account.stages import LoginStage
from django.http import HttpResponse
from django.shortcuts import redirect

from snapshots.audit.record.actions import NOBODY, record
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.mfa.factors import has_factor
from snapshots.models import ActionCode

SECOND_FACTOR = "second_factor"


class SecondFactorStage(LoginStage):
    """Of people with a factor. A passkey is two; the provider asks its people for theirs itself."""

    key = SECOND_FACTOR
    urlname = SECOND_FACTOR

    def handle(self) -> tuple[HttpResponse | None, bool]:
        arguments: dict[str, Any] = self.login.signal_kwargs or {}
        by_passkey = sign_in_facts(self.request).second_factor
        if by_passkey or "sociallogin" in arguments or not has_factor(self.login.user):
            return None, True
        # A stolen password that is tried out leaves a trace, though nobody is signed in.
        name = self.login.user.get_username()
        record(ActionCode.PASSWORD_GIVEN, actor_name=NOBODY, subject=name)
        return redirect(SECOND_FACTOR), True
