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
from django.db.models import QuerySet

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


class FactorNeededError(Exception):
    """It is the last second factor of somebody whose role needs one."""


def has_factor(person: User) -> bool:
    return _factors_of(person).exists()


def has_app(person: User) -> bool:
    return _factors_of(person).filter(type=_KIND.TOTP).exists()


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


def may_remove_factor(person: User) -> bool:
    return not needs_factor(person) or _factors_of(person).count() > 1


def set_up(person: User, secret: str, counter: int) -> list[str] | None:
    """Store an authenticator app; the spare codes, where they come with a first factor. None when
    the person has an app already.
    """

    def store() -> list[str] | None:
        User.objects.select_for_update().get(pk=person.pk)
        if has_app(person):
            return None
        is_first = not has_factor(person)
        if is_first:
            Authenticator.objects.filter(user=person).delete()
        sealed = get_adapter().encrypt(secret)
        # The code that was typed here is spent.
        data = {"secret": sealed, "spent": counter}
        Authenticator.objects.create(user=person, type=_KIND.TOTP, data=data)
        record(ActionCode.FACTOR_ADDED, subject=person.get_username())
        codes: list[str] = RecoveryCodes.activate(person).generate_codes()
        return codes if is_first else []

    return in_transaction(store)


def remove_app(person: User) -> None:
    """Raises `FactorNeededError`."""

    def delete() -> None:
        User.objects.select_for_update().get(pk=person.pk)
        if not may_remove_factor(person):
            raise FactorNeededError
        remove_rows(person, _factors_of(person).filter(type=_KIND.TOTP))

    in_transaction(delete)


def remove(person: User) -> bool:
    """Remove every factor with the spare codes; whether there was one."""
    return in_transaction(lambda: remove_rows(person, _factors_of(person)))


def remove_rows(
    person: User, rows: QuerySet[Authenticator], *, details: dict[str, str] | None = None
) -> bool:
    """Remove these factors, and with the last of them the spare codes; whether there were any."""
    count, _ = rows.delete()
    if not has_factor(person):
        Authenticator.objects.filter(user=person).delete()
    if count:
        name = "" if is_clicked() else COMMAND_LINE
        subject = person.get_username()
        record(ActionCode.FACTOR_REMOVED, actor_name=name, subject=subject, details=details)
    return bool(count)


def _factors_of(person: User) -> QuerySet[Authenticator]:
    """Spare codes are none."""
    kinds = (_KIND.TOTP, _KIND.WEBAUTHN)
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, type__in=kinds)
    return rows


# --- checking --------------------------------------------------------------------------------


def _check(person: User, code: str) -> Check:
    """Wrong codes are counted in the row of the app; of people without one, of the spare codes."""
    rows = Authenticator.objects.select_for_update().filter(user=person)
    spare = rows.filter(type=_KIND.RECOVERY_CODES).first()
    factor = rows.filter(type=_KIND.TOTP).first() or spare
    if factor is None:
        return Check()
    if wait := _wait_seconds(factor.data):
        return Check(wait_seconds=wait)
    kind = _kind_of(factor, spare, code)
    if kind == "spare code":
        factor.refresh_from_db(fields=["data"])  # that code is spent in it
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


def _kind_of(factor: Authenticator, spare: Authenticator | None, code: str) -> str:
    try:
        if factor.type == _KIND.TOTP and _spend(factor.data, code):
            return "code"
        return "spare code" if spare and spare.wrap().validate_code(code) else ""
    except ValueError:  # a key of old that is not known any more
        return ""


def _spend(data: dict[str, Any], code: str) -> bool:
    counter = counter_of(get_adapter().decrypt(data["secret"]), code)
    if counter is None or counter <= int(data.get("spent", 0)):
        return False
    data["spent"] = counter
    return True
