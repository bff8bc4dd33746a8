"""When an unknown operation is looked for, and how much of the waiting counts as proof."""

from datetime import datetime, timedelta

from django.conf import settings

from snapshots.clock import is_plausible
from snapshots.models import Operation, OperationState
from snapshots.operations.transitions import Move, Outcome, Tries

LEAST_LOOKS = 3
LONGEST_PAUSE = timedelta(seconds=60)


def unknown_move(tries: Tries, outcome: Outcome, *, now: datetime) -> Move:
    """What was sent may have been executed: it is looked for, and the counting of looks begins."""
    return Move(
        to=OperationState.UNKNOWN,
        due_at=now + pause_before(1),
        outcome=outcome,
        tries=Tries(failing_since=tries.failing_since),
    )


def pause_before(look: int) -> timedelta:
    """The pause before a look, the first being 1: growing, and short enough for several looks."""
    settle_time = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    return min(LONGEST_PAUSE, settle_time / LEAST_LOOKS, timedelta(seconds=2**look))


def exchange_ends_at(operation: Operation) -> datetime:
    """When the longest allowed exchange is over: after it, no byte of the request leaves."""
    longest = timedelta(seconds=settings.EVSPORTAL_DEADLINE_SECONDS)
    return (operation.sent_at or operation.state_at) + longest


def waited_seconds(operation: Operation, *, now: datetime) -> float:
    """The waiting that counts as proof, with the pause before the present look.

    It is the sum of the pauses that were kept between the looks, not a difference of two clock
    readings: a clock that jumps ahead by an hour shortens one pause, not the proof.
    """
    pause = pause_before(operation.looks + 1).total_seconds()
    since_the_end = (now - exchange_ends_at(operation)).total_seconds()
    if since_the_end >= 0:  # a pause that began before it counts from there
        return operation.waited_seconds + min(pause, since_the_end)
    if is_plausible(operation.sent_at or operation.state_at, now=now):  # it may still leave
        return operation.waited_seconds
    # No reading of the clock tells when the exchange ends, so it is given all its time once, and no
    # hour is lost.
    return (operation.waited_seconds or -float(settings.EVSPORTAL_DEADLINE_SECONDS)) + pause
