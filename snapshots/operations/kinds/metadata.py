"""Changing a snapshot's metadata: the smallest set of calls, all idempotent, settled by reading."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from django.utils.translation import gettext_lazy as _

from snapshots.evs.client import EvsClient
from snapshots.evs.errors import EvsError, NotFound
from snapshots.evs.limits import is_of_system
from snapshots.evs.types import CloudSnapshot
from snapshots.models import (
    ActionCode,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
)
from snapshots.operations.decisions import Decision
from snapshots.operations.kinds.settled_by_reading import SettledByReading
from snapshots.operations.texts import Argument, Fixer, KindTexts, Message
from snapshots.operations.transitions import Move, Outcome
from snapshots.rights.sending import RightLostError

log = logging.getLogger(__name__)

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


class MetadataKind(SettledByReading):
    code = OperationKind.METADATA
    purpose = Purpose.METADATA
    texts = TEXTS
    looks_before_sending = True

    def check(self, client: EvsClient, operation: Operation) -> Decision:
        snapshot = client.show_snapshot(operation.target.id)
        if is_of_system(snapshot.name, snapshot.metadata):
            outcome = Outcome(code=OutcomeCode.OF_SYSTEM)
        elif variants := _variants(operation, snapshot.metadata) - {*operation.removed_keys}:
            values = {"change": ", ".join(sorted(variants))}
            outcome = Outcome(code=OutcomeCode.KEY_IN_OTHER_CASE, values=values)
        else:
            return Decision()
        return Decision(move=Move(to=OperationState.REFUSED, outcome=outcome), snapshot=snapshot)

    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot | None:
        """Changes go by key, so that keys of others, and the portal's own, are kept.

        None: a part was done, and what followed failed. Then the error must not say that nothing
        was executed, so it ends here, and the snapshot is read.
        """
        is_changed = False
        try:
            for change in self._changes(client, operation):
                change()
                is_changed = True
            return client.show_snapshot(operation.target.id)
        except (EvsError, RightLostError) as error:
            if not is_changed:
                raise
            log.warning("Metadata of %s: changed in part. %s", operation.target.id, error)
            return None

    def _changes(self, client: EvsClient, operation: Operation) -> Iterator[Callable[[], object]]:
        """A Cinder on MariaDB takes upper and lower case of keys for the same: it would write the
        new value under the old key. So what differs from a new key only in case goes first.
        """
        snapshot_id = operation.target.id
        variants = _variants(operation, operation.removed_keys)
        for key in sorted(variants):
            yield partial(_remove, client, snapshot_id, key)
        if operation.metadata:
            yield partial(client.set_metadata, snapshot_id, operation.metadata)
        for key in operation.removed_keys:
            if key not in variants:
                yield partial(_remove, client, snapshot_id, key)

    def is_as_asked(self, operation: Operation, snapshot: CloudSnapshot) -> bool:
        is_set = operation.metadata.items() <= snapshot.metadata.items()
        return is_set and not set(operation.removed_keys) & snapshot.metadata.keys()

    def remarks(self, operation: Operation) -> list[str]:
        return []

    def arguments(self, operation: Operation) -> list[Argument]:
        return [
            Argument(_("Snapshot"), operation.target.name or operation.target.id),
            *(
                Argument(_("Set %(key)s") % {"key": key}, text, f"metadata:{key}")
                for key, text in operation.metadata.items()
            ),
            *(Argument(_("Remove"), key) for key in operation.removed_keys),
        ]


def _variants(operation: Operation, keys: Iterable[str]) -> set[str]:
    """Those of the keys that differ from one to be set in upper and lower case alone."""
    folded = {key.casefold() for key in operation.metadata}
    return {key for key in keys if key.casefold() in folded and key not in operation.metadata}


def _remove(client: EvsClient, snapshot_id: str, key: str) -> None:
    with suppress(NotFound):  # it is gone already; the reading that follows tells of the snapshot
        client.delete_metadata_key(snapshot_id, key)
