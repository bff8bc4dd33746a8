"""What people read about making a volume from a snapshot."""

from django.utils.translation import gettext_lazy as _

from snapshots.models import ActionCode, OperationState, OutcomeCode
from snapshots.operations.texts import Fixer, KindTexts, Message

_MAY_BE_DONE = _(
    "The cloud gave no clear answer, so the new volume may exist. The portal looks for it, usually "
    "for two to three minutes. Please do not ask again until this page shows the result."
)

TEXTS = KindTexts(
    title=_("Restore into a new volume"),
    button=_("Restore into a new volume"),
    nothing=_("No volume was made."),
    goal=_("Restored"),
    labels={
        OperationState.ACCEPTED: _("Restoring"),
        OperationState.SUCCEEDED: _("Restored"),
        OperationState.NOT_CREATED: _("Not restored"),
    },
    sentences={
        OperationState.QUEUED: _("Recorded and waiting for its turn. Nothing has been sent yet."),
        OperationState.SENDING: _("The request is on its way to the cloud."),
        OperationState.ACCEPTED: _("The cloud is making the new volume."),
        OperationState.UNKNOWN: _MAY_BE_DONE,
        OperationState.SUCCEEDED: _("The new volume is there and holds the snapshot's data."),
        OperationState.FAILED: _("The cloud began the new volume and could not finish it."),
        OperationState.REFUSED: _("The request was refused. No volume was made."),
        OperationState.NOT_CREATED: _("The portal looked for the new volume: none was made."),
        OperationState.CANCELLED: _("Cancelled before it was sent. No volume was made."),
    },
    steps={
        OperationState.UNKNOWN: _("Looking for the new volume"),
        OperationState.ACCEPTED: _("The cloud is making it"),
        OperationState.SUCCEEDED: _("Restored"),
        OperationState.NOT_CREATED: _("Not restored"),
    },
    actions={
        ActionCode.OPERATION_ASKED: _("asked for a volume made from a snapshot"),
        ActionCode.OPERATION_REFUSED: _("was not allowed to make a volume from a snapshot"),
        ActionCode.OPERATION_AGAIN: _("asked again for a volume made from a snapshot"),
    },
    messages={
        OutcomeCode.INTERRUPTED: Message(
            _(
                "The portal was interrupted while it asked, so the new volume may exist. The "
                "portal looks for it. Please do not ask again until this page shows the result."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.NO_CLEAR_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.OTHER_ANSWER: Message(
            _(
                "The cloud's answer was about another volume than was asked for. The portal looks "
                "for the new volume; please do not ask again."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.VOLUME_GONE: Message(
            _("The cloud no longer has this snapshot, or not this volume type. %(nothing)s")
        ),
        OutcomeCode.VOLUME_STATE: Message(
            _("The cloud does not make a volume from this snapshot now. %(nothing)s")
        ),
        OutcomeCode.QUOTA_USED_UP: Message(
            _(
                "The quota of the cloud project is used up: for volumes, or for gigabytes. Old "
                "volumes or snapshots must be deleted or the quota raised; then ask again."
            ),
            fixer=Fixer.CLOUD_ADMIN,
        ),
        OutcomeCode.UNREADABLE: Message(
            _(
                "A volume in the cloud cannot be read, and it may be the one asked for: %(names)s. "
                "Please tell the portal's administrators; do not ask again."
            )
        ),
        OutcomeCode.UNCLEAR: Message(
            _(
                "A volume in the cloud may be the one asked for, but it is not certain: %(names)s. "
                "Please tell the portal's administrators; do not ask again."
            )
        ),
        OutcomeCode.SEVERAL: Message(
            _(
                "More than one volume in the cloud may be the one asked for: %(names)s. "
                "Please tell the portal's administrators; do not ask again."
            )
        ),
        OutcomeCode.NOT_THERE: Message(
            _(
                "The cloud gave no clear answer, and the new volume is not there: the portal "
                "looked for it %(looks)s times. No volume was made. You may ask again."
            )
        ),
        OutcomeCode.READY: Message(
            _(
                "The new volume is available and holds the snapshot's data. It is not attached to "
                "any server yet."
            )
        ),
        OutcomeCode.UNUSABLE: Message(
            _(
                "The cloud could not make the new volume (status “%(status)s”). What it left "
                "behind, volume %(volume)s, holds no usable data and counts against the quota: "
                "delete it in the cloud, then ask again. The snapshot is unharmed."
            )
        ),
        OutcomeCode.GONE: Message(
            _(
                "The new volume was begun but is gone from the cloud: it was deleted there. Ask "
                "again if it is still needed. The snapshot is unharmed."
            )
        ),
        OutcomeCode.ENDED: Message(
            _(
                "Ended by %(person)s: %(why)s A new volume may be in the cloud: "
                "look there before you ask again."
            )
        ),
    },
)
