"""What the tables say, in a few queries by their indexes: the cost grows with what is unfinished,
never with the trail.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from snapshots import clouds
from snapshots.audit.database.settled import highest
from snapshots.audit.delivery import push
from snapshots.audit.seals.sealing import unsealed
from snapshots.models import (
    OPEN,
    ActionCode,
    CloudHealth,
    Duty,
    Entry,
    ExchangeTally,
    Operation,
    OperationKind,
    OperationState,
    OperationTally,
    Pushed,
    SignInAttempt,
    Worker,
)
from snapshots.monitoring import metrics
from snapshots.monitoring.metrics import Metric
from snapshots.selectors.portal import WORKER_SILENT_AFTER
from snapshots.tallies import BOUNDS_MS


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts below each bound, not added up; the last of what lies above all."""

    bounds: Sequence[float]
    counts: Sequence[float]
    total: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of a metric, with its labels' values in the metric's order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float | Distribution


def read_all() -> list[Reading]:
    """All figures of the database. Raises `DatabaseError`."""
    now = timezone.now()
    names = clouds.cloud_names()
    return [
        *_operations(names, now),
        *_exchanges(),
        *_clouds(names, now),
        *_duties(names, now),
        *_trail(now),
        *_verification(now),
        Reading(metrics.WORKERS, (), _workers(now)),
    ]


def _age(since: datetime | None, now: datetime) -> float:
    """Never below 0, which a clock that was set back would make it."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _operations(names: Sequence[str], now: datetime) -> Iterator[Reading]:
    # All three named, so that `operation_of_kind` answers without a look into the table.
    of_queue = Operation.objects.filter(
        cloud__in=names, kind__in=OperationKind.values, state__in=sorted(OPEN)
    )
    rows = of_queue.order_by().values_list("cloud", "kind", "state")
    counts = Counter(dict.fromkeys(((kind, state) for kind in OperationKind for state in OPEN), 0))
    oldest = dict[str, datetime]()
    for cloud, kind, state, count, first in rows.annotate(Count("pk"), Min("asked_at")):
        counts[kind, state] += count
        if state == OperationState.QUEUED:
            oldest[cloud] = min(first, oldest.get(cloud, first))
    for (kind, state), count in sorted(counts.items()):
        yield Reading(metrics.OPERATIONS, (kind, state), count)
    for cloud in names:
        yield Reading(metrics.QUEUED_AGE, (cloud,), _age(oldest.get(cloud), now))
    unknown = Operation.objects.filter(state=OperationState.UNKNOWN)
    first = unknown.aggregate(first=Min("state_at"))["first"]
    yield Reading(metrics.UNKNOWN_AGE, (), _age(first, now))
    for tally in OperationTally.objects.order_by("kind", "state"):
        yield Reading(metrics.OPERATIONS_ENDED, (tally.kind, tally.state), tally.count)


def _exchanges() -> Iterator[Reading]:
    tallies = ExchangeTally.objects.order_by()
    for cloud, code, count in tallies.values_list("cloud", "code").annotate(Sum("count")):
        yield Reading(metrics.EXCHANGES, (cloud, code), int(count))
    buckets = defaultdict[str, list[float]](lambda: [0.0] * (len(BOUNDS_MS) + 1))
    milliseconds = Counter[str]()
    sums = tallies.values_list("cloud", "bucket").annotate(Sum("count"), Sum("milliseconds"))
    for cloud, bucket, count, added in sums:  # decimals, from PostgreSQL
        buckets[cloud][bucket] += int(count)
        milliseconds[cloud] += int(added)
    seconds = [bound / 1000 for bound in BOUNDS_MS]
    for cloud, counts in buckets.items():
        total = milliseconds[cloud] / 1000
        yield Reading(metrics.EXCHANGE_SECONDS, (cloud,), Distribution(seconds, counts, total))


def _clouds(names: Sequence[str], now: datetime) -> Iterator[Reading]:
    healths = CloudHealth.objects.in_bulk(names)
    for cloud in names:
        health = healths.get(cloud) or CloudHealth(cloud=cloud)
        yield Reading(metrics.BREAKER, (cloud,), health.retry_at is not None)
        yield Reading(metrics.FAILING_AGE, (cloud,), _age(health.failing_since, now))
        yield Reading(metrics.HELD_BACK, (cloud,), health.snapshots_held_back)
    refused = SignInAttempt.objects.filter(cloud__in=names, refusals__gt=0)
    for cloud, at in refused.order_by().values_list("cloud").annotate(Max("tried_at")):
        yield Reading(metrics.SIGN_IN_REFUSED_AGE, (cloud,), _age(at, now))


def _duties(names: Sequence[str], now: datetime) -> Iterator[Reading]:
    """Of the clouds and targets of now: the rows of others stay, and nobody works on them."""
    lanes = {name: name for name in ("", *names)}
    lanes |= {state.target: state.label for state in push.states()}
    waiting = set(CloudHealth.objects.filter(retry_at__isnull=False).values_list("pk", flat=True))
    for duty in Duty.objects.filter(cloud__in=lanes).order_by("kind", "cloud"):
        labels = duty.kind, lanes[duty.cloud]
        late = 0.0 if duty.cloud in waiting else _age(duty.due_at, now)
        yield Reading(metrics.DUTY_LATE, labels, late)
        yield Reading(metrics.DUTY_TROUBLE, labels, bool(duty.trouble_code))
        if duty.done_at is not None:
            yield Reading(metrics.DUTY_AGE, labels, _age(duty.done_at, now))


def _trail(now: datetime) -> Iterator[Reading]:
    last = highest()
    rows, oldest = unsealed(last)
    yield Reading(metrics.UNSEALED, (), rows)
    yield Reading(metrics.SEAL_LAG, (), _age(oldest, now))
    for state in push.states():
        yield Reading(metrics.PUSH_BEHIND, (state.label,), _behind(state, last))
        yield Reading(metrics.PUSH_FAILING_AGE, (state.label,), _age(state.failing_since, now))


def _behind(state: Pushed, last: dict[str, int]) -> int:
    return sum(max(0, end - state.upto.get(table, 0)) for table, end in last.items())


def _verification(now: datetime) -> Iterable[Reading]:
    codes = (ActionCode.AUDIT_VERIFIED, ActionCode.AUDIT_FOUND_BAD)
    # One look for each: an index has them in the order of their times.
    ends = (
        Entry.objects.filter(what=code, background=is_quiet).order_by("-at", "-seq").first()
        for code in codes
        for is_quiet in (False, True)
    )
    verdicts = [entry for entry in ends if entry is not None]
    if not verdicts:
        return []
    latest = max(verdicts, key=lambda entry: (entry.at, entry.seq))
    return [
        Reading(metrics.SOUND, (), latest.what == ActionCode.AUDIT_VERIFIED),
        Reading(metrics.VERIFICATION_AGE, (), _age(latest.at, now)),
    ]


def _workers(now: datetime) -> int:
    since = now - WORKER_SILENT_AFTER
    return Worker.objects.filter(seen_at__gt=since, seen_at__lt=now + timedelta(days=1)).count()
