"""`./run bench --work`: what the life of an operation costs, from the queue to the usable snapshot.

The sandbox is a process of its own, without pace, and with snapshots that are usable at once. The
plain client makes the same calls, which the audit trail lists, from as many threads.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.plain_calls import PlainCall, PlainClient
from tests.bench.work_portal import Spent, WorkPortal, cpu_seconds, until

WORKERS = (1, 2, 4)
ALONE, AT_ONCE = 20, 200  # operations whose way to the cloud is timed
MOST_CPU_MS, MOST_COMMITS, LEAST_OF_PLAIN, LEAST_OF_TWO = 25, 8, 0.4, 1.6
MOST_MS_TO_CLOUD = {"sqlite": 300, "postgres": 60}  # polling; woken
_IDLE_SECONDS = 10

Tell = Callable[[str], object]


def measure(
    folder: Path, *, operations: int, workers: int, database: str, tell: Tell
) -> Iterator[Figure]:
    """So many operations by 1, 2 and 4 workers, as far as `workers` allows; then the way of one."""
    portal = WorkPortal(folder, database=database, volumes=max(operations, AT_ONCE + ALONE))
    try:
        yield from _whole_life(portal, operations, workers, tell)
        tell("the way to the cloud")
        yield from _way_to_cloud(portal, "sqlite" if database == "sqlite" else "postgres")
    finally:
        portal.close()


def _whole_life(portal: WorkPortal, operations: int, workers: int, tell: Tell) -> Iterator[Figure]:
    rates: dict[int, float] = {}
    for count in [count for count in WORKERS if count <= workers]:
        tell(f"{operations} operations, {count} workers")
        portal.forget_snapshots()
        portal.ask(operations)
        begun = _last_exchange()
        with portal.working(count):
            spent = portal.spend()
            rates[count] = spent.operations / spent.seconds
            yield from _of_life(spent, count)
            if count == 1:
                yield from _idle(portal)
        if count == 1:
            tell("the same calls by plain requests")
            yield from _beside_plain(portal, begun, spent)
        elif count == 2:
            yield Figure(
                "rate of 2 workers by that of 1", rates[2] / rates[1], "", LEAST_OF_TWO,
                more_is_better=True,
            )  # fmt: skip


def _of_life(spent: Spent, count: int) -> Iterator[Figure]:
    each = spent.operations
    of = f", {count} worker{'s' * (count > 1)}"
    yield Figure(
        f"worker CPU of an operation{of}", spent.worker_cpu * 1000 / each, "ms", MOST_CPU_MS
    )
    yield Figure(f"transactions of an operation{of}", spent.commits / each, "", MOST_COMMITS)
    yield Figure(f"statements of an operation{of}", spent.statements / each, "")
    yield Figure(f"operations in a second{of}", each / spent.seconds, "", more_is_better=True)
    rate = each / spent.worker_cpu
    yield Figure(f"operations in a second of a core{of}", rate, "", more_is_better=True)
    yield Figure(f"sandbox CPU of an operation{of}", spent.cloud_cpu * 1000 / each, "ms")
    yield Figure(f"the database grew by operation{of}", spent.grew_bytes / each / 1000, "kB")


def _idle(portal: WorkPortal) -> Iterator[Figure]:
    (worker,) = portal.workers
    before = cpu_seconds(worker.pid)
    time.sleep(_IDLE_SECONDS)
    idle = (cpu_seconds(worker.pid) - before) * 1000 / _IDLE_SECONDS
    yield Figure("idle worker, CPU in a second", idle, "ms")


def _beside_plain(portal: WorkPortal, since: int, spent: Spent) -> Iterator[Figure]:
    from django.conf import settings

    calls = _calls_since(since)
    portal.forget_snapshots()
    client = PlainClient(portal.cloud_url)
    busy = time.process_time()
    seconds = client.seconds_of(calls, threads=settings.EVSPORTAL_WORKER_THREADS)
    busy = time.process_time() - busy
    each = spent.operations
    yield Figure("calls of an operation", len(calls) / each, "")
    yield Figure("plain requests, operations in a second", each / seconds, "", more_is_better=True)
    yield Figure("plain requests, CPU of an operation", busy * 1000 / each, "ms")
    ratio = seconds / spent.seconds
    yield Figure("rate of 1 worker by that of plain requests", ratio, "", LEAST_OF_PLAIN,
                 more_is_better=True)  # fmt: skip


def _last_exchange() -> int:
    from snapshots.models import Exchange

    return Exchange.objects.values_list("seq", flat=True).order_by("seq").last() or 0


def _calls_since(seq: int) -> list[PlainCall]:
    """Of operations, in their order."""
    from snapshots.models import Exchange

    rows = Exchange.objects.filter(seq__gt=seq, purpose__in=("create", "watch")).order_by("seq")
    return [PlainCall(row.method, row.url, row.body) for row in rows]


# --- from the submit to the cloud's 202 --------------------------------------------------------


def _way_to_cloud(portal: WorkPortal, database: str) -> Iterator[Figure]:
    portal.forget_snapshots()
    limit = MOST_MS_TO_CLOUD[database]
    together = portal.ask(AT_ONCE)
    with portal.working(1):
        alone = statistics.median(_seconds_alone(portal) for _ in range(ALONE))
        due_at = portal.make_due()
        until(lambda: not portal.open_count())
    waits = [_answered_at(operation) - due_at for operation in together]
    at_once = statistics.median(wait.total_seconds() for wait in waits)
    posts = [call for call in _calls_since(0) if call.method == "POST"]
    client = PlainClient(portal.cloud_url)
    for name, waited, calls in (
        ("one at a time", alone, posts[:ALONE]),
        (f"{AT_ONCE} at once", at_once, posts[:AT_ONCE]),
    ):
        plain = client.half_within(calls, at_once=len(calls) == AT_ONCE)
        yield Figure(f"from submit to 202, {name}, p50", waited * 1000, "ms")
        yield Figure(f"plain requests.post, {name}, p50", plain * 1000, "ms")
        yield Figure(f"to 202 above plain, {name}, p50", (waited - plain) * 1000, "ms", limit)


def _seconds_alone(portal: WorkPortal) -> float:
    """At any moment of the worker's pause."""
    from django.utils import timezone

    time.sleep(random.uniform(0.3, 0.9))
    begun = timezone.now()
    (operation,) = portal.ask(1, is_due=True)
    until(lambda: _answered_at(operation) is not None)
    return (_answered_at(operation) - begun).total_seconds()


def _answered_at(operation):
    from snapshots.models import Answer

    answers = Answer.objects.filter(exchange__operation=operation, status=202)
    return answers.values_list("at", flat=True).first()
