"""Deleting a snapshot: sent once, and done when the cloud holds it no more."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from snapshots.clock import is_within
from snapshots.evs.client import EvsClient
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
)
from snapshots.operations.decisions import Absent, Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.kinds.delete_texts import TEXTS
from snapshots.operations.kinds.volume_readings import reset_fails
from snapshots.operations.refusals import Refusal
from snapshots.operations.texts import Argument
from snapshots.operations.transitions import NO_OUTCOME, Move, Outcome, tries_of

# Cinder 29 and EVS (page A-2094): any other status is refused.
DELETABLE = frozenset({"available", "error"})
FAILURE = "error-deleting"
WORKING = "deleting"
KEPT_AFTER = 2  # answers of its own address in a row, that it is not being deleted


class DeleteKind(Kind):
    code = OperationKind.DELETE
    purpose = Purpose.DELETE
    texts = TEXTS
    ends_without_snapshot = True
    looks_before_sending = True

    def check(self, client: EvsClient, operation: Operation) -> Decision:
        """The page that asked may be old: what is deleted must be what people saw."""
        try:
            snapshot = client.show_snapshot(operation.target.id)
        except NotFound:
            return _gone(OutcomeCode.ALREADY_GONE)
        refusal = _refusal(operation, snapshot)
        return Decision(move=refusal, snapshot=snapshot) if refusal else Decision()

    def send(self, client: EvsClient, operation: Operation) -> None:
        client.delete_snapshot(operation.target.id)

    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        return Decision(move=Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME))

    def look(self, client: EvsClient, operation: Operation) -> Finding:
        try:
            snapshot = client.show_snapshot(operation.target.id)
        except NotFound:
            return _gone(OutcomeCode.READY)
        status = status_word(snapshot.status)
        if status == FAILURE:
            return _failed(snapshot)
        if status in DELETABLE:
            return Absent()
        move = Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME)
        return Decision(move=move, snapshot=snapshot)

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        if reading.answered_with_another:
            return Decision()
        if reading.snapshot is None:
            return _gone(OutcomeCode.READY)
        status = status_word(reading.snapshot.status)
        if status == FAILURE:
            return _failed(reading.snapshot)
        if status not in DELETABLE:
            return reset_fails(operation, Decision(snapshot=reading.snapshot))
        return _after_rest(operation, row, reading.snapshot, now=now)

    def believes_list(self, listed: CloudSnapshot) -> bool:
        """A list may be behind, and show as kept what is being deleted."""
        return status_word(listed.status) not in DELETABLE

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return Refusal.FILL_IN_AGAIN

    def remarks(self, operation: Operation) -> list[str]:
        if operation.status is OperationState.SUCCEEDED and operation.looks:
            text = _("The cloud's answer was lost on the way; the portal looked for the snapshot.")
            return [str(text)]
        return []

    def arguments(self, operation: Operation) -> list[Argument]:
        return [Argument(_("Snapshot"), operation.target.name or operation.target.id)]


def _refusal(operation: Operation, snapshot: CloudSnapshot) -> Move | None:
    """Why it is not deleted after all."""
    values: dict[str, str] = {}
    if is_of_system(snapshot.name, snapshot.metadata):
        code = OutcomeCode.OF_SYSTEM
    elif snapshot.name != operation.target_name:
        code, values = OutcomeCode.CHANGED_SINCE, {"change": snapshot.name or snapshot.id}
    elif snapshot.volume_id and snapshot.volume_id != operation.volume_id:
        code, values = OutcomeCode.CHANGED_SINCE, {"change": snapshot.volume_id}
    elif status_word(snapshot.status) not in DELETABLE:
        code, values = OutcomeCode.SNAPSHOT_STATE, {"status": snapshot.status}
    else:
        return None
    return Move(to=OperationState.REFUSED, outcome=Outcome(code=code, values=values))


def _after_rest(
    operation: Operation, row: Snapshot, snapshot: CloudSnapshot, *, now: datetime
) -> Decision:
    """Whether the cloud gave up deleting, as Cinder does when its back end still needs the
    snapshot: it was being deleted and is not any more, or never was for as long as the cloud's
    answers may lag. One such answer of its own address may be from before, so two in a row tell.
    """
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    was_deleting = status_word(row.status) == WORKING
    if not was_deleting and is_within(operation.state_at, now=now, period=settling):
        return Decision(snapshot=snapshot)
    tries = replace(tries_of(operation), fails=operation.fails + 1)
    if tries.fails >= KEPT_AFTER:
        outcome = Outcome(code=OutcomeCode.STILL_THERE)
        return Decision(move=Move(to=OperationState.FAILED, outcome=outcome), snapshot=snapshot)
    # The row goes on saying that it is being deleted: the next answer decides.
    return Decision(move=Move(to=OperationState.ACCEPTED, tries=tries))


def _gone(code: OutcomeCode) -> Decision:
    return Decision(
        move=Move(to=OperationState.SUCCEEDED, outcome=Outcome(code=code)), is_gone=True
    )


def _failed(snapshot: CloudSnapshot) -> Decision:
    outcome = Outcome(code=OutcomeCode.NOT_DELETED, values={"status": snapshot.status})
    return Decision(move=Move(to=OperationState.FAILED, outcome=outcome), snapshot=snapshot)
