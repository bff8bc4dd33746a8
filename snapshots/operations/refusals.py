"""Why people are refused, as codes with words, and the record of each refusal."""

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import models
from django.utils.translation import gettext_lazy as _

from snapshots.audit.record import actions
from snapshots.models import ActionCode, Operation, OutcomeCode
from snapshots.rights.requests import has_share


class Refusal(models.TextChoices):
    """Why something was refused. The trail keeps the code."""

    VOLUME_NOT_USABLE = "volume_not_usable", _("You may not use this volume.")
    NOT_YOURS = "not_yours", _("The operation is somebody else's.")
    NOT_ADMINISTRATOR = "not_administrator", _("Only administrators end this request.")
    NOT_STUCK = "not_stuck", _("The portal is still working on it, or it has already ended.")
    HAS_ENDED = "has_ended", _("It had already ended.")
    ALREADY_SENT = "already_sent", _("It was already sent, or had already ended.")
    NOT_ENDED_WITHOUT_SNAPSHOT = (
        "not_ended_without_snapshot",
        _("Only an operation that ended without a snapshot is asked again."),
    )
    OF_SYSTEM = "of_system", _("This snapshot belongs to the cloud or its backup service.")
    SNAPSHOT_GONE = "snapshot_gone", _("The cloud holds this snapshot no more.")
    LAST_OF_VOLUME = (
        "last_of_volume",
        _("By now it is the only usable snapshot of its volume. Look again, and confirm it."),
    )
    NEEDS_RIGHT = "needs_right", _("Your role does not include this.")
    TOO_MANY_OPEN = (
        "too_many_open",
        _("You have as many unfinished requests as your role may. Wait until some have ended."),
    )
    TOO_MANY_A_DAY = (
        "too_many_a_day",
        _("You have asked for as much in 24 hours as your role may. Ask again later."),
    )
    FILL_IN_AGAIN = "fill_in_again", _("Please fill in a new form for this.")
    VOLUME_NOT_READY = "volume_not_ready", _("The volume cannot be snapshotted now.")
    VOLUME_IN_USE = "volume_in_use", _("The volume is in use now; please fill in a new form.")


_LABELS: Mapping[str, object] = dict(Refusal.choices) | {
    OutcomeCode.SHUT_OUT: _("The account was closed."),
    OutcomeCode.ROLE_LOST: _("No role allowed it any more."),
    OutcomeCode.GRANT_LOST: _("The volume was no longer granted."),
    OutcomeCode.RIGHT_LOST: _("The right to ask for this was gone."),
}


def reason_in(details: Mapping[str, str]) -> str:
    """Why something was refused or ended, from an action's details: a code's words, or a person's
    own.
    """
    reason = details.get("why", "")
    return str(_LABELS.get(reason, reason))


class NotAllowedError(Exception):
    """The person may not do this; nothing was done."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.label))
        self.refusal = refusal


def check_share(operation: Operation, person: User, code: ActionCode) -> None:
    """Raises `NotAllowedError` for anybody else's operation, and records it with this code."""
    if not has_share(person, operation):
        raise refused(code, operation, person, Refusal.NOT_YOURS)


def refused(
    code: ActionCode, operation: Operation, person: User, refusal: Refusal
) -> NotAllowedError:
    """Record the refusal. Returns the error to raise."""
    actions.record(
        code,
        actor=person,
        operation=operation,
        subject=str(operation.pk),
        details={"why": refusal.value},
    )
    return NotAllowedError(refusal)
