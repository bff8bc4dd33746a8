"""Giving a snapshot another name and description: idempotent, and settled by reading it."""

from django.utils.translation import gettext_lazy as _

from snapshots.evs.client import EvsClient
from snapshots.evs.types import CloudSnapshot
from snapshots.models import (
    ActionCode,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
)
from snapshots.operations.kinds.settled_by_reading import SettledByReading
from snapshots.operations.texts import Fixer, KindTexts, Message, Text

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


class RenameKind(SettledByReading):
    code = OperationKind.RENAME
    purpose = Purpose.RENAME
    texts = TEXTS
    sets_texts = True

    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot:
        return client.update_snapshot(
            operation.target.id, name=operation.name, description=operation.description
        )

    def is_as_asked(self, operation: Operation, snapshot: CloudSnapshot) -> bool:
        asked = (operation.name or "", operation.description or "")
        return (snapshot.name, snapshot.description) == asked

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
