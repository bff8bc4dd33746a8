"""What people read about rolling a volume back."""

from django.utils.translation import gettext_lazy as _

from snapshots.models import ActionCode, OperationState, OutcomeCode
from snapshots.operations.texts import Fixer, KindTexts, Message

_MAY_BE_DONE = _(
    "The cloud gave no clear answer, so the volume may be rolled back already, or the cloud may be "
    "doing it now. The portal looks at the volume, usually for two to three minutes. Do not use "
    "the volume and do not ask again until this page shows the result."
)

TEXTS = KindTexts(
    title=_("Roll back a volume"),
    button=_("Roll the volume back"),
    nothing=_("Nothing was rolled back: the volume holds the same data as before."),
    goal=_("Rolled back"),
    labels={
        OperationState.ACCEPTED: _("Rolling back"),
        OperationState.SUCCEEDED: _("Rolled back"),
        OperationState.NOT_CREATED: _("Not rolled back"),
    },
    sentences={
        OperationState.QUEUED: _(
            "Recorded and waiting for its turn. Nothing has been sent yet, and the volume is as it "
            "was."
        ),
        OperationState.SENDING: _("The request is on its way to the cloud."),
        OperationState.ACCEPTED: _(
            "The cloud is rolling the volume back. Do not attach the volume before it is done."
        ),
        OperationState.UNKNOWN: _MAY_BE_DONE,
        OperationState.SUCCEEDED: _("The volume holds the data of the snapshot."),
        OperationState.FAILED: _("The volume could not be rolled back."),
        OperationState.REFUSED: _(
            "The request was refused. Nothing was rolled back: the volume holds the same data as "
            "before."
        ),
        OperationState.NOT_CREATED: _("Nothing was rolled back."),
        OperationState.CANCELLED: _("Cancelled before it was sent. Nothing was rolled back."),
    },
    steps={
        OperationState.UNKNOWN: _("Looking at the volume"),
        OperationState.ACCEPTED: _("The cloud is rolling it back"),
        OperationState.SUCCEEDED: _("Rolled back"),
        OperationState.NOT_CREATED: _("Not rolled back"),
    },
    actions={
        ActionCode.OPERATION_ASKED: _("asked to roll a volume back"),
        ActionCode.OPERATION_REFUSED: _("was not allowed to roll a volume back"),
        ActionCode.OPERATION_AGAIN: _("asked again to roll a volume back"),
    },
    messages={
        OutcomeCode.INTERRUPTED: Message(
            _(
                "The portal was interrupted while it asked, so the volume may be rolled back "
                "already. The portal looks at the volume. Do not use the volume and do not ask "
                "again until this page shows the result."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.NO_CLEAR_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.OTHER_ANSWER: Message(_MAY_BE_DONE, fixer=Fixer.NOBODY),
        OutcomeCode.CONFLICT: Message(
            _("Something else is happening to the volume."),
            _("%(nothing)s The portal looks again, and asks again if the volume is free."),
            Fixer.NOBODY,
        ),
        OutcomeCode.VOLUME_GONE: Message(
            _("The cloud no longer has this snapshot or its volume. %(nothing)s")
        ),
        OutcomeCode.ALREADY_GONE: Message(
            _("The snapshot was deleted before the request was sent. %(nothing)s")
        ),
        OutcomeCode.VOLUME_STATE: Message(
            _(
                "The volume's state does not allow it: the volume must be available. %(nothing)s "
                "If a server uses it, stop the server and detach the volume, then ask again."
            )
        ),
        OutcomeCode.NOT_PREPARED: Message(
            _(
                "The fresh snapshot of the volume could not be taken, so the request was not sent. "
                "%(nothing)s See what became of the fresh snapshot, then ask again."
            )
        ),
        OutcomeCode.EXPIRED: Message(
            _(
                "The request waited too long before it could be sent, so what was confirmed then "
                "may not be meant any more. %(nothing)s Look at the volume, and ask again if you "
                "still want this."
            )
        ),
        OutcomeCode.FRESH_GONE: Message(
            _(
                "The fresh snapshot, which was to keep what the volume holds, is not available in "
                "the cloud any more. %(nothing)s Ask again with a new fresh snapshot."
            )
        ),
        OutcomeCode.ROLLED_BACK_NOW: Message(
            _(
                "The volume is “%(status)s”: the cloud is rolling it back for somebody else, or "
                "stopped while it did. This request was not sent. Look at the volume when it is "
                "available. If it stays so, the people who run the cloud account must repair its "
                "status."
            ),
            fixer=Fixer.CLOUD_ADMIN,
        ),
        OutcomeCode.LEFT_REVERTING: Message(
            _(
                "The cloud refused to roll the volume back, and has left it “%(status)s” without "
                "working on it. %(nothing)s It cannot be used so: the people who run the cloud "
                "account must set its status back."
            ),
            _("The portal looks again first."),
            Fixer.CLOUD_ADMIN,
        ),
        OutcomeCode.SNAPSHOT_NOT_READY: Message(
            _(
                "The snapshot is “%(status)s”; only an available snapshot can be put back. "
                "%(nothing)s Wait until it is available, then ask again."
            )
        ),
        OutcomeCode.VOLUME_NOT_READY: Message(
            _(
                "The volume is “%(status)s”; it must be available. %(nothing)s If a server uses "
                "it, stop the server and detach the volume, then ask again."
            )
        ),
        OutcomeCode.NOT_NEWEST: Message(
            _(
                "This cloud rolls back only to the newest snapshot of a volume, and this is not "
                "the newest. %(nothing)s Restore the snapshot into a new volume instead."
            )
        ),
        OutcomeCode.VOLUME_GREW: Message(
            _(
                "The volume does not have the size of the snapshot any more, and this cloud cannot "
                "roll it back then. %(nothing)s Restore the snapshot into a new volume instead."
            )
        ),
        OutcomeCode.CHANGED_SINCE: Message(
            _(
                "The snapshot or its volume has changed since the request was made (now: "
                "%(change)s). %(nothing)s Look at both again, and ask again if you still want this."
            )
        ),
        OutcomeCode.ROLLBACK_FAILED: Message(
            _(
                "The cloud began to roll the volume back and failed (status “%(status)s”). The "
                "data on the volume is not usable now; the snapshot still is. Roll the volume "
                "back again, or restore the snapshot into a new volume."
            )
        ),
        OutcomeCode.REVERT_FAILED: Message(
            _(
                "The cloud began to roll the volume back and failed (status “%(status)s”). The "
                "data on the volume must not be used. Restore the snapshot into a new volume. If "
                "the cloud has a snapshot “%(copy)s”, it holds what was on the volume before: do "
                "not delete it. The people who run the cloud account can restore it, and repair "
                "the volume's status."
            ),
            fixer=Fixer.CLOUD_ADMIN,
        ),
        OutcomeCode.CANNOT_TELL: Message(
            _(
                "The cloud gave no clear answer. The portal looked %(looks)s times: the volume is "
                "“%(status)s”, and nothing tells whether this request rolled it back. If the "
                "volume is in error, do not use it and do not ask again before the people who run "
                "the cloud account have looked at it. Otherwise look at the data on the volume. "
                "Only if it is still the old data, ask again."
            )
        ),
        OutcomeCode.NOT_SEEN: Message(
            _(
                "The cloud accepted the request, but was never seen to work on it: the volume is "
                "“%(status)s”, as before. The portal cannot tell whether the volume was rolled "
                "back. If it is in error, do not use it and do not ask again before the people "
                "who run the cloud account have looked at it. Otherwise look at the data on the "
                "volume. Only if it is still the old data, ask again."
            )
        ),
        OutcomeCode.NOT_THERE: Message(
            _(
                "The cloud gave no clear answer; the portal looked %(looks)s times. Look at the "
                "data on the volume before you ask again."
            )
        ),
        OutcomeCode.READY: Message(
            _(
                "The cloud has rolled the volume back: it holds the data of the snapshot. You can "
                "attach it again."
            )
        ),
        OutcomeCode.GONE: Message(
            _(
                "The snapshot or its volume was deleted in the cloud before the rollback was seen "
                "to end. If the volume is still there, look at its data before you use it."
            )
        ),
        OutcomeCode.UNUSABLE: Message(
            _("The volume could not be rolled back (status “%(status)s”).")
        ),
        OutcomeCode.ENDED: Message(
            _(
                "Ended by %(person)s: %(why)s The volume may have been rolled "
                "back: look at its data before you ask again."
            )
        ),
    },
)
