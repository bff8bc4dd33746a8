"""Settles an operation whose outcome is unknown: by looking, never by sending again."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.clouds.clients import client_for_operation
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.evs.errors import EvsError
from snapshots.models import Operation, OperationState, OutcomeCode, Purpose
from snapshots.operations.decisions import Absent, AnomalyReport, Decision, Finding, Unclear
from snapshots.operations.kinds import kind_of
from snapshots.operations.looks import LEAST_LOOKS, LONGEST_PAUSE, pause_before, waited_seconds
from snapshots.operations.restored import was_restored
from snapshots.operations.transitions import Move, Outcome, Tries, tries_of

log = logging.getLogger(__name__)

BAD_LOOKS_UNTIL_TOLD = 5  # in a row


def settle(operation: Operation) -> Decision:
    """Look once for what became of the operation.

    A look that failed proves nothing: it is repeated without end, at last once a minute.
    """
    kind = kind_of(operation)
    client = client_for_operation(operation, Purpose.SETTLE)
    try:
        finding = kind.look(client, operation)
    except EvsError as error:
        cloud_failed(operation.cloud, error)
        return Decision(move=move_after_bad_look(tries_of(operation), now=timezone.now()))
    cloud_answered(operation.cloud)
    if isinstance(finding, Absent) and finding.proves and was_restored(operation):
        # It may have been made and removed after the backup: absence proves nothing.
        finding = replace(finding, proves=False, doubt=OutcomeCode.NOT_SEEN_SINCE)
    now = timezone.now()
    waited = waited_seconds(operation, now=now)
    return decision_after(finding, tries_of(operation), waited=waited, now=now)


def decision_after(finding: Finding, tries: Tries, *, waited: float, now: datetime) -> Decision:
    """What follows from a look. `waited` counts the seconds with the pause before it."""
    if isinstance(finding, Decision):
        return finding
    if isinstance(finding, Absent):
        return Decision(move=_move_after_absence(finding, tries, waited=waited, now=now))
    if not finding.is_readable and tries.fails + 1 < BAD_LOOKS_UNTIL_TOLD:
        log.warning("Snapshots could not all be read: %s.", finding.names)
        return Decision(move=move_after_bad_look(tries, now=now))
    return _left_to_people(finding, tries, now=now)


def move_after_bad_look(tries: Tries, *, outcome: Outcome | None = None, now: datetime) -> Move:
    """The look proved nothing: it does not count."""
    fails = tries.fails + 1
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(fails, 6)))
    return Move(
        to=OperationState.UNKNOWN,
        due_at=now + pause,
        outcome=outcome,
        tries=replace(tries, fails=fails),
    )


def _left_to_people(unclear: Unclear, tries: Tries, *, now: datetime) -> Decision:
    """Nothing is chosen silently: people must look. The operation stays unknown, and is looked for
    again, since people may remove what is too many.
    """
    outcome = Outcome(code=unclear.outcome, values={"names": unclear.names})
    if unclear.is_readable:
        due_at = now + LONGEST_PAUSE
        move = Move(to=OperationState.UNKNOWN, due_at=due_at, outcome=outcome)
    else:
        move = move_after_bad_look(tries, outcome=outcome, now=now)
    values = {"names": unclear.names}
    anomaly = AnomalyReport(kind=unclear.anomaly, message=unclear.message, values=values)
    return Decision(move=move, anomaly=anomaly, keeps_metadata=unclear.keeps_metadata)


def _move_after_absence(absent: Absent, tries: Tries, *, waited: float, now: datetime) -> Move:
    """Absence is proof after enough looks over the whole settle time, where it can be proof."""
    looks = tries.looks + 1
    if looks >= LEAST_LOOKS and waited >= settings.EVSPORTAL_SETTLE_SECONDS:
        state, code = (
            (OperationState.NOT_CREATED, OutcomeCode.NOT_THERE)
            if absent.proves
            else (OperationState.FAILED, absent.doubt)
        )
        outcome = Outcome(code=code, values={**absent.values, "looks": str(looks)})
        return Move(to=state, outcome=outcome, tries=replace(tries, looks=looks))
    return Move(
        to=OperationState.UNKNOWN,
        due_at=now + pause_before(looks + 1),
        tries=replace(tries, looks=looks, waited_seconds=waited, fails=0),
    )
