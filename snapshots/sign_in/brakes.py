"""Brakes on signing in: growing pauses per account, per address, and per known device.

All processes share them in the database. A try is counted before the password is hashed, so tries
that come at the same moment do not slip past; the right password takes the count back.

Nobody can lock a person out for good. A browser in which somebody signed in before bears a signed
cookie, and its tries for that account are counted by themselves: neither failures that strangers
cause under the person's name, nor those of others behind the same address, hold it up. In another
browser the pause is at most a quarter of an hour.

A name that nobody has is counted as any other.
"""

import hashlib
import hmac
import ipaddress
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from snapshots.audit.record.actions import client_address
from snapshots.clock import is_to_come, latest_plausible
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.models.sign_in_brakes import FORGOTTEN_AFTER, SignInBrake
from snapshots.sign_in.devices import known_device
from snapshots.sign_in.errors import TryLaterError
from snapshots.sign_in.names import folded_name

LONGEST_PAUSE = timedelta(minutes=15)
# One failure each: an office where people mistype now and then is not taken for an attacker, who
# fails at least as often as the longest pause lets them.
FORGIVEN_EVERY = LONGEST_PAUSE
_DIGEST_LENGTH = 4  # hexadecimal: 65,536 rows of each kind at most


@dataclass(frozen=True, slots=True)
class Kind:
    """How many failures in a row are free, and the first pause, which doubles each time."""

    name: str
    free: int
    first_pause: timedelta

    def pause_after(self, failures: int) -> timedelta | None:
        if failures < self.free:
            return None
        doublings = min(failures - self.free, 20)
        return min(self.first_pause * (1 << doublings), LONGEST_PAUSE)


ACCOUNT = Kind("account", 5, timedelta(seconds=15))
DEVICE = Kind("device", 5, timedelta(seconds=15))
# Many people may share one address.
ADDRESS = Kind("address", 20, timedelta(seconds=5))
# Each of these sends a mail to somebody who may not have asked for it.
RESET = Kind("reset", 3, timedelta(minutes=1))
RESET_ADDRESS = Kind("reset-address", 10, timedelta(seconds=30))
_KINDS = {kind.name: kind for kind in (ACCOUNT, DEVICE, ADDRESS, RESET, RESET_ADDRESS)}


@dataclass(frozen=True, slots=True)
class Try:
    """A counted try: what the right password takes back."""

    at: datetime
    pause: timedelta | None  # until the next, if this one fails
    paused_until: Mapping[str, datetime | None]  # by key, as it was before


def begin_try(request: HttpRequest, name: str) -> Try:
    """Count a try. Raises `TryLaterError`, and counts nothing, while a pause lasts."""
    return _begin(_keys_of(request, name))


def begin_reset(request: HttpRequest, typed: str) -> None:
    """Count that somebody asks for a link by mail. Raises `TryLaterError`, and counts nothing,
    while a pause lasts: for the account, known or not, or for the address.
    """
    network = _network_of(client_address(request))
    _begin((_key(RESET, folded_name(typed)), _key(RESET_ADDRESS, network)))


def _begin(keys: tuple[str, ...]) -> Try:
    _refuse_paused(SignInBrake.objects.filter(key__in=keys))  # most refusals need no lock

    def count() -> Try:
        now = timezone.now()
        for key in keys:
            SignInBrake.objects.get_or_create(key=key, defaults={"failed_at": now})
        locked = lock_in_order(SignInBrake.objects.filter(key__in=keys))
        brakes = list(SignInBrake.objects.filter(key__in=locked))
        _refuse_paused(brakes)
        at = timezone.now()
        before = {brake.key: brake.paused_until for brake in brakes}
        pauses = [_count_failure(brake, at) for brake in brakes]
        return Try(at, max((pause for pause in pauses if pause), default=None), before)

    return in_transaction(count)


def end_well(counted: Try) -> None:
    """The password was right: forget the account's failures, and of the address's this one alone.
    Somebody with an account of their own must not clear what they failed at others'.
    """

    def forget() -> None:
        rows = SignInBrake.objects.filter(key__in=counted.paused_until)
        for brake in SignInBrake.objects.filter(key__in=lock_in_order(rows)):
            if _kind_of(brake.key) is ADDRESS:
                brake.failures = max(0, brake.failures - 1)
                if brake.failed_at == counted.at:  # nobody else has failed since
                    brake.paused_until = counted.paused_until[brake.key]
            else:
                brake.failures, brake.paused_until = 0, None
            brake.save(update_fields=["failures", "paused_until"])

    in_transaction(forget)


def forget_old_failures() -> None:
    """For the worker's duty: what is older than a day counts no more, so it needs no row."""
    stale = SignInBrake.objects.filter(failed_at__lt=timezone.now() - FORGOTTEN_AFTER)
    in_transaction(
        lambda: SignInBrake.objects.filter(pk__in=lock_in_order(stale, skip_locked=True)).delete()
    )


def account_key(name: str) -> str:
    return _digest(f"account\n{folded_name(name)}")


def _refuse_paused(brakes: Iterable[SignInBrake]) -> None:
    """Raises `TryLaterError` while the longest of their pauses lasts."""
    now = timezone.now()
    ends = [_end_of_pause(brake, now) for brake in brakes]
    if last := max((end for end in ends if end), default=None):
        raise TryLaterError(max(1, math.ceil((last - now).total_seconds())))


def _end_of_pause(brake: SignInBrake, now: datetime) -> datetime | None:
    waits = is_to_come(brake.paused_until, now=now, ahead=LONGEST_PAUSE)
    return brake.paused_until if waits else None


def _count_failure(brake: SignInBrake, now: datetime) -> timedelta | None:
    is_old = now - brake.failed_at > FORGOTTEN_AFTER
    is_ahead = brake.failed_at > latest_plausible(now=now)
    forgiven = (now - brake.failed_at) // FORGIVEN_EVERY
    brake.failures = 1 if is_old or is_ahead else max(0, brake.failures - forgiven) + 1
    pause = _kind_of(brake.key).pause_after(brake.failures)
    brake.failed_at = now
    brake.paused_until = now + pause if pause else None
    brake.save(update_fields=["failures", "failed_at", "paused_until"])
    return pause


def _keys_of(request: HttpRequest, name: str) -> tuple[str, ...]:
    if device := known_device(request, account_key(name)):
        return (_key(DEVICE, f"{folded_name(name)}\n{device}"),)
    return _key(ACCOUNT, folded_name(name)), _key(ADDRESS, _network_of(client_address(request)))


def _network_of(address: str) -> str:
    """One line of the internet gets 2**64 addresses of version 6: they count as one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _key(kind: Kind, value: str) -> str:
    digest = _digest(f"{kind.name}\n{value}")
    return f"{kind.name}:{digest[:_DIGEST_LENGTH]}"


def _kind_of(key: str) -> Kind:
    return _KINDS[key.partition(":")[0]]


def _digest(text: str) -> str:
    """Keyed, so that nobody can choose names whose row is also that of another."""
    key = f"sign-in brakes {settings.SECRET_KEY}".encode()
    return hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
