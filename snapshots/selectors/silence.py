"""Which clouds have stopped answering, told by the exchanges: while a call still hangs, nobody has
noted that it failed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from snapshots.models import CloudHealth, Exchange, Purpose

MOST_LOOKED_AT = 200  # newest exchanges of all clouds
# A pause in the calls that is longer than this begins another silence.
LONGEST_GAP = timedelta(minutes=10)
_CLOSING = timedelta(seconds=5)  # to store that a call was given up


@dataclass(frozen=True, slots=True)
class Silence:
    """A cloud that was asked and gave no answer, to anything, since then."""

    cloud: str
    since: datetime


@dataclass(frozen=True, slots=True)
class _Call:
    at: datetime
    is_open: bool  # neither an answer nor a failure was recorded
    is_answered: bool  # by a status, whichever


def silences(healths: Iterable[CloudHealth], *, now: datetime, after: timedelta) -> list[Silence]:
    """Those of the clouds with a call on its way that have answered nothing for so long. Nothing is
    read while all are noted as answering.
    """
    quiet = [
        health.cloud
        for health in healths
        if health.answered_at is None or health.answered_at < now - after
    ]
    silent_clouds = []
    for cloud, calls in _newest_calls(quiet).items():
        since = _silent_since(calls, now=now)
        is_waiting = any(call.is_open and call.at > now - _longest_call() for call in calls)
        if since is not None and is_waiting and now - since >= after:
            silent_clouds.append(Silence(cloud, since))
    return silent_clouds


def silent_since(cloud: str, *, now: datetime) -> datetime | None:
    """When the first call left that the cloud has not answered since; None: it answers."""
    return _silent_since(_newest_calls([cloud]).get(cloud, []), now=now)


def _silent_since(calls: Iterable[_Call], *, now: datetime) -> datetime | None:
    """`calls`: the newest first."""
    since: datetime | None = None
    for call in calls:
        # A worker that was killed left a call open for ever: it says nothing.
        is_left_over = call.is_open and call.at <= now - _longest_call()
        is_apart = since is not None and since - call.at > LONGEST_GAP
        if call.is_answered or is_left_over or is_apart:
            break
        since = call.at
    return since


def _newest_calls(clouds: Iterable[str]) -> dict[str, list[_Call]]:
    asked_clouds = set(clouds)
    newest = Exchange.objects.aggregate(seq=Max("seq"))["seq"] if asked_clouds else None
    if newest is None:
        return {}
    rows = Exchange.objects.filter(cloud__in=asked_clouds, seq__gt=newest - MOST_LOOKED_AT)
    rows = rows.exclude(purpose=Purpose.SERVERS)  # another service answers these
    calls: dict[str, list[_Call]] = {}
    for cloud, at, answer, status in rows.order_by("-seq").values_list(
        "cloud", "at", "answer__seq", "answer__status"
    ):
        calls.setdefault(cloud, []).append(_Call(at, answer is None, status is not None))
    return calls


def _longest_call() -> timedelta:
    return timedelta(seconds=settings.EVSPORTAL_DEADLINE_SECONDS) + _CLOSING
