"""Puts the auditors' questions to each operation, once in each state it comes to.

An operation's own row says in which state it was last judged (`Operation.judged`), and is written
with the hits and their day's tally in one transaction. So no clock and no message decides what is
looked at: a crash, a late commit or a clock set back loses nothing and counts nothing twice.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from snapshots.audit.actions import COMMAND_LINE
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.jobs.claims import write
from snapshots.jobs.duties import HOUSE, QUESTIONS, end_duty, take_over
from snapshots.models import (
    FORCE_STATUSES,
    UNDECIDED,
    Action,
    ActionCode,
    Duty,
    Exchange,
    Hit,
    Operation,
    OperationState,
    Purpose,
    Question,
    Role,
    Tally,
    status_word,
)
from snapshots.models.folding import fold
from snapshots.operations.asking import OWN_VOLUME, VOLUME_STATUS
from snapshots.questions.hours import WorkingHours, read_hours

LOOK_EVERY = timedelta(seconds=5)
BATCH = 100  # operations in one transaction
MOST_BATCHES = 20  # in one turn, so that a worker that is told to stop can
LONG_UNKNOWN = timedelta(minutes=10)
ASKS = (ActionCode.OPERATION_ASKED, ActionCode.OPERATION_AGAIN)


def means(question: Question) -> str:
    """What a question counts, in words for its page."""
    return _MEANS[question].format(hours=settings.EVSPORTAL_WORKING_HOURS)


_MEANS = {
    Question.FORCED: (
        "Somebody asked with force and gave no ticket. The volume was in use or being attached, as "
        "the portal last knew it when they asked; where that was not written down, it counts too."
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
        "Somebody asked outside {hours}. Public holidays are not known to the portal."
    ),
}


def judge_operations(duty: Duty) -> None:
    """The worker's duty: judge what changed. Raises `LostClaimError` when the claim is lost."""
    more = _turn(duty)
    now = timezone.now()
    end_duty(duty, due_at=now if more else now + LOOK_EVERY)


def rebuild() -> dict[str, int]:
    """Judge every operation anew by the rules of now; how many hits each question has then.

    Of operations that an archive took the asking of, hits stay: nothing is left to judge them by.
    A worker that is at it is sent away, and comes back when this is done or dead. Raises
    `LostClaimError` when one came back too early: what was done till then is right.
    """
    hours = read_hours(settings.EVSPORTAL_WORKING_HOURS)
    duty = take_over(QUESTIONS, HOUSE, owner=COMMAND_LINE, lease=_lease())
    _count_anew(duty)
    for operations in _all_in_batches():
        _judge(duty, operations, hours, note=_note_anew)
    now = timezone.now()
    end_duty(duty, due_at=now)
    told = dict(Hit.objects.values_list("question").annotate(hits=Count("pk")))
    return {question.label: told.get(question, 0) for question in Question}


def _count_anew(duty: Duty) -> None:
    """The tallies say what the hits say, whatever they said before."""

    def count() -> None:
        _fence(duty)
        Tally.objects.all().delete()
        days = Hit.objects.values_list("question", TruncDate("at", tzinfo=UTC))
        Tally.objects.bulk_create(
            Tally(question=question, day=day, hits=hits)
            for question, day, hits in days.annotate(hits=Count("pk"))
        )

    in_transaction(count)


def _all_in_batches() -> Iterator[list[Operation]]:
    """The oldest first. One that comes behind the last batch meanwhile is left to the worker."""
    operations = Operation.objects.order_by("asked_at", "id")
    batch = list(operations[:BATCH])
    while batch:
        yield batch
        at, key = batch[-1].asked_at, batch[-1].pk
        later = Q(asked_at__gte=at) & (Q(asked_at__gt=at) | Q(id__gt=key))
        batch = list(operations.filter(later)[:BATCH])


# --- which operations ------------------------------------------------------------------------


def _turn(duty: Duty) -> bool:
    """Judge what waits; whether there is more of it."""
    hours = read_hours(settings.EVSPORTAL_WORKING_HOURS)
    for _ in range(MOST_BATCHES):
        operations = list(Operation.objects.to_be_judged().order_by("asked_at", "id")[:BATCH])
        if not operations:
            break
        _judge(duty, operations, hours)
    else:
        return True
    for operation in _long_undecided():
        _judge(duty, [operation], hours)
    return False


def _long_undecided() -> QuerySet[Operation]:
    """Those unknown for so long that it may be too long. One sent after now was sent before the
    clock was set back: `_unknown_for` knows how long ago.
    """
    now = timezone.now()
    long_ago = Q(sent_at__lt=now - LONG_UNKNOWN) | Q(sent_at__gt=now)
    return Operation.objects.undecided().filter(long_ago)


# --- what is found ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asking:
    """What the trail tells of the click, as it was then; nothing where it has no action of it."""

    volume_status: str = ""
    roles: frozenset[str] = frozenset()
    is_own_volume: bool = False


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What the questions find among some operations."""

    operations: Sequence[Operation]
    hits: Sequence[Hit]
    of_known_asking: Collection[uuid.UUID]
    long_unknown: Collection[uuid.UUID]


def _judge(
    duty: Duty,
    operations: Sequence[Operation],
    hours: WorkingHours,
    *,
    note: Callable[[_Judgement], None] | None = None,
) -> None:
    """Reads first, then writes all of it or nothing."""
    judgement = _judgement_of(operations, hours)

    def store() -> None:
        _fence(duty)
        (note or _note)(judgement)
        _mark(judgement)

    in_transaction(store)


def _judgement_of(operations: Sequence[Operation], hours: WorkingHours) -> _Judgement:
    askings, looks = _askings(operations), _looks(operations)
    hits: list[Hit] = []
    long_unknown: set[uuid.UUID] = set()
    for operation in operations:
        found = set(_of_asking(operation, askings.get(operation.pk, _Asking()), hours))
        if operation.status is OperationState.REFUSED:
            found.add(Question.REFUSED)
        if _unknown_for(operation, looks[operation.pk]) > LONG_UNKNOWN:
            found.add(Question.LONG_UNKNOWN)
            long_unknown.add(operation.pk)
        hits += [Hit(question=one, operation=operation, at=operation.asked_at) for one in found]
    return _Judgement(operations, hits, set(askings), long_unknown)


def _askings(operations: Sequence[Operation]) -> dict[uuid.UUID, _Asking]:
    actions = Action.objects.filter(operation__in=operations, code__in=ASKS)
    told = actions.values_list("operation_id", "details", "actor_roles")
    return {
        operation_id: _Asking(
            volume_status=details.get(VOLUME_STATUS, ""),
            roles=frozenset(roles.split(", ")),
            is_own_volume=bool(details.get(OWN_VOLUME)),
        )
        for operation_id, details, roles in told
        if operation_id is not None
    }


def _of_asking(operation: Operation, asking: _Asking, hours: WorkingHours) -> Iterator[Question]:
    """What is settled by the click itself, whatever came of it."""
    was_in_use = not asking.volume_status or status_word(asking.volume_status) in FORCE_STATUSES
    if operation.force and not operation.ticket.strip() and was_in_use:
        yield Question.FORCED
    # Only the helpdesk has a field for whom it is.
    by_helpdesk = Role.HELPDESK in asking.roles or bool(operation.on_behalf_of)
    if by_helpdesk and (asking.is_own_volume or _is_for_nobody_else(operation)):
        yield Question.OWN_VOLUME
    if not hours.has(operation.asked_at):
        yield Question.OUT_OF_HOURS


def _is_for_nobody_else(operation: Operation) -> bool:
    """What is asked again is for whom it was for before."""
    first: Operation | None = operation
    while first is not None:
        name = first.on_behalf_of.strip() or first.requester_name
        if fold(name) != fold(operation.requester_name):
            return False
        first = None if first.on_behalf_of else first.again_for
    return True


def _looks(operations: Sequence[Operation]) -> dict[uuid.UUID, list[datetime]]:
    """When each was looked for in the cloud, in the order in which that was written down, whatever
    the clock said; of the last look also when it was answered.
    """
    looks: dict[uuid.UUID, list[datetime]] = defaultdict(list)
    asked = Exchange.objects.filter(operation__in=operations, purpose=Purpose.SETTLE)
    for operation_id, at, answered_at in asked.order_by("seq").values_list(
        "operation_id", "at", "answer__at"
    ):
        if operation_id is not None:
            looks[operation_id] += [at, answered_at or at]
    return looks


def _unknown_for(operation: Operation, looks: Iterable[datetime]) -> timedelta:
    """How long nobody could tell what came of it: from sending to the look that told. The steps
    between are added up, so that a clock set back takes away a step and not all.
    """
    moments = list(looks)
    if operation.status is OperationState.UNKNOWN:
        moments.append(timezone.now())
    elif operation.status is OperationState.NOT_CREATED and operation.finished_at:
        moments.append(operation.finished_at)
    if operation.sent_at is None or not moments:
        return timedelta(0)
    steps = zip([operation.sent_at, *moments], moments, strict=False)
    return sum((max(later - one, timedelta(0)) for one, later in steps), timedelta(0))


# --- what is written -------------------------------------------------------------------------


def _lease() -> timedelta:
    return timedelta(seconds=settings.EVSPORTAL_LEASE_SECONDS)


def _fence(duty: Duty) -> None:
    """Locks the duty's row: one writes at a time, and only who still has the claim."""
    write(duty, {"due_at": timezone.now() + _lease()})


def _note(judgement: _Judgement) -> None:
    """Each hit once, and with it one more in the tally of its day."""
    kept = Hit.objects.filter(operation__in=judgement.operations)
    known = set(kept.values_list("question", "operation_id"))
    fresh = [one for one in judgement.hits if (one.question, one.operation_id) not in known]
    Hit.objects.bulk_create(fresh)
    _count(fresh, by=1)


def _note_anew(judgement: _Judgement) -> None:
    """Also takes away what is not found any more."""
    found = {(one.question, one.operation_id) for one in judgement.hits}
    kept = Hit.objects.filter(operation__in=judgement.of_known_asking)
    stale = [one for one in kept if (one.question, one.operation_id) not in found]
    Hit.objects.filter(pk__in=[one.pk for one in stale]).delete()
    _count(stale, by=-1)
    _note(judgement)


def _count(hits: Iterable[Hit], *, by: int) -> None:
    days = Counter((one.question, one.at.astimezone(UTC).date()) for one in hits)
    for (question, day), number in days.items():
        Tally.objects.get_or_create(question=question, day=day)
        Tally.objects.filter(question=question, day=day).update(hits=F("hits") + by * number)


def _mark(judgement: _Judgement) -> None:
    """Judged in the state they were read in; one that has left it meanwhile is judged again."""
    groups: dict[str, list[uuid.UUID]] = defaultdict(list)
    for operation in judgement.operations:
        unknown = operation.status is OperationState.UNKNOWN
        is_open = unknown and operation.pk not in judgement.long_unknown
        groups[UNDECIDED if is_open else operation.state].append(operation.pk)
    lock_in_order(Operation.objects.filter(pk__in=[one.pk for one in judgement.operations]))
    for judged, keys in groups.items():
        Operation.objects.filter(pk__in=keys).update(judged=judged)
