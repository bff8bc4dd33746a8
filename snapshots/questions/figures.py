"""How often the questions find something, and what: for auditors only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from snapshots.localized import figure
from snapshots.questions.rules import Question, condition_of, subject_of
from snapshots.rights.policy import Right, may

RECENT_DAYS = 30
WEEKS = 26
MOST_COUNTED = 10_000  # so that a count takes the same time however old the portal is


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, the last one included; open where a day is None."""

    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return bool(self.since or self.until)

    @property
    def begins_at(self) -> datetime:
        return _midnight(self.since or date.min)

    @property
    def ends_at(self) -> datetime:
        return _midnight(self.until + timedelta(days=1) if self.until else date.max)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday on (UTC), and how many rows of them a question finds."""

    first: date
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How many rows a question finds. `MOST_COUNTED` stands for as many or more."""

    question: Question
    recent: int  # in the last 30 days
    in_all: int
    weeks: tuple[Week, ...]  # the oldest first; the last one is not over


def figures_of(questions: Sequence[Question]) -> list[Figures]:
    """Of each of these questions; one query, whatever there is."""
    today = timezone.now().astimezone(UTC).date()
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    mondays = [first + timedelta(weeks=number) for number in range(WEEKS)]
    weeks = [Period(monday, monday + timedelta(days=6)) for monday in mondays]
    recent = Period(since=today - timedelta(days=RECENT_DAYS - 1))
    counts = _counts(questions, [Period(), recent, *weeks])
    return [
        Figures(question, recent, in_all, tuple(map(Week, mondays, by_week)))
        for question, (in_all, recent, *by_week) in zip(questions, counts, strict=True)
    ]


def count_in(question: Question, period: Period) -> int:
    """How many rows of a period a question finds; `MOST_COUNTED`: as many or more."""
    ((count,),) = _counts([question], [period])
    return count


def count_text(count: int) -> str:
    """A count as pages show it."""
    return f"{figure(count)}+" if count >= MOST_COUNTED else figure(count)


def _counts(questions: Sequence[Question], periods: Sequence[Period]) -> Iterator[tuple[int, ...]]:
    """For each question, how many rows of each period it finds, counted to `MOST_COUNTED`.

    Each count reads a part of an index. Grouping rows by week would take five times as long: SQLite
    has no function for it that is not Python's.
    """
    now = timezone.now()
    selections = [_rows_of(question, now=now) for question in questions]
    ends = [moment for period in periods for moment in (period.begins_at, period.ends_at)]
    rows = ", ".join(f"({number}, %s, %s)" for number in range(len(periods)))
    counts = ", ".join(
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {rows_of_question} AND "
        f"{moment} >= begins_at AND {moment} < ends_at LIMIT {MOST_COUNTED}) AS counted)"
        for rows_of_question, moment, _values in selections
    )
    sql = (
        f"WITH periods (number, begins_at, ends_at) AS (VALUES {rows}) "
        f"SELECT {counts} FROM periods ORDER BY number"
    )
    parameters: list[Any] = [connection.ops.adapt_datetimefield_value(end) for end in ends]
    for _rows, _moment, values in selections:
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return zip(*cursor.fetchall(), strict=True)


def _rows_of(question: Question, *, now: datetime) -> tuple[str, str, tuple[Any, ...]]:
    """The table and the question's condition, the column of the day, the condition's values."""
    subject = subject_of(question)
    query = subject.model._default_manager.filter(condition_of(question, now=now)).query
    where, parameters = query.where.as_sql(query.get_compiler(connection=connection), connection)
    table = subject.model._meta.db_table
    return f"{table} WHERE {where}", subject.moment, tuple(parameters)


def rows_found(user: User, question: Question, period: Period) -> QuerySet[Any]:
    """What a question finds in a period: all of it for auditors, nothing for anybody else. The
    rows are of the question's subject.
    """
    subject = subject_of(question)
    rows = subject.model._default_manager.filter(condition_of(question, now=timezone.now()))
    if not may(user, Right.AUDIT):
        return rows.none()
    if period.since:
        rows = rows.filter(**{f"{subject.moment}__gte": period.begins_at})
    if period.until:
        rows = rows.filter(**{f"{subject.moment}__lt": period.ends_at})
    return rows
