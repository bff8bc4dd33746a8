"""Putting a snapshot's data back onto its volume: what the volume holds now is destroyed.

The request bears no mark, so after an answer that proves nothing only the statuses tell. It is sent
once, and never called "not done" without proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
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
    may_roll_back,
    status_word,
)
from snapshots.operations.decisions import Absent, Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.kinds.rollback_texts import TEXTS
from snapshots.operations.kinds.volume_readings import GONE_AFTER, volume_missed, volume_seen
from snapshots.operations.looks import LONGEST_PAUSE
from snapshots.operations.rights import Refusal
from snapshots.operations.texts import Text
from snapshots.operations.transitions import NO_OUTCOME, Move, Outcome

# Statuses as `status_word` spells them: EVS's words, then those of Cinder.
WORKING = frozenset({"rollbacking", "reverting", "restoring"})
MAY_BE_REPEATED = "error-rollbacking"
ERROR = "error"
# The volume may be attached again before the portal looks; while it is rolled back it cannot be.
AT_REST = frozenset({"available", "in-use"})
READY = "available"
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
    changes_snapshot = True
    looks_before_sending = True

    def refusal(self, requester: User, volume: Volume, snapshot: Snapshot | None) -> Refusal | None:
        if not may_roll_back(requester):
            return Refusal.NEEDS_RIGHT
        return super().refusal(requester, volume, snapshot)

    def check(self, client: EvsClient, operation: Operation) -> Decision | None:
        """What the page showed may be old. A Cinder that refuses a revert because of the snapshot's
        status leaves the volume "reverting" for ever.
        """
        needs = operation.needs
        if needs is not None and needs.status is not OperationState.SUCCEEDED:
            return Decision(move=_refused(OutcomeCode.NOT_PREPARED))
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
            client.list_snapshots(volume_id=operation.volume_id)
            if call is RollbackCall.REVERT
            else []
        )
        refusal = refusal_of(operation, call, snapshot, volume, of_volume)
        return Decision(move=refusal, snapshot=snapshot) if refusal else None

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
        """After an answer that proves nothing. Where both are at rest, it was done or never begun:
        the cloud does not say which.
        """
        try:
            snapshot = client.show_snapshot(operation.target.id)
            volume = client.show_volume(operation.volume_id)
        except NotFound:
            gone = Outcome(code=OutcomeCode.GONE)
            return Decision(move=Move(to=OperationState.FAILED, outcome=gone))
        statuses = Statuses.of(snapshot, volume)
        if statuses.is_working:
            move = Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME)
            return Decision(move=move, snapshot=snapshot)
        if failure := statuses.failure:
            return Decision(move=failure, snapshot=snapshot)
        if statuses.is_at_rest:
            return Absent(proves=False)
        # A status never seen before: it may be a part of the rollback, so the look does not count.
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
        statuses = Statuses.of(reading.snapshot, reading.volume)
        is_young = is_within(operation.state_at, now=now, period=LEAST_SECONDS)
        decision = Decision(move=None if is_young else statuses.end, snapshot=reading.snapshot)
        return volume_seen(operation, decision)

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return Refusal.FILL_IN_AGAIN

    def remarks(self, operation: Operation) -> list[str]:
        if operation.needs is not None and operation.needs.status is OperationState.SUCCEEDED:
            text = _("What the volume held before is in the snapshot “%(name)s”.")
            return [str(text) % {"name": operation.needs.name or operation.needs_id}]
        return []

    def arguments(self, operation: Operation) -> list[tuple[Text, str]]:
        fresh = _("yes") if operation.needs_id else _("no")
        return [
            (_("Snapshot"), operation.target.name or operation.target.id),
            (_("Volume"), operation.volume_name or operation.volume_id),
            (_("Fresh snapshot first"), str(fresh)),
        ]


@dataclass(frozen=True, slots=True)
class Statuses:
    """Those of the snapshot and its volume, which together tell how far a rollback is."""

    snapshot: str
    volume: str

    @classmethod
    def of(cls, snapshot: CloudSnapshot, volume: CloudVolume) -> "Statuses":
        return cls(status_word(snapshot.status), status_word(volume.status))

    @property
    def is_working(self) -> bool:
        return bool(WORKING & {self.snapshot, self.volume})

    @property
    def is_at_rest(self) -> bool:
        return self.snapshot == READY and self.volume in AT_REST

    @property
    def failure(self) -> Move | None:
        if self.volume == MAY_BE_REPEATED:
            code = OutcomeCode.ROLLBACK_FAILED
        elif ERROR in {self.volume, self.snapshot}:
            code = OutcomeCode.REVERT_FAILED
        else:
            return None
        status = self.volume if self.volume != READY else self.snapshot
        outcome = Outcome(code=code, values={"status": status.replace("-", "_")})
        return Move(to=OperationState.FAILED, outcome=outcome)

    @property
    def end(self) -> Move | None:
        """None: the cloud works on it, or shows a status never seen before."""
        if self.is_working:
            return None
        if self.is_at_rest:
            done = Outcome(code=OutcomeCode.READY)
            return Move(to=OperationState.SUCCEEDED, outcome=done)
        return self.failure


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
            status_word(volume.status) not in STARTS[call],
            OutcomeCode.VOLUME_NOT_READY,
            {"status": volume.status},
        ),
        (is_revert and not _is_newest(snapshot, snapshots_of_volume), OutcomeCode.NOT_NEWEST, {}),
        (is_revert and volume.size_gb != snapshot.size_gb, OutcomeCode.VOLUME_GREW, {}),
    )
    return next((_refused(code, values) for is_so, code, values in reasons if is_so), None)


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
