"""The auditors' questions: what each means, and which rows it finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Model, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from snapshots.models import (
    LONG_UNKNOWN,
    Maker,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Snapshot,
)


class Question(TextChoices):
    """What auditors ask again and again about operations and snapshots."""

    FORCED = "forced", _("Forced while in use, without a ticket")
    OWN_VOLUME = "own-volume", _("Helpdesk for a volume of their own")
    REFUSED = "refused", _("Refused by the cloud")
    LONG_UNKNOWN = "long-unknown", _("Unknown for more than ten minutes")
    OUT_OF_HOURS = "out-of-hours", _("Asked outside working hours")
    YOUNG_DELETED = "deleted-young", _("Deleted within a day of being made")
    ROLLED_BACK = "rolled-back", _("Rolled back")
    OTHERS_DELETED = "deleted-others", _("Deleted by somebody else than its requester")
    UNASKED = "unasked", _("Snapshots nobody asked for in the portal")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question finds: the table, the column of the day that a row counts on, and a name."""

    model: type[Model]
    moment: str
    noun: str

    @property
    def order(self) -> tuple[str, str]:
        """Newest first."""
        return f"-{self.moment}", "-id"


REQUESTS = Subject(Operation, "asked_at", "request")
SNAPSHOTS = Subject(Snapshot, "listed_at", "snapshot")
_SUBJECTS: Mapping[Question, Subject] = {Question.UNASKED: SNAPSHOTS}


def subject_of(question: Question) -> Subject:
    return _SUBJECTS.get(question, REQUESTS)


_MEANINGS = {
    Question.FORCED: _(
        "Somebody asked with force and gave no ticket. The volume was in use or being attached, as "
        "the portal last read it when they asked; where nothing was read, it counts too."
    ),
    Question.OWN_VOLUME: _(
        "Somebody of the helpdesk asked for a volume that was granted to themselves when they "
        "asked, or asked on behalf of nobody else: without a name, or with their own."
    ),
    Question.REFUSED: _(
        "The cloud said no, and nothing was made. What the portal refused by itself was never "
        "asked of the cloud and is not here."
    ),
    Question.LONG_UNKNOWN: _(
        "The cloud gave no clear answer, and for more than ten minutes after sending nobody could "
        "tell whether there was a snapshot; or nobody can tell yet."
    ),
    Question.OUT_OF_HOURS: _(
        "Somebody asked outside {hours}. A request counts by the hours that were set when it was "
        "asked for. Public holidays are not known to the portal."
    ),
    Question.YOUNG_DELETED: _(
        "Somebody asked to delete a snapshot less than a day after it was made, by the cloud's "
        "clock, and it was deleted. What was deleted in the cloud by other means is not here."
    ),
    Question.ROLLED_BACK: _(
        "Somebody asked to roll a volume back, and the cloud did so, began to, or may have begun: "
        "what the volume held before may be lost. What was refused, cancelled or never begun is "
        "not here."
    ),
    Question.OTHERS_DELETED: _(
        "Somebody deleted a snapshot that neither they had asked for in the portal nor anybody on "
        "their behalf. A snapshot that no request made has no requester and is not here."
    ),
    Question.UNASKED: _(
        "The cloud shows, or showed, a snapshot that no request of this portal made, and it is not "
        "the backup service's: somebody made it in the console or with another tool. Each counts "
        "on the day it was made, by the cloud's clock."
    ),
}


def meaning_of(question: Question) -> str:
    """What a question counts, in a sentence for its page."""
    return str(_MEANINGS[question]).format(hours=settings.EVSPORTAL_WORKING_HOURS)


# Not by equality: SQLite would rather enter the index of a state that is named.
_SUCCEEDED = ~Q(state__lt=OperationState.SUCCEEDED) & ~Q(state__gt=OperationState.SUCCEEDED)
_DELETED = _SUCCEEDED & ~Q(outcome_code=OutcomeCode.ALREADY_GONE)
_NEVER_BEGAN = frozenset(
    {
        OperationState.QUEUED,
        OperationState.SENDING,
        OperationState.REFUSED,
        OperationState.NOT_CREATED,
        OperationState.CANCELLED,
    }
)
_MAY_HAVE_BEGUN = ~Q(state__in=sorted(_NEVER_BEGAN)) & ~Q(outcome_code=OutcomeCode.GIVEN_UP)
_CONDITIONS = {
    Question.FORCED: Q(forced_in_use=True),
    Question.OWN_VOLUME: Q(for_own_volume=True),
    Question.REFUSED: Q(state=OperationState.REFUSED),
    Question.OUT_OF_HOURS: Q(out_of_hours=True),
    Question.YOUNG_DELETED: Q(deletes_young=True) & _DELETED,
    Question.ROLLED_BACK: Q(kind=OperationKind.ROLLBACK) & _MAY_HAVE_BEGUN,
    Question.OTHERS_DELETED: Q(deletes_others=True) & _DELETED,
    Question.UNASKED: Q(maker=Maker.OTHER),
}


def condition_of(question: Question, *, now: datetime) -> Q:
    """What a row must be to answer the question: an index has exactly these rows, in order."""
    return _is_long_unknown(now) if question is Question.LONG_UNKNOWN else _CONDITIONS[question]


def _is_long_unknown(now: datetime) -> Q:
    """As `Operation.is_long_unknown` says. The first part is the index's own condition."""
    was_long = Q(long_unknown=True)
    sent_long_ago = Q(sent_at__lt=now - LONG_UNKNOWN)
    waited_long = Q(sent_at__isnull=False, waited_seconds__gt=LONG_UNKNOWN.total_seconds())
    is_long = was_long | sent_long_ago | waited_long
    return (was_long | Q(state=OperationState.UNKNOWN)) & is_long
