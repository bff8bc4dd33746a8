"""Changing a snapshot's metadata: the smallest set of calls, all idempotent, settled by reading."""

from contextlib import suppress
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from snapshots.evs.client import EvsClient
from snapshots.evs.errors import NotFound
from snapshots.evs.limits import is_of_system
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
    "The cloud gave no clear answer, so the metadata may be changed already, in whole or in part. "
    "The portal reads the snapshot, usually for two to three minutes. Please do not ask again "
    "until this page shows the result."
)

TEXTS = KindTexts(
    title=_("Change a snapshot's metadata"),
    button=_("Change the metadata"),
    nothing=_("Nothing was changed."),
    goal=_("Changed"),
    labels={
        OperationState.ACCEPTED: _("Changing"),
        OperationState.SUCCEEDED: _("Changed"),
        OperationState.NOT_CREATED: _("Not changed"),
    },
    sentences={
        OperationState.QUEUED: _("Recorded and waiting for its turn. Nothing has been sent yet."),
        OperationState.SENDING: _("The request is on its way to the cloud."),
        OperationState.ACCEPTED: _("The cloud accepted it."),
        OperationState.UNKNOWN: _MAY_BE_DONE,
        OperationState.SUCCEEDED: _("The snapshot has the metadata that was asked for."),
        OperationState.FAILED: _("The metadata could not be changed."),
        OperationState.REFUSED: _("The request was refused. Nothing was changed."),
        OperationState.NOT_CREATED: _("The snapshot does not have the metadata asked for."),
        OperationState.CANCELLED: _("Cancelled before it was sent. Nothing was changed."),
    },
    steps={
        OperationState.UNKNOWN: _("Reading the snapshot"),
        OperationState.ACCEPTED: _("The cloud is changing it"),
        OperationState.SUCCEEDED: _("Changed"),
        OperationState.NOT_CREATED: _("Not changed"),
    },
    actions={
        ActionCode.OPERATION_ASKED: _("asked to change a snapshot's metadata"),
        ActionCode.OPERATION_REFUSED: _("was not allowed to change a snapshot's metadata"),
        ActionCode.OPERATION_AGAIN: _("asked again to change a snapshot's metadata"),
    },
    messages={
        OutcomeCode.INTERRUPTED: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.NO_CLEAR_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.OTHER_ANSWER: Message(
            _(
                "The cloud accepted the change, but the snapshot does not have all of it. The "
                "portal reads it again; please do not ask again."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.VOLUME_GONE: Message(
            _("The cloud no longer has this snapshot. It may have been deleted.")
        ),
        OutcomeCode.NO_SUCH_CALL: Message(
            _("This cloud's interface has no calls for metadata. Nothing was changed."),
            fixer=Fixer.PORTAL_ADMIN,
        ),
        OutcomeCode.NOT_THERE: Message(
            _(
                "The snapshot was read %(looks)s times and does not have all of the metadata asked "
                "for: the cloud gave no clear answer, or somebody else changed it at the same "
                "time. Look at it, and ask again."
            )
        ),
        OutcomeCode.READY: Message(_("The snapshot has the metadata that was asked for.")),
        OutcomeCode.GONE: Message(
            _("The snapshot no longer exists in the cloud: it or its volume was deleted.")
        ),
        OutcomeCode.UNUSABLE: Message(_("The snapshot has the status “%(status)s”.")),
        OutcomeCode.QUOTA_USED_UP: Message(
            _("The cloud allows no more metadata on this snapshot. Nothing was changed."),
            fixer=Fixer.PERSON,
        ),
    },
)


class MetadataKind(Kind):
    code = OperationKind.METADATA
    purpose = Purpose.METADATA
    texts = TEXTS
    changes_snapshot = True
    looks_before_sending = True

    def check(self, client: EvsClient, operation: Operation) -> Decision | None:
        snapshot = client.show_snapshot(operation.target.id)
        if is_of_system(snapshot.name, snapshot.metadata):
            outcome = Outcome(code=OutcomeCode.OF_SYSTEM)
            return Decision(move=Move(to=OperationState.REFUSED, outcome=outcome))
        return None

    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot:
        """Changes go by key, so that keys of others, and the portal's own, are kept."""
        snapshot_id = operation.target.id
        if operation.metadata:
            client.set_metadata(snapshot_id, operation.metadata)
        for key in operation.removed_keys:
            with suppress(NotFound):  # it is gone already; the reading below tells of the snapshot
                client.delete_metadata_key(snapshot_id, key)
        return client.show_snapshot(snapshot_id)

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
            return Decision(move=Move(to=OperationState.FAILED, outcome=gone), is_gone=True)
        return _done(snapshot) if _is_as_asked(operation, snapshot) else Absent()

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        if reading.snapshot is None:
            return Decision(missed=row.missed + 1)
        return _done(reading.snapshot) if _is_as_asked(operation, reading.snapshot) else Decision()

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        return None

    def remarks(self, operation: Operation) -> list[str]:
        return []

    def arguments(self, operation: Operation) -> list[tuple[Text, str]]:
        return [
            (_("Snapshot"), operation.target.name or operation.target.id),
            *((_("Set %(key)s") % {"key": key}, text) for key, text in operation.metadata.items()),
            *((_("Remove"), key) for key in operation.removed_keys),
        ]


def _is_as_asked(operation: Operation, snapshot: CloudSnapshot) -> bool:
    is_set = operation.metadata.items() <= snapshot.metadata.items()
    return is_set and not set(operation.removed_keys) & snapshot.metadata.keys()


def _done(snapshot: CloudSnapshot) -> Decision:
    move = Move(to=OperationState.SUCCEEDED, outcome=Outcome(code=OutcomeCode.READY))
    return Decision(move=move, snapshot=snapshot)
