"""What runs, what needs a hand, and how the clouds and the portal's own parts are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, Min, Q

from snapshots.models import (
    OPEN,
    Answer,
    CloudHealth,
    CloudTrouble,
    Duty,
    Operation,
    OperationState,
    Worker,
)
from snapshots.selectors.grouping import Plain
from snapshots.selectors.portal import WORKER_SILENT_AFTER, PortalState

LATENCY_OF = 200  # newest answers of all clouds
PACE = timedelta(hours=1)
RECENT = timedelta(hours=24)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudFacts:
    """How a cloud is, and how much work lies before it."""

    cloud: str
    health: CloudHealth | None  # None: nobody has called it yet
    silent_since: datetime | None  # it hangs
    latency_ms: float | None  # the median of its newest answers; None: none among the newest of all
    waiting: int
    oldest_at: datetime | None  # of those that wait
    working: int  # sent and not ended
    ended: int  # in the last hour

    @property
    def failing_since(self) -> datetime | None:
        return self.silent_since or (self.health.failing_since if self.health else None)

    @property
    def trouble(self) -> CloudTrouble:
        return self.health.trouble if self.health else CloudTrouble.NONE


@dataclass(frozen=True, slots=True)
class _Open:
    count: int = 0
    oldest_at: datetime | None = None


def running_by_state() -> dict[OperationState, int]:
    """How many unfinished operations of everybody are in each state; states without any too."""
    rows = Operation.objects.filter(finished_at__isnull=True).order_by()
    counts = dict(rows.values_list(Plain("state")).annotate(count=Count("*")))
    return {state: counts.get(state, 0) for state in OperationState if state in OPEN}


def running() -> list[Operation]:
    """The unfinished operations of everybody, those that have waited longest first."""
    rows = Operation.objects.filter(finished_at__isnull=True).select_related("snapshot")
    return list(rows.order_by("asked_at", "id")[:MOST_SHOWN])


def ended_by_state(*, now: datetime) -> dict[OperationState, int]:
    """How many operations ended in the last day, by how; states without any are left out."""
    rows = Operation.objects.filter(finished_at__gt=now - RECENT).order_by()
    counts = dict(rows.values_list(Plain("state")).annotate(count=Count("*")))
    return {state: counts[state] for state in OperationState if state in counts}


def unclear() -> list[Operation]:
    """Those whose outcome nobody knows now, the oldest first."""
    rows = Operation.objects.filter(state=OperationState.UNKNOWN).select_related("snapshot")
    return list(rows.order_by("asked_at", "id")[:MOST_SHOWN])


def came_to_nothing(*, now: datetime) -> list[Operation]:
    """What ended badly in the last day and was not asked again, the newest first. What a person
    cancelled needs nobody.
    """
    # Left out, not named: a database would rather enter the index of states that are named.
    needs_nobody = [OperationState.SUCCEEDED, OperationState.CANCELLED]
    rows = Operation.objects.filter(finished_at__gt=now - RECENT).exclude(state__in=needs_nobody)
    rows = rows.filter(asked_again__isnull=True).select_related("snapshot")
    return list(rows.order_by("-finished_at", "id")[:MOST_SHOWN])


def cloud_facts(portal: PortalState, *, now: datetime) -> list[CloudFacts]:
    """Of each cloud that was called or that something waits for."""
    healths = {health.cloud: health for health in CloudHealth.objects.all()}
    lines = _open_by_cloud()
    silent = {silence.cloud: silence.since for silence in portal.silent}
    ended = dict(
        Operation.objects.filter(finished_at__gt=now - PACE)
        .order_by()
        .values_list(Plain("cloud"))
        .annotate(count=Count("*"))
    )
    latencies = _latencies()
    return [
        CloudFacts(
            cloud=cloud,
            health=healths.get(cloud),
            silent_since=silent.get(cloud),
            latency_ms=median(latencies[cloud]) if cloud in latencies else None,
            waiting=lines.get((cloud, True), _Open()).count,
            oldest_at=lines.get((cloud, True), _Open()).oldest_at,
            working=lines.get((cloud, False), _Open()).count,
            ended=ended.get(cloud, 0),
        )
        for cloud in sorted(set(healths) | {cloud for cloud, _waits in lines})
    ]


def _open_by_cloud() -> dict[tuple[str, bool], _Open]:
    """What waits for a cloud (True), and what it works on (False)."""
    waits = Q(state=OperationState.QUEUED)
    rows = (
        Operation.objects.filter(finished_at__isnull=True)
        .order_by()
        .values_list(Plain("cloud"))
        .annotate(
            waiting=Count("pk", filter=waits),
            oldest_at=Min("asked_at", filter=waits),
            working=Count("pk", filter=~waits),
        )
    )
    lines: dict[tuple[str, bool], _Open] = {}
    for cloud, waiting, oldest_at, working in rows:
        lines[cloud, True] = _Open(waiting, oldest_at)
        lines[cloud, False] = _Open(working)
    return lines


def _latencies() -> dict[str, list[int]]:
    """How long the newest answers took, by cloud. What failed took as long as we were patient."""
    newest = Answer.objects.filter(status__isnull=False).order_by("-seq")[:LATENCY_OF]
    times: dict[str, list[int]] = {}
    for cloud, elapsed_ms in newest.values_list("exchange__cloud", "elapsed_ms"):
        times.setdefault(cloud, []).append(elapsed_ms)
    return times


def workers(*, now: datetime) -> list[Worker]:
    """Those that say they live."""
    alive = Worker.objects.filter(seen_at__gt=now - WORKER_SILENT_AFTER)
    return list(alive.order_by("started_at", "name"))


def troubled_duties() -> Sequence[Duty]:
    """What the worker does again and again and did not manage the last time."""
    return list(Duty.objects.exclude(trouble_code="").order_by("kind", "cloud"))
