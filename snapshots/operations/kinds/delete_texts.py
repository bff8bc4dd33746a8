"""What people read about deleting a snapshot."""

from django.utils.translation import gettext_lazy as _

from snapshots.models import ActionCode, OperationState, OutcomeCode
from snapshots.operations.texts import Fixer, KindTexts, Message

_MAY_BE_DONE = _(
    "The cloud gave no clear answer, so the snapshot may be deleted already. The portal looks for "
    "it, usually for two to three minutes. Please do not ask again until this page shows the "
    "result."
)

TEXTS = KindTexts(
    title=_("Delete a snapshot"),
    button=_("Delete the snapshot"),
    nothing=_("Nothing was deleted."),
    goal=_("Deleted"),
    labels={
        OperationState.ACCEPTED: _("Deleting"),
        OperationState.SUCCEEDED: _("Deleted"),
        OperationState.NOT_CREATED: _("Not deleted"),
    },
    sentences={
        OperationState.QUEUED: _("Recorded and waiting for its turn. Nothing has been sent yet."),
        OperationState.SENDING: _("The request is on its way to the cloud."),
        OperationState.ACCEPTED: _("The cloud accepted the request and is deleting the snapshot."),
        OperationState.UNKNOWN: _MAY_BE_DONE,
        OperationState.SUCCEEDED: _("The cloud has deleted the snapshot."),
        OperationState.FAILED: _("The snapshot could not be deleted."),
        OperationState.REFUSED: _("The request was refused. Nothing was deleted."),
        OperationState.NOT_CREATED: _("The snapshot is still there: nothing was deleted."),
        OperationState.CANCELLED: _("Cancelled before it was sent. Nothing was deleted."),
    },
    steps={
        OperationState.UNKNOWN: _("Looking for the snapshot"),
        OperationState.ACCEPTED: _("The cloud is deleting it"),
        OperationState.SUCCEEDED: _("Deleted"),
        OperationState.NOT_CREATED: _("Not deleted"),
    },
    actions={
        ActionCode.OPERATION_ASKED: _("asked to delete a snapshot"),
        ActionCode.OPERATION_REFUSED: _("was not allowed to delete a snapshot"),
        ActionCode.OPERATION_AGAIN: _("asked again to delete a snapshot"),
    },
    messages={
        OutcomeCode.INTERRUPTED: Message(
            _(
                "The portal was interrupted while it asked, so the snapshot may be deleted "
                "already. The portal looks for it. Please do not ask again until this page shows "
                "the result."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.NO_CLEAR_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.OTHER_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.VOLUME_GONE: Message(
            _("The cloud no longer has this snapshot. It was deleted before.")
        ),
        OutcomeCode.NOT_THERE: Message(
            _(
                "The cloud gave no clear answer, and the snapshot is still there: the portal read "
                "it %(looks)s times. Nothing was deleted. You may ask again."
            )
        ),
        OutcomeCode.NOT_DELETED: Message(
            _(
                "The cloud tried to delete the snapshot and failed (status “%(status)s”). It may "
                "not be usable any more, and it still counts against the quota. The people who run "
                "the cloud account must help."
            ),
            fixer=Fixer.CLOUD_ADMIN,
        ),
        OutcomeCode.STILL_THERE: Message(
            _(
                "The cloud accepted the request but kept the snapshot, as it does while something "
                "still depends on it, such as a volume made from it. Nothing was deleted. Remove "
                "what depends on it, then ask again."
            )
        ),
        OutcomeCode.SNAPSHOT_STATE: Message(
            _(
                "The snapshot's status “%(status)s” does not allow it to be deleted: only an "
                "available snapshot, or one in error, can be. Nothing was deleted."
            )
        ),
        OutcomeCode.READY: Message(_("The cloud has deleted the snapshot.")),
        OutcomeCode.GONE: Message(_("The cloud has deleted the snapshot.")),
        OutcomeCode.UNUSABLE: Message(_("The snapshot has the status “%(status)s”.")),
    },
)
