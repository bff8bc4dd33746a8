"""The words of creating a snapshot."""

from django.utils.translation import gettext_lazy as _

from snapshots.models import OperationState, OutcomeCode
from snapshots.operations.texts import Fixer, KindTexts, Message

TEXTS = KindTexts(
    title=_("Create a snapshot"),
    button=_("Take the snapshot"),
    nothing=_("Nothing was made."),
    goal=_("Available"),
    labels={
        OperationState.ACCEPTED: _("Creating"),
        OperationState.SUCCEEDED: _("Available"),
        OperationState.NOT_CREATED: _("Not created"),
    },
    sentences={
        OperationState.QUEUED: _("Recorded and waiting for its turn. Nothing has been sent yet."),
        OperationState.SENDING: _("The request is on its way to the cloud."),
        OperationState.ACCEPTED: _("The cloud accepted it and is making the snapshot."),
        OperationState.UNKNOWN: _(
            "The cloud gave no clear answer, so a snapshot may exist. The portal looks for it, "
            "usually for two to three minutes. Please do not ask again until this page says what "
            "became of it."
        ),
        OperationState.SUCCEEDED: _("The snapshot is there and can be used."),
        OperationState.FAILED: _("The cloud started the snapshot, but it failed."),
        OperationState.REFUSED: _("The cloud refused. No snapshot was made."),
        OperationState.NOT_CREATED: _("We looked for it in the cloud: no snapshot was made."),
        OperationState.CANCELLED: _("Cancelled before it was sent. No snapshot was made."),
    },
    steps={
        OperationState.UNKNOWN: _("Looking for it in the cloud"),
        OperationState.ACCEPTED: _("The cloud is making it"),
        OperationState.SUCCEEDED: _("Available"),
        OperationState.NOT_CREATED: _("Not created"),
    },
    messages={
        OutcomeCode.INTERRUPTED: Message(
            _(
                "The portal was interrupted while asking, so a snapshot may exist. It looks for "
                "it, usually for two to three minutes. Please do not ask again until this page "
                "says what it found."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.NO_CLEAR_ANSWER: Message(
            _(
                "The cloud gave no clear answer, so a snapshot may exist. The portal looks for it, "
                "usually for two to three minutes. Please do not ask again until this page says "
                "what it found."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.OTHER_ANSWER: Message(
            _(
                "The cloud's answer was about something else than what was asked. The portal is "
                "checking what was made; please do not ask again."
            ),
            fixer=Fixer.NOBODY,
        ),
        OutcomeCode.NOT_THERE: Message(
            _(
                "The cloud gave no trustworthy answer, and the snapshot is not there: it was "
                "looked for %(looks)s times. Nothing was made. You may ask again."
            )
        ),
        OutcomeCode.READY: Message(_("The snapshot is ready to use.")),
        OutcomeCode.UNUSABLE: Message(
            _(
                "The cloud could not make the snapshot (status “%(status)s”). What it left behind "
                "cannot be used and may still count against the quota. Ask again, or ask the "
                "helpdesk."
            )
        ),
        OutcomeCode.GONE: Message(
            _(
                "The snapshot was started but is no longer in the cloud: it or its volume was "
                "deleted there. Ask again if it is still needed."
            )
        ),
    },
)
