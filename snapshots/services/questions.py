"""Puts the auditors' questions to each operation, once in each state it comes to.

An operation's own row says in which state it was last judged (`Operation.judged`), and is written
with the hits and their day's tally in one transaction. So no clock and no message decides what is
looked at: a crash, a late commit or a clock set back loses nothing and counts nothing twice.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from snapshots.audit.actions import COMMAND_LINE
from snapshots.audit.hours import WorkingHours, read_hours
from snapshots.jobs.claims import LostClaimError, release, write
from snapshots.jobs.duties import HOUSE, QUESTIONS, take_over
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
)
from snapshots.services.request import OWN_VOLUME, VOLUME_STATUS

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
    release(duty, due_at=now if more else now + LOOK_EVERY, done_at=now, trouble="")


def rebuild() -> dict[Question, int]:
    """Forget all hits and find them anew by the rules of now; how many there are of each question.

    Of operations that an archive took the asking of, the hits stay: nothing is left to judge them
    by. A worker that is at it is sent away, and may take over when this process dies.
    """
    duty = take_over(QUESTIONS, HOUSE, owner=COMMAND_LINE, lease=_lease())
    try:
        _forget(duty)
        while _turn(duty):
            pass
        release(duty, due_at=timezone.now(), done_at=timezone.now(), trouble="")
    except LostClaimError:
        pass  # a worker, or another such command, goes on where this one was
    told = Hit.objects.values_list("question").annotate(hits=Count("pk"))
    return {question: dict(told).get(question, 0) for question in Question}


def _forget(duty: Duty) -> None:
    asked = Action.objects.filter(operation=OuterRef("operation"), code__in=ASKS)
    known = Action.objects.filter(operation=OuterRef("pk"), code__in=ASKS)
    with transaction.atomic():
        _fence(duty)
        Hit.objects.filter(Exists(asked)).delete()
        Tally.objects.all().delete()
        kept = Hit.objects.values_list("question", TruncDate("at", tzinfo=UTC))
        Tally.objects.bulk_create(
            Tally(question=question, day=day, hits=hits)
            for question, day, hits in kept.annotate(hits=Count("pk"))
        )
        Operation.objects.filter(Exists(known), judged__isnull=False).update(judged=None)


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


def _judge(duty: Duty, operations: Sequence[Operation], hours: WorkingHours) -> None:
    askings, looks = _askings(operations), _looks(operations)
    found: list[Hit] = []
    long_unknown: set[uuid.UUID] = set()
    for operation in operations:
        asking = askings.get(operation.pk, _Asking())
        answers = set(_of_asking(operation, asking, hours))
        if operation.status is OperationState.REFUSED:
            answers.add(Question.REFUSED)
        if _unknown_for(operation, looks[operation.pk]) > LONG_UNKNOWN:
            answers.add(Question.LONG_UNKNOWN)
            long_unknown.add(operation.pk)
        found += [Hit(question=one, operation=operation, at=operation.asked_at) for one in answers]
    with transaction.atomic():
        _fence(duty)
        _note(operations, found)
        _mark(operations, long_unknown)


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
    was_in_use = not asking.volume_status or asking.volume_status in FORCE_STATUSES
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
        if name.casefold() != operation.requester_name.casefold():
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
    write(duty, due_at=timezone.now() + _lease())


def _note(operations: Sequence[Operation], found: Sequence[Hit]) -> None:
    """Each hit once, and with it one more in the tally of its day."""
    known = set(
        Hit.objects.filter(operation__in=operations).values_list("question", "operation_id")
    )
    fresh = [one for one in found if (one.question, one.operation_id) not in known]
    Hit.objects.bulk_create(fresh)
    counts: Counter[tuple[str, date]] = Counter(
        (one.question, one.at.astimezone(UTC).date()) for one in fresh
    )
    for (question, day), hits in counts.items():
        Tally.objects.get_or_create(question=question, day=day)
        Tally.objects.filter(question=question, day=day).update(hits=F("hits") + hits)


def _mark(operations: Iterable[Operation], long_unknown: set[uuid.UUID]) -> None:
    """Judged in the state they were read in; one that has left it meanwhile is judged again."""
    groups: dict[tuple[str, str], list[uuid.UUID]] = defaultdict(list)
    for operation in operations:
        unknown = operation.status is OperationState.UNKNOWN
        is_open = unknown and operation.pk not in long_unknown
        groups[operation.state, UNDECIDED if is_open else operation.state].append(operation.pk)
    for (state, judged), keys in groups.items():
        Operation.objects.filter(pk__in=keys, state=state).update(judged=judged)
