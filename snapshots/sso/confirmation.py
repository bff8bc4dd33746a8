"""Confirming an identity by the provider: a new sign-in there, of the same person."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from snapshots.audit.record.actions import record
from snapshots.models import ActionCode
from snapshots.sso.refusals import SignInRefused
from snapshots.sso.tokens import LEEWAY_SECONDS
from snapshots.step_up import note_proof


def options_to_confirm(request: HttpRequest) -> dict[str, Any]:
    """What a sign-in is started with that only confirms; nothing where nobody is signed in."""
    if not request.user.is_authenticated or not request.POST.get("confirm"):
        return {}
    # `max_age` obliges the provider to say when the person signed in.
    return {
        "auth_params": {"prompt": "login", "max_age": "0"},
        "confirms": request.user.pk,
        "asked_at": time.time(),
    }


def note_confirmation(
    request: HttpRequest, person: User | None, state: dict[str, Any], claims: dict[str, Any]
) -> None:
    """`person`: the account of the token's subject, if there is one.

    Raises `SignInRefused` for somebody else than the person of the session, and for a sign-in that
    is not new.
    """
    if person is None or person.pk != request.user.pk or person.pk != state["confirms"]:
        raise SignInRefused("another person", person.get_username() if person else "")
    signed_in_at = _time_of_sign_in(claims)
    if signed_in_at is None:
        raise SignInRefused("old sign-in", "auth_time is missing")
    if signed_in_at < state["asked_at"] - LEEWAY_SECONDS:
        raise SignInRefused("old sign-in", f"{state['asked_at'] - signed_in_at:.0f} s before")
    name = settings.EVSPORTAL_OIDC_NAME
    record(ActionCode.IDENTITY_CONFIRMED, subject=person.get_username(), details={"by": name})
    note_proof(request)
    request.session.cycle_key()


def note_sign_in(request: HttpRequest, claims: dict[str, Any]) -> None:
    """A sign-in counts from when the provider says that it was. It may have been this morning, and
    without a word of it the person is asked when it matters.
    """
    signed_in_at = _time_of_sign_in(claims)
    if signed_in_at is not None:
        note_proof(request, at=signed_in_at)


def _time_of_sign_in(claims: dict[str, Any]) -> float | None:
    """`auth_time`; None for what is no time at all."""
    value = claims.get("auth_time")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 2**40 else None
