"""The auditors' questions: what each means, and which requests it finds."""

from datetime import datetime
from typing import assert_never

from django.conf import settings
from django.db.models import Q, TextChoices

from snapshots.models import LONG_UNKNOWN, OperationState


class Question(TextChoices):
    """What auditors ask again and again about operations."""

    FORCED = "forced", "Forced while in use, without a ticket"
    OWN_VOLUME = "own-volume", "Helpdesk for a volume of their own"
    REFUSED = "refused", "Refused by the cloud"
    LONG_UNKNOWN = "long-unknown", "Unknown for more than ten minutes"
    OUT_OF_HOURS = "out-of-hours", "Asked outside working hours"


_MEANINGS = {
    Question.FORCED: (
        "Somebody asked with force and gave no ticket. The volume was in use or being attached, as "
        "the portal last read it when they asked; where nothing was read, it counts too."
    ),
    Question.OWN_VOLUME: (
        "Somebody of the helpdesk asked for a volume that was granted to themselves when they "
        "asked, or asked on behalf of nobody else: without a name, or with their own."
    ),
    Question.REFUSED: (
        "The cloud said no, and nothing was made. What the portal refused by itself was never "
        "asked of the cloud and is not here."
    ),
    Question.LONG_UNKNOWN: (
        "The cloud gave no clear answer, and for more than ten minutes after sending nobody could "
        "tell whether there was a snapshot; or nobody can tell yet."
    ),
    Question.OUT_OF_HOURS: (
        "Somebody asked outside {hours}. A request counts by the hours that were set when it was "
        "asked for. Public holidays are not known to the portal."
    ),
}


def meaning_of(question: Question) -> str:
    """What a question counts, in a sentence for its page."""
    return _MEANINGS[question].format(hours=settings.EVSPORTAL_WORKING_HOURS)


def condition_of(question: Question, *, now: datetime) -> Q:
    """What a request must be to answer the question: an index has exactly these rows, in order."""
    match question:
        case Question.FORCED:
            return Q(forced_in_use=True)
        case Question.OWN_VOLUME:
            return Q(for_own_volume=True)
        case Question.REFUSED:
            return Q(state=OperationState.REFUSED)
        case Question.LONG_UNKNOWN:
            return _is_long_unknown(now)
        case Question.OUT_OF_HOURS:
            return Q(out_of_hours=True)
        case _:
            assert_never(question)


def _is_long_unknown(now: datetime) -> Q:
    """As `Operation.is_long_unknown` says. The first part is the index's own condition."""
    was_long = Q(long_unknown=True)
    sent_long_ago = Q(sent_at__lt=now - LONG_UNKNOWN)
    waited_long = Q(sent_at__isnull=False, waited_seconds__gt=LONG_UNKNOWN.total_seconds())
    is_long = was_long | sent_long_ago | waited_long
    return (was_long | Q(state=OperationState.UNKNOWN)) & is_long
