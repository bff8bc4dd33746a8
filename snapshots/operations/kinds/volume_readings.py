"""What a reading that does not have the watched volume proves."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings

from snapshots.clock import is_within
from snapshots.models import Operation, OperationState, OutcomeCode
from snapshots.operations.decisions import Decision
from snapshots.operations.transitions import Move, Outcome, tries_of

GONE_AFTER = 2  # readings in a row that do not have the volume


def volume_missed(operation: Operation, *, now: datetime) -> Decision:
    """The volume's own address answered that it is not there: the cloud's answers may be behind,
    so one such reading proves nothing. Those in a row are counted as failed tries.
    """
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    tries = replace(tries_of(operation), fails=operation.fails + 1)
    may_still_come = is_within(operation.state_at, now=now, period=settling)
    if tries.fails >= GONE_AFTER and not may_still_come:
        gone = Outcome(code=OutcomeCode.GONE, values={"volume": operation.made_volume_id})
        return Decision(move=Move(to=OperationState.FAILED, outcome=gone))
    return Decision(move=Move(to=OperationState.ACCEPTED, tries=tries))


def reset_fails(operation: Operation, decision: Decision) -> Decision:
    """The same decision; the readings that were counted before are not in a row any more."""
    if decision.move is not None or not operation.fails:
        return decision
    tries = replace(tries_of(operation), fails=0)
    return replace(decision, move=Move(to=OperationState.ACCEPTED, tries=tries))
