"""How it went over the last weeks: counts that plots show. Days are those of UTC."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from snapshots.models import FINAL, Operation, OperationKind, OperationState, QuotaDay
from snapshots.selectors.grouping import DayInUtc, Plain

DAYS = 30
TIMES_OF = 1000  # so many newest snapshots
LARGEST_GIB = (20, 100, 500, 1000)  # the upper ends of the sizes; one more is without an end
QUOTA_DAYS = 90
FORECAST_DAYS = 30  # the days that a forecast goes by
LONGEST_FORECAST = timedelta(days=365)


class Ending(Enum):
    """What became of requests, as a plot tells them apart."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OPEN = "open"

    @property
    def label(self) -> str | Promise:
        return _ENDINGS[self]


_ENDINGS: Mapping[Ending, Promise] = {
    Ending.DONE: _("Done"),
    Ending.REFUSED: _("Refused"),
    Ending.FAILED: _("Failed"),
    Ending.CANCELLED: _("Cancelled"),
    Ending.OPEN: _("Unfinished"),
}
_OTHER_ENDINGS: Mapping[OperationState, Ending] = {  # than one of the state's own name
    OperationState.SUCCEEDED: Ending.DONE,
    OperationState.NOT_CREATED: Ending.FAILED,
}


def _ending_of(state: OperationState) -> Ending:
    if state not in FINAL:
        return Ending.OPEN
    return _OTHER_ENDINGS.get(state) or Ending(state.value)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """How many requests were asked for on a day, by what became of them."""

    day: date
    counts: Mapping[Ending, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def requests_by_day(*, now: datetime) -> list[DayCounts]:
    """The last 30 days, the oldest first; today is not over."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    # All states are named: their index has the moments too, so no row is read.
    rows = Operation.objects.filter(
        state__in=OperationState.values, asked_at__gte=datetime.combine(first, time.min, UTC)
    ).order_by()
    counts: dict[str, Counter[Ending]] = {}
    by_day = rows.values_list(DayInUtc("asked_at"), Plain("state")).annotate(count=Count("*"))
    for day, state, count in by_day:
        ending = _ending_of(OperationState(state))
        counts.setdefault(day, Counter())[ending] += count
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [DayCounts(day, counts.get(day.isoformat(), Counter())) for day in days]


@dataclass(frozen=True, slots=True)
class SizeTimes:
    """How long snapshots of volumes of a size took, from the click to available."""

    upto_gib: int | None  # None: without an end
    count: int
    median_seconds: float
    slow_seconds: float  # nine in ten were as fast or faster


def times_by_size() -> list[SizeTimes]:
    """Of the newest snapshots whose size is known; sizes without any are left out."""
    rows = (
        Operation.objects.filter(
            state=OperationState.SUCCEEDED,
            kind=OperationKind.CREATE,
            finished_at__isnull=False,
            snapshot__size_gb__isnull=False,
        )
        .order_by("-asked_at", "-id")
        .values_list("asked_at", "finished_at", "snapshot__size_gb")[:TIMES_OF]
    )
    seconds: dict[int | None, list[float]] = {}
    for asked_at, finished_at, size in rows:
        if finished_at is None or size is None:  # the query has none
            continue
        upto = next((largest for largest in LARGEST_GIB if size <= largest), None)
        seconds.setdefault(upto, []).append((finished_at - asked_at).total_seconds())
    return [_times(upto, seconds[upto]) for upto in (*LARGEST_GIB, None) if upto in seconds]


def _times(upto: int | None, seconds: Sequence[float]) -> SizeTimes:
    ordered = sorted(seconds)
    # The least time that half, and nine in ten, do not exceed.
    half, most = (len(ordered) + 1) // 2, -(-len(ordered) * 9 // 10)
    return SizeTimes(upto, len(ordered), ordered[half - 1], ordered[most - 1])


def refusals_by_reason(*, now: datetime) -> list[tuple[str, int]]:
    """Outcome codes of what clouds refused in the last 30 days, the most frequent first."""
    first = now.astimezone(UTC).date() - timedelta(days=DAYS - 1)
    rows = Operation.objects.filter(
        state=OperationState.REFUSED, asked_at__gte=datetime.combine(first, time.min, UTC)
    ).order_by()
    counts = rows.values_list(Plain("outcome_code")).annotate(count=Count("*"))
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True, slots=True)
class QuotaCourse:
    """How a quota was used day by day, the oldest first, and when it will be full if it goes on."""

    cloud: str
    resource: str
    days: Sequence[tuple[date, int]]
    limit: int  # -1: none
    full_on: date | None  # None: not within a year


def quota_courses(*, now: datetime) -> list[QuotaCourse]:
    today = now.astimezone(UTC).date()
    rows = QuotaDay.objects.filter(day__gt=today - timedelta(days=QUOTA_DAYS), day__lte=today)
    courses: dict[tuple[str, str], list[QuotaDay]] = {}
    for row in rows.order_by("cloud", "-resource", "day"):
        courses.setdefault((row.cloud, row.resource), []).append(row)
    return [_course(days) for days in courses.values()]


def _course(rows: Sequence[QuotaDay]) -> QuotaCourse:
    days = [(row.day, row.used) for row in rows]
    last = rows[-1]
    return QuotaCourse(last.cloud, last.resource, days, last.limit, _full_on(days, last.limit))


def _full_on(days: Sequence[tuple[date, int]], limit: int) -> date | None:
    """By the straight line that fits the last days best (least squares), from the last day on."""
    last_day, last_used = days[-1]
    if limit < 0:
        return None
    if last_used >= limit:
        return last_day
    points = [
        ((day - last_day).days, used) for day, used in days if (last_day - day).days < FORECAST_DAYS
    ]
    mean_x = sum(x for x, _used in points) / len(points)
    mean_y = sum(used for _x, used in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _used in points)
    growth = sum((x - mean_x) * (used - mean_y) for x, used in points) / spread if spread else 0.0
    if growth <= 0:
        return None
    left = timedelta(days=min((limit - last_used) / growth, LONGEST_FORECAST.days + 1))
    return None if left > LONGEST_FORECAST else last_day + timedelta(days=-(-left // timedelta(1)))
