"""A person's second factor: setting it up, checking a code, removing it.

A code works once, and wrong ones are answered ever later: both are kept in the factor's row, which
all processes share. Only somebody who knows the password gets to try codes, so no stranger can slow
a person down.
"""

import hmac
import math
import time
from dataclasses import dataclass
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.contrib.auth.models import User

from snapshots.audit.record.actions import COMMAND_LINE, is_clicked, record
from snapshots.database.transactions import in_transaction
from snapshots.models import ActionCode, roles_of

WRONG_WITHOUT_PAUSE = 3
FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 900
_KIND = Authenticator.Type


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a code. `wait_seconds`: no code is looked at before."""

    kind: str = ""  # of the code that was right: "code" or "spare code"
    wait_seconds: int = 0

    @property
    def is_right(self) -> bool:
        return bool(self.kind)


def has_factor(person: User) -> bool:
    return bool(Authenticator.objects.filter(user=person, type=_KIND.TOTP).exists())


def needs_factor(person: User) -> bool:
    """Whether a role of the person demands a second factor."""
    demanding = settings.EVSPORTAL_SECOND_FACTOR_ROLES
    return bool(demanding) and any(role in demanding for role in roles_of(person))


def check_code(person: User, typed: str) -> Check:
    """Look at a code, and spend it when it is right."""
    return in_transaction(lambda: _check(person, "".join(typed.split())))


def counter_of(secret: str, typed: str) -> int | None:
    """The half minute that a code belongs to; one early and one late count too."""
    code = "".join(typed.split())
    if not (code.isascii() and code.isdigit()):
        return None
    for counter in yield_hotp_counters_from_time():
        if hmac.compare_digest(code, format_hotp_value(hotp_value(secret, counter))):
            return int(counter)
    return None


def set_up(person: User, secret: str, counter: int) -> list[str] | None:
    """Store the factor; its spare codes. None when the person has one already."""

    def store() -> list[str] | None:
        User.objects.select_for_update().get(pk=person.pk)
        if has_factor(person):
            return None
        Authenticator.objects.filter(user=person).delete()
        sealed = get_adapter().encrypt(secret)
        # The code that was typed here is spent.
        data = {"secret": sealed, "spent": counter}
        Authenticator.objects.create(user=person, type=_KIND.TOTP, data=data)
        record(ActionCode.FACTOR_ADDED, subject=person.get_username())
        codes: list[str] = RecoveryCodes.activate(person).generate_codes()
        return codes

    return in_transaction(store)


def remove(person: User) -> bool:
    """Remove the factor with its spare codes; whether there was one."""

    def delete() -> bool:
        count, _ = Authenticator.objects.filter(user=person).delete()
        if count:
            name = "" if is_clicked() else COMMAND_LINE
            record(ActionCode.FACTOR_REMOVED, actor_name=name, subject=person.get_username())
        return bool(count)

    return in_transaction(delete)


# --- checking --------------------------------------------------------------------------------


def _check(person: User, code: str) -> Check:
    rows = Authenticator.objects.select_for_update().filter(user=person)
    factor = rows.filter(type=_KIND.TOTP).first()
    if factor is None:
        return Check()
    if wait := _wait_seconds(factor.data):
        return Check(wait_seconds=wait)
    kind = _kind_of(factor, code)
    if kind:
        factor.data |= {"wrong": 0, "until": 0}
    else:
        factor.data |= _slowed(factor.data)
    factor.save(update_fields=["data"])
    return Check(kind, 0 if kind else _wait_seconds(factor.data))


def _wait_seconds(data: dict[str, Any]) -> int:
    """A time further ahead than any pause comes from a clock that was wrong."""
    wait = float(data.get("until", 0)) - time.time()
    return math.ceil(wait) if 0 < wait <= LONGEST_PAUSE_SECONDS else 0


def _slowed(data: dict[str, Any]) -> dict[str, Any]:
    wrong = int(data.get("wrong", 0)) + 1
    pauses = wrong - WRONG_WITHOUT_PAUSE
    seconds = min(FIRST_PAUSE_SECONDS * 2 ** min(pauses, 20), LONGEST_PAUSE_SECONDS)
    return {"wrong": wrong, "until": time.time() + seconds if pauses >= 0 else 0}


def _kind_of(factor: Authenticator, code: str) -> str:
    try:
        counter = counter_of(get_adapter().decrypt(factor.data["secret"]), code)
        if counter is not None and counter > int(factor.data.get("spent", 0)):
            factor.data["spent"] = counter
            return "code"
        spare = Authenticator.objects.filter(user=factor.user, type=_KIND.RECOVERY_CODES).first()
        return "spare code" if spare and spare.wrap().validate_code(code) else ""
    except ValueError:  # a key of old that is not known any more
        return ""
