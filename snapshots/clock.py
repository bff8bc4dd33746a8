"""What stored times are worth when this machine's clock may have been set back.

One idea: nothing is planned further ahead than a known time, so a stored time beyond that comes
from the clock as it was before. It says nothing, and is treated as if it were not there.
"""

import time
from datetime import datetime, timedelta

TOLERANCE_SECONDS = 10.0


def is_plausible(at: datetime, *, now: datetime, ahead: timedelta = timedelta(0)) -> bool:
    """Whether the present clock can have stored this time: `ahead` is the longest plan."""
    return at <= now + ahead


def latest_plausible(*, now: datetime) -> datetime:
    """Nothing that was noted as past can be later: what is ahead by less comes from the clock of
    another node. For queries.
    """
    return now + timedelta(seconds=TOLERANCE_SECONDS)


def if_plausible(at: datetime | None, *, now: datetime) -> datetime | None:
    """A time that was noted as past; None where it says nothing."""
    return at if at is not None and at <= latest_plausible(now=now) else None


def is_to_come(at: datetime | None, *, now: datetime, ahead: timedelta) -> bool:
    """Whether a planned time is still to come. An implausible one is not waited for."""
    return at is not None and now < at and is_plausible(at, now=now, ahead=ahead)


def is_within(at: datetime, *, now: datetime, period: timedelta) -> bool:
    """Whether something noted at this time is younger than the period. A time that is ahead by less
    comes from the clock of another node.
    """
    return abs(now - at) < period


class ClockWatch:
    """Notices that the wall clock was set back, by the clock that only goes on.

    After that, leases of living workers are right again when they have been extended once.
    """

    def __init__(self, *, lease: timedelta) -> None:
        self._lease_seconds = lease.total_seconds()
        self._difference = _difference()
        self.leases_are_good_at = time.monotonic() + self._lease_seconds

    def was_set_back(self) -> bool:
        """Whether it was set back since the last `accept`."""
        set_back = _difference() < self._difference - TOLERANCE_SECONDS
        if set_back:
            self.leases_are_good_at = time.monotonic() + self._lease_seconds
        return set_back

    def accept(self) -> None:
        """All that a change of the clock asks for has been done."""
        self._difference = _difference()

    def leases_are_good(self) -> bool:
        return time.monotonic() > self.leases_are_good_at


def _difference() -> float:
    return time.time() - time.monotonic()
