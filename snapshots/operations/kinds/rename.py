"""Giving a snapshot another name and description: idempotent, and settled by reading it."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from snapshots.evs.client import EvsClient
from snapshots.evs.errors import NotFound
from snapshots.evs.types import CloudSnapshot, CloudVolume
from snapshots.models import (
    ActionCode,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
    Snapshot,
    Volume,
)
from snapshots.operations.decisions import Absent, Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.looks import unknown_move
from snapshots.operations.rights import Refusal
from snapshots.operations.texts import Fixer, KindTexts, Message, Text
from snapshots.operations.transitions import Move, Outcome, tries_of

_MAY_BE_DONE = _(
    "The cloud gave no clear answer, so the snapshot may have its new name already. The portal "
    "reads it, usually for two to three minutes. Please do not ask again until this page says what "
    "it found."
)

TEXTS = KindTexts(
    title=_("Rename a snapshot"),
    button=_("Rename the snapshot"),
    nothing=_("Nothing was changed."),
    goal=_("Renamed"),
    labels={
        OperationState.ACCEPTED: _("Renaming"),
        OperationState.SUCCEEDED: _("Renamed"),
        OperationState.NOT_CREATED: _("Not renamed"),
    },
    sentences={
        OperationState.QUEUED: _("Recorded and waiting for its turn. Nothing has been sent yet."),
        OperationState.SENDING: _("The request is on its way to the cloud."),
        OperationState.ACCEPTED: _("The cloud accepted it."),
        OperationState.UNKNOWN: _MAY_BE_DONE,
        OperationState.SUCCEEDED: _("The snapshot has its new name and description."),
        OperationState.FAILED: _("The snapshot could not be renamed."),
        OperationState.REFUSED: _("The cloud refused. Nothing was changed."),
        OperationState.NOT_CREATED: _("The cloud shows the old name: nothing was changed."),
        OperationState.CANCELLED: _("Cancelled before it was sent. Nothing was changed."),
    },
    steps={
        OperationState.UNKNOWN: _("Reading the snapshot"),
        OperationState.ACCEPTED: _("The cloud is renaming it"),
        OperationState.SUCCEEDED: _("Renamed"),
        OperationState.NOT_CREATED: _("Not renamed"),
    },
    actions={
        ActionCode.OPERATION_ASKED: _("asked to rename a snapshot"),
        ActionCode.OPERATION_REFUSED: _("was not allowed to rename a snapshot"),
        ActionCode.OPERATION_AGAIN: _("asked again to rename a snapshot"),
    },
    messages={
        OutcomeCode.INTERRUPTED: Message(
            _(
                "The portal was interrupted while asking, so the snapshot may have its new name "
                "already. The portal reads it. Please do not ask again until this page says what "
                "it found."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.NO_CLEAR_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.OTHER_ANSWER: Message(
            _(
                "The cloud's answer has another name than was asked. The portal reads the "
                "snapshot; please do not ask again."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.VOLUME_GONE: Message(
            _("The cloud no longer knows this snapshot. It may have been deleted.")
        ),
        OutcomeCode.NOT_THERE: Message(
            _(
                "The cloud gave no trustworthy answer, and the snapshot has the old name: it was "
                "read %(looks)s times. Nothing was changed. You may ask again."
            )
        ),
        OutcomeCode.READY: Message(_("The snapshot has its new name and description.")),
        OutcomeCode.UNUSABLE: Message(
            _("The snapshot could not be renamed (status “%(status)s”).")
        ),
        OutcomeCode.GONE: Message(
            _("The snapshot is gone from the cloud: it or its volume was deleted there.")
        ),
    },
)


class RenameKind(Kind):
    code = OperationKind.RENAME
    purpose = Purpose.RENAME
    texts = TEXTS
    sets_texts = True
    changes_snapshot = True

    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot:
        return client.update_snapshot(
            operation.target.id, name=operation.name, description=operation.description
        )

    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        if isinstance(answer, CloudSnapshot) and _is_as_asked(operation, answer):
            return _done(answer)
        outcome = Outcome(code=OutcomeCode.OTHER_ANSWER)
        return Decision(move=unknown_move(tries_of(operation), outcome, now=now))

    def look(self, client: EvsClient, operation: Operation) -> Finding:
        try:
            snapshot = client.show_snapshot(operation.target.id)
        except NotFound:
            gone = Outcome(code=OutcomeCode.GONE)
            return Decision(move=Move(to=OperationState.FAILED, outcome=gone))
        if _is_as_asked(operation, snapshot):
            return _done(snapshot)
        return Absent()

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        if reading.snapshot is None:
            return Decision(missed=row.missed + 1)
        return _done(reading.snapshot) if _is_as_asked(operation, reading.snapshot) else Decision()

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return None

    def remarks(self, operation: Operation) -> list[str]:
        if operation.status is OperationState.SUCCEEDED and operation.looks:
            return [str(_("The cloud's answer was lost on the way; the portal read the snapshot."))]
        return []

    def arguments(self, operation: Operation) -> list[tuple[Text, str]]:
        return [
            (_("Snapshot"), operation.target.name or operation.target.id),
            (_("New name"), operation.name or ""),
            (_("New description"), operation.description or ""),
        ]


def _is_as_asked(operation: Operation, snapshot: CloudSnapshot) -> bool:
    asked = (operation.name or "", operation.description or "")
    return (snapshot.name, snapshot.description) == asked


def _done(snapshot: CloudSnapshot) -> Decision:
    move = Move(to=OperationState.SUCCEEDED, outcome=Outcome(code=OutcomeCode.READY))
    return Decision(move=move, snapshot=snapshot)
