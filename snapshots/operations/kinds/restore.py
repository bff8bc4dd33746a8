"""Making a new volume from a snapshot: sent once, and the volume is found again by its mark."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from snapshots.evs.client import EvsClient
from snapshots.evs.types import CloudSnapshot, CloudVolume, CreateVolume
from snapshots.models import (
    MARKER,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
    Snapshot,
    Volume,
    status_word,
)
from snapshots.operations.decisions import Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.kinds.restore_facts import decide, facts_of
from snapshots.operations.kinds.restore_texts import TEXTS
from snapshots.operations.kinds.volume_readings import reset_fails, volume_missed
from snapshots.operations.looks import unknown_move
from snapshots.operations.refusals import Refusal
from snapshots.operations.texts import Argument
from snapshots.operations.transitions import NO_OUTCOME, Move, Outcome, tries_of
from snapshots.rights.policy import Right

# As `status_word` spells them. The new volume may be attached before the portal reads it.
SUCCESS = frozenset({"available", "in-use"})
FAILURE = frozenset({"error", "error-deleting"})


class RestoreKind(Kind):
    code = OperationKind.RESTORE
    purpose = Purpose.RESTORE
    texts = TEXTS
    right = Right.RESTORE

    def send(self, client: EvsClient, operation: Operation) -> CloudVolume:
        source = Volume.objects.filter(cloud=operation.cloud, volume_id=operation.volume_id).first()
        return client.create_volume(
            CreateVolume(
                snapshot_id=operation.target.id,
                size_gb=operation.size_gb or 0,
                name=operation.name,
                description=operation.description,
                # EVS demands both to be those of the snapshot's volume.
                availability_zone=source.availability_zone if source else "",
                volume_type=source.volume_type if source else "",
                metadata=operation.sent_metadata(),
            )
        )

    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        """Believe the answer only if it is about what was asked."""
        if not isinstance(answer, CloudVolume):
            raise ValueError("Restoring is always answered with a volume.")
        if _contradicts(operation, answer):
            outcome = Outcome(code=OutcomeCode.OTHER_ANSWER)
            return Decision(move=unknown_move(tries_of(operation), outcome, now=now))
        return _adopted(answer)

    def look(self, client: EvsClient, operation: Operation) -> Finding:
        finding = decide(facts_of(operation, client.list_volumes()))
        return _adopted(finding) if isinstance(finding, CloudVolume) else finding

    def watched_volume_id(self, operation: Operation) -> str:
        return operation.made_volume_id

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        """The snapshot may be deleted meanwhile: the new volume alone tells."""
        if reading.volume is None:
            return volume_missed(operation, now=now)
        return reset_fails(operation, Decision(move=_end_of(reading.volume)))

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return Refusal.FILL_IN_AGAIN

    def remarks(self, operation: Operation) -> list[str]:
        if operation.status is not OperationState.SUCCEEDED:
            return []
        remarks = [str(_("The new volume's id is %(id)s.")) % {"id": operation.made_volume_id}]
        if operation.looks:
            text = _("The cloud's answer was lost on the way; the portal looked for the volume.")
            remarks.append(str(text))
        return remarks

    def arguments(self, operation: Operation) -> list[Argument]:
        return [
            Argument(_("Snapshot"), operation.target.name or operation.target.id),
            Argument(_("Name of the new volume"), operation.name or ""),
            Argument(_("Description"), operation.description or ""),
            Argument(_("Size"), f"{operation.size_gb} GiB"),
            Argument(_("New volume"), operation.made_volume_id),
        ]


def _contradicts(operation: Operation, made: CloudVolume) -> bool:
    """Whether the answer is about another volume. The cloud may leave out what it does not keep."""
    mark = str(operation.pk)
    return (
        made.metadata.get(MARKER, mark) != mark
        or made.snapshot_id not in {"", operation.target.id}
        or made.id == operation.volume_id
    )


def _adopted(made: CloudVolume) -> Decision:
    """The cloud has made the volume, or is making it: it is the operation's from now on."""
    move = _end_of(made) or Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME)
    return Decision(move=move, made_volume_id=made.id)


def _end_of(made: CloudVolume) -> Move | None:
    """The last move when the volume's status is final. One never seen before is watched."""
    status = status_word(made.status)
    if status in SUCCESS:
        return Move(to=OperationState.SUCCEEDED, outcome=Outcome(code=OutcomeCode.READY))
    if status in FAILURE:
        values = {"status": made.status, "volume": made.id}
        outcome = Outcome(code=OutcomeCode.UNUSABLE, values=values)
        return Move(to=OperationState.FAILED, outcome=outcome)
    return None
