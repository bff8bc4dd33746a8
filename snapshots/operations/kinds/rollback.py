"""Putting a snapshot's data back onto its volume: what the volume holds now is destroyed.

The request bears no mark, so after an answer that proves nothing only the statuses tell. It is sent
once, and never called "not done" without proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from snapshots.clock import is_within
from snapshots.evs.client import EvsClient
from snapshots.evs.dialects import RollbackCall
from snapshots.evs.errors import NotFound
from snapshots.evs.limits import is_of_system
from snapshots.evs.types import CloudSnapshot, CloudVolume
from snapshots.models import (
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
    Snapshot,
    Volume,
    status_word,
    watched_snapshot,
)
from snapshots.models.directions import isolated
from snapshots.operations.decisions import Absent, Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.kinds.rollback_statuses import (
    MAY_BE_REPEATED,
    READY,
    WORKING,
    Statuses,
    has_worked_since,
    mark_of,
)
from snapshots.operations.kinds.rollback_texts import TEXTS
from snapshots.operations.kinds.volume_readings import GONE_AFTER, reset_fails, volume_missed
from snapshots.operations.looks import LONGEST_PAUSE, pause_before
from snapshots.operations.refusals import Refusal
from snapshots.operations.texts import Argument
from snapshots.operations.transitions import NO_OUTCOME, Move, Outcome, Start, tries_of
from snapshots.rights.policy import Right

# The volume's statuses that the cloud rolls back from.
STARTS = {
    RollbackCall.ROLLBACK: frozenset({READY, MAY_BE_REPEATED}),
    RollbackCall.REVERT: frozenset({READY}),
}
# The statuses may still be those from before the request.
LEAST_SECONDS = timedelta(seconds=5)


class RollbackKind(Kind):
    code = OperationKind.ROLLBACK
    purpose = Purpose.ROLLBACK
    texts = TEXTS
    right = Right.ROLL_BACK
    looks_before_sending = True

    def check(self, client: EvsClient, operation: Operation) -> Decision:
        """What the page showed may be old. A Cinder that refuses a revert because of the snapshot's
        status leaves the volume "reverting" for ever.
        """
        was_refused = operation.start_status is not None  # for now, and provably not executed
        if was_refused and (move := _left_reverting(client, operation)) is not None:
            return Decision(move=move)
        if (code := _why_not_by_request(operation, now=timezone.now())) is not None:
            return Decision(move=_refused(code))
        return _checked_in_cloud(client, operation)

    def send(self, client: EvsClient, operation: Operation) -> None:
        volume_id, snapshot_id = operation.volume_id, operation.target.id
        if client.rollback_call is RollbackCall.REVERT:
            client.revert_volume(volume_id, snapshot_id=snapshot_id)
        else:
            client.rollback_snapshot(
                snapshot_id, volume_id=volume_id, volume_name=operation.volume_name
            )

    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        return Decision(move=Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME))

    def look(self, client: EvsClient, operation: Operation) -> Finding:
        """After an answer that proves nothing. Only the snapshot tells that it is this rollback, at
        work or by its mark; a volume at work may be rolled back to another. Where neither works, it
        was done, or failed, or was never begun: the cloud does not say which.
        """
        try:
            snapshot = client.show_snapshot(operation.target.id)
            volume = client.show_volume(operation.volume_id)
        except NotFound:
            gone = Outcome(code=OutcomeCode.GONE)
            return Decision(move=Move(to=OperationState.FAILED, outcome=gone))
        statuses = Statuses.of(snapshot, volume)
        has_worked = has_worked_since(operation.start_mark, snapshot, volume)
        if statuses.snapshot in WORKING or has_worked:
            move = Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME)
            return Decision(move=move, snapshot=snapshot, has_begun=True)
        if not statuses.is_working and statuses.end(operation.volume_id) is not None:
            return Absent(proves=False, values={"status": volume.status})
        # Another rollback, or a status never seen before, which may be a part of this one: the look
        # does not count.
        again = Move(to=OperationState.UNKNOWN, due_at=timezone.now() + LONGEST_PAUSE)
        return Decision(move=again, snapshot=snapshot)

    def watched_volume_id(self, operation: Operation) -> str:
        return operation.volume_id

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        if reading.answered_with_another:
            return Decision()
        if reading.snapshot is None:
            return _snapshot_missed(row)
        if reading.volume is None:
            return volume_missed(operation, now=now)
        decision = _after_statuses(operation, reading.snapshot, reading.volume, now=now)
        return reset_fails(operation, decision)

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return Refusal.FILL_IN_AGAIN

    def remarks(self, operation: Operation) -> list[str]:
        if operation.needs is not None and operation.needs.status is OperationState.SUCCEEDED:
            text = _("What the volume held before is in the snapshot “%(name)s”.")
            return [str(text) % {"name": isolated(operation.needs.name or str(operation.needs_id))}]
        return []

    def arguments(self, operation: Operation) -> list[Argument]:
        fresh = _("yes") if operation.needs_id else _("no")
        return [
            Argument(_("Snapshot"), operation.target.name or operation.target.id),
            Argument(_("Volume"), operation.volume_name or operation.volume_id),
            Argument(_("Fresh snapshot first"), str(fresh)),
        ]


def _why_not_by_request(operation: Operation, *, now: datetime) -> OutcomeCode | None:
    needs = operation.needs
    if needs is not None and needs.status is not OperationState.SUCCEEDED:
        return OutcomeCode.NOT_PREPARED
    # What was confirmed may not be so any more: the volume may have been used since.
    prepared_at = needs.finished_at if needs is not None else None
    period = timedelta(seconds=settings.EVSPORTAL_ROLLBACK_SECONDS)
    is_recent = is_within(prepared_at or operation.asked_at, now=now, period=period)
    return None if is_recent else OutcomeCode.EXPIRED


def _checked_in_cloud(client: EvsClient, operation: Operation) -> Decision:
    try:
        snapshot = client.show_snapshot(operation.target.id)
    except NotFound:
        return Decision(move=_refused(OutcomeCode.ALREADY_GONE), is_gone=True)
    try:
        volume = client.show_volume(operation.volume_id)
    except NotFound:
        return Decision(move=_refused(OutcomeCode.VOLUME_GONE))
    call = client.rollback_call
    of_volume = (
        client.list_snapshots(volume_id=operation.volume_id) if call is RollbackCall.REVERT else []
    )
    refusal = refusal_of(operation, call, snapshot, volume, of_volume)
    if refusal is not None:
        return Decision(move=refusal, snapshot=snapshot)
    if operation.needs is not None and not _is_available(client, operation.needs):
        return Decision(move=_refused(OutcomeCode.FRESH_GONE))
    mark = mark_of(snapshot, volume) if call is RollbackCall.REVERT else ""
    return Decision(start=Start(volume.status, mark))


def refusal_of(
    operation: Operation,
    call: RollbackCall,
    snapshot: CloudSnapshot,
    volume: CloudVolume,
    snapshots_of_volume: Sequence[CloudSnapshot],
) -> Move | None:
    """Why it is not rolled back after all. What was confirmed by typing is the volume's name."""
    is_revert = call is RollbackCall.REVERT
    other_volume = snapshot.volume_id or snapshot.id
    reasons: tuple[tuple[bool, OutcomeCode, dict[str, str]], ...] = (
        (is_of_system(snapshot.name, snapshot.metadata), OutcomeCode.OF_SYSTEM, {}),
        (
            snapshot.volume_id != operation.volume_id,
            OutcomeCode.CHANGED_SINCE,
            {"change": other_volume},
        ),
        (
            volume.name != operation.volume_name,
            OutcomeCode.CHANGED_SINCE,
            {"change": volume.name or volume.id},
        ),
        (
            status_word(snapshot.status) != READY,
            OutcomeCode.SNAPSHOT_NOT_READY,
            {"status": snapshot.status},
        ),
        (
            status_word(volume.status) in WORKING,
            OutcomeCode.ROLLED_BACK_NOW,
            {"status": volume.status},
        ),
        (
            status_word(volume.status) not in STARTS[call],
            OutcomeCode.VOLUME_NOT_READY,
            {"status": volume.status},
        ),
        (is_revert and not _is_newest(snapshot, snapshots_of_volume), OutcomeCode.NOT_NEWEST, {}),
        (is_revert and volume.size_gb != snapshot.size_gb, OutcomeCode.VOLUME_GREW, {}),
    )
    return next((_refused(code, values) for is_so, code, values in reasons if is_so), None)


def _is_available(client: EvsClient, made_by: Operation) -> bool:
    """Whether the cloud still holds what the operation made."""
    row = watched_snapshot(made_by)
    if row is None:
        return False
    try:
        return status_word(client.show_snapshot(row.snapshot_id).status) == READY
    except NotFound:
        return False


def _left_reverting(client: EvsClient, operation: Operation) -> Move | None:
    """While a volume is reverting and no snapshot of it is being restored, nothing is at work: it
    stays so until an administrator of the cloud repairs it.
    """
    if client.rollback_call is RollbackCall.ROLLBACK:
        return None
    try:
        volume = client.show_volume(operation.volume_id)
    except NotFound:
        return None
    if status_word(volume.status) != "reverting":
        return None
    rows = client.list_snapshots(volume_id=operation.volume_id)
    if any(status_word(row.status) in WORKING for row in rows):
        return None
    now = timezone.now()
    outcome = Outcome(code=OutcomeCode.LEFT_REVERTING, values={"status": volume.status})
    tries, settling = tries_of(operation), timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    if operation.outcome is not OutcomeCode.LEFT_REVERTING:
        tries = replace(tries, failing_since=now)  # first seen so: it may be about to end
    elif not is_within(tries.failing_since or now, now=now, period=settling):
        return Move(to=OperationState.FAILED, outcome=outcome)
    return Move(
        to=OperationState.QUEUED, due_at=now + pause_before(3), outcome=outcome, tries=tries
    )


def _after_statuses(
    operation: Operation, snapshot: CloudSnapshot, volume: CloudVolume, *, now: datetime
) -> Decision:
    """What follows for a rollback that the cloud accepted. It may not have begun while the statuses
    are those from before.
    """
    statuses, start = Statuses.of(snapshot, volume), operation.start_status
    if statuses.is_working:
        return Decision(snapshot=snapshot, has_begun=start is not None)
    if is_within(operation.state_at, now=now, period=LEAST_SECONDS):
        return Decision(snapshot=snapshot)
    has_worked = has_worked_since(operation.start_mark, snapshot, volume)
    if start is None or has_worked or statuses.differ_from(status_word(start)):
        return Decision(move=statuses.end(operation.volume_id), snapshot=snapshot)
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    if is_within(operation.state_at, now=now, period=settling):
        return Decision(snapshot=snapshot)
    outcome = Outcome(code=OutcomeCode.NOT_SEEN, values={"status": volume.status})
    return Decision(move=Move(to=OperationState.FAILED, outcome=outcome), snapshot=snapshot)


def _is_newest(snapshot: CloudSnapshot, snapshots_of_volume: Sequence[CloudSnapshot]) -> bool:
    """Of two made in the same second the cloud itself decides; its refusal harms nothing."""
    made_at = snapshot.created_at
    others = [row.created_at for row in snapshots_of_volume if row.id != snapshot.id]
    return made_at is not None and all(at is not None and at <= made_at for at in others)


def _refused(code: OutcomeCode, values: Mapping[str, str] | None = None) -> Move:
    return Move(to=OperationState.REFUSED, outcome=Outcome(code=code, values=values or {}))


def _snapshot_missed(row: Snapshot) -> Decision:
    missed = row.missed + 1
    if missed < GONE_AFTER:
        return Decision(missed=missed)
    gone = Move(to=OperationState.FAILED, outcome=Outcome(code=OutcomeCode.GONE))
    return Decision(move=gone, missed=missed, is_gone=True)
