"""What kinds have in common whose result can be read from the snapshot itself."""

from abc import abstractmethod
from datetime import datetime

from snapshots.evs.client import EvsClient
from snapshots.evs.errors import NotFound
from snapshots.evs.types import CloudSnapshot, CloudVolume
from snapshots.models import Operation, OperationState, OutcomeCode, Snapshot, Volume
from snapshots.operations.decisions import Absent, Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.looks import unknown_move
from snapshots.operations.refusals import Refusal
from snapshots.operations.transitions import Move, Outcome, tries_of


class SettledByReading(Kind):
    """Idempotent, and done when the snapshot is as it was asked to be."""

    @abstractmethod
    def is_as_asked(self, operation: Operation, snapshot: CloudSnapshot) -> bool:
        """Whether the snapshot has everything that the operation asks for."""

    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        """None as an answer: a part may have been done, and the rest failed."""
        if isinstance(answer, CloudSnapshot) and self.is_as_asked(operation, answer):
            return done(answer)
        code = OutcomeCode.NO_CLEAR_ANSWER if answer is None else OutcomeCode.OTHER_ANSWER
        return Decision(move=unknown_move(tries_of(operation), Outcome(code=code), now=now))

    def look(self, client: EvsClient, operation: Operation) -> Finding:
        try:
            snapshot = client.show_snapshot(operation.target.id)
        except NotFound:
            gone = Outcome(code=OutcomeCode.GONE)
            return Decision(move=Move(to=OperationState.FAILED, outcome=gone), is_gone=True)
        return done(snapshot) if self.is_as_asked(operation, snapshot) else Absent()

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        if reading.snapshot is None:
            return Decision(missed=row.missed + 1)
        if self.is_as_asked(operation, reading.snapshot):
            return done(reading.snapshot)
        return Decision()

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return None


def done(snapshot: CloudSnapshot) -> Decision:
    move = Move(to=OperationState.SUCCEEDED, outcome=Outcome(code=OutcomeCode.READY))
    return Decision(move=move, snapshot=snapshot)
