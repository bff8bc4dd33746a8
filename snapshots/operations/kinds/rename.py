"""Giving a snapshot another name and description: idempotent, and settled by reading it."""

from django.utils.translation import gettext_lazy as _

from snapshots.evs.client import EvsClient
from snapshots.evs.limits import is_of_system
from snapshots.evs.types import CloudSnapshot
from snapshots.models import (
    ActionCode,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
    Volume,
)
from snapshots.operations.decisions import Decision
from snapshots.operations.kinds.settled_by_reading import SettledByReading, done
from snapshots.operations.refusals import Refusal
from snapshots.operations.texts import Argument, Fixer, KindTexts, Message
from snapshots.operations.transitions import Move, Outcome

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


def _changes(operation: Operation) -> dict[str, str]:
    """The texts that are others than the person saw. What is not to be changed is not sent, so that
    another's change of it is kept.
    """
    texts = {"name": operation.name or "", "description": operation.description or ""}
    seen = dict(zip(texts, _texts_seen(operation), strict=True))
    return {field: text for field, text in texts.items() if text != seen[field]}


def _texts_seen(operation: Operation) -> tuple[str, str | None]:
    return operation.target_name, operation.target_description


def _change_since(operation: Operation, snapshot: CloudSnapshot) -> str:
    """The text that is another than the person saw; "" when both are the same."""
    name, description = _texts_seen(operation)
    if snapshot.name != name:
        return snapshot.name or snapshot.id
    if description is not None and snapshot.description != description:
        return snapshot.description or "-"
    return ""


class RenameKind(SettledByReading):
    code = OperationKind.RENAME
    purpose = Purpose.RENAME
    texts = TEXTS
    looks_before_sending = True

    def check(self, client: EvsClient, operation: Operation) -> Decision:
        """It may have waited: what others wrote since is not overwritten unseen."""
        snapshot = client.show_snapshot(operation.target.id)
        if is_of_system(snapshot.name, snapshot.metadata):
            outcome = Outcome(code=OutcomeCode.OF_SYSTEM)
        elif self.is_as_asked(operation, snapshot):
            return done(snapshot)
        elif change := _change_since(operation, snapshot):
            outcome = Outcome(code=OutcomeCode.CHANGED_SINCE, values={"change": change})
        else:
            return Decision()
        return Decision(move=Move(to=OperationState.REFUSED, outcome=outcome), snapshot=snapshot)

    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot:
        return client.update_snapshot(operation.target.id, **_changes(operation))

    def is_as_asked(self, operation: Operation, snapshot: CloudSnapshot) -> bool:
        changes = _changes(operation)
        return all(getattr(snapshot, field) == text for field, text in changes.items())

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        """The texts that are there now have not been seen."""
        row = operation.target_snapshot
        if row is None or (row.name, row.description) != _texts_seen(operation):
            return Refusal.FILL_IN_AGAIN
        return None

    def remarks(self, operation: Operation) -> list[str]:
        if operation.status is OperationState.SUCCEEDED and operation.looks:
            return [str(_("The cloud's answer was lost on the way; the portal read the snapshot."))]
        return []

    def arguments(self, operation: Operation) -> list[Argument]:
        return [
            Argument(_("Snapshot"), operation.target.name or operation.target.id),
            Argument(_("New name"), operation.name or "", "name"),
            Argument(_("New description"), operation.description or "", "description"),
        ]
