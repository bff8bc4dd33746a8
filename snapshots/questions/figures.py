"""What the saved questions found: counts by tallies, lists by hits. For auditors only."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from snapshots.models import Hit, Operation, Question, Tally, may_audit
from snapshots.selectors.pages import Page, read_cursor, write_cursor

RECENT_DAYS = 30
WEEKS = 26
MANY = 1000  # so many that wait to be judged are not counted on


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday on (UTC), and how many requests of them a question finds."""

    first: date
    hits: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How often something was found, and when."""

    question: Question
    recent: int  # in the last 30 days
    in_all: int
    weeks: tuple[Week, ...]  # the oldest first; the last one is not over


def figures(questions: Sequence[Question], *, today: date | None = None) -> list[Figures]:
    """Of each of these questions; two queries, whatever there is."""
    day = today or timezone.now().astimezone(UTC).date()
    recent = Q(day__gt=day - timedelta(days=RECENT_DAYS))
    tallies = Tally.objects.filter(question__in=questions)
    sums = tallies.values_list("question").annotate(
        recent=Sum("hits", filter=recent, default=0), in_all=Sum("hits")
    )
    told = {question: (lately, in_all) for question, lately, in_all in sums}
    weeks_of = _weeks(tallies, day)
    return [Figures(one, *told.get(one, (0, 0)), weeks=weeks_of(one)) for one in questions]


def _first_monday(day: date) -> date:
    return day - timedelta(days=day.weekday(), weeks=WEEKS - 1)


def _weeks(tallies: QuerySet[Tally], day: date) -> Callable[[str], tuple[Week, ...]]:
    """What tells a question's weeks."""
    first = _first_monday(day)
    span = tallies.filter(day__gte=first, day__lt=first + timedelta(weeks=WEEKS))
    told: Counter[tuple[str, int]] = Counter()
    for question, at, hits in span.values_list("question", "day", "hits"):
        told[question, (at - first).days // 7] += hits
    mondays = [first + timedelta(weeks=number) for number in range(WEEKS)]
    return lambda question: tuple(
        Week(monday, told[question, number]) for number, monday in enumerate(mondays)
    )


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, the last one included; open where nothing is said."""

    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return bool(self.since or self.until)


def hits_visible_to(user: User, question: Question, period: Period) -> QuerySet[Hit]:
    """What a question finds in a period: all of it for auditors, nothing for anybody else."""
    if not may_audit(user):
        return Hit.objects.none()
    hits = Hit.objects.filter(question=question).select_related("operation")
    if period.since:
        hits = hits.filter(at__gte=_midnight(period.since))
    if period.until:
        hits = hits.filter(at__lt=_midnight(period.until + timedelta(days=1)))
    return hits


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def hits_page(hits: QuerySet[Hit], *, before: str = "", size: int = 50) -> Page[Hit]:
    """Newest first. `before` is the `next` of the page above; nonsense starts at the top."""
    hits = hits.order_by("-at", "-id")
    if (cursor := read_cursor(before)) is not None:
        at, number = cursor
        hits = hits.filter(Q(at__lte=at) & (Q(at__lt=at) | Q(id__lt=number)))
    rows = list(hits[: size + 1])
    if len(rows) <= size:
        return Page(rows, None)
    last = rows[size - 1]
    return Page(rows[:size], write_cursor(last.at, last.pk))


def hits_in(question: Question, period: Period) -> int:
    """How many a question finds in a period, by the tallies of its days."""
    days = Tally.objects.filter(question=question)
    if period.since:
        days = days.filter(day__gte=period.since)
    if period.until:
        days = days.filter(day__lte=period.until)
    return int(days.aggregate(hits=Sum("hits", default=0))["hits"])


def unjudged_count() -> int:
    """How many requests the worker has not put the questions to yet, counted up to `MANY`."""
    return Operation.objects.to_be_judged().order_by("asked_at", "id")[:MANY].count()
