"""`./run bench --simulate`: a night of the portal by discrete events.

Cloud, people and costs are invented (`scenario`, `simulated_cloud`). When the portal calls, waits,
repeats and believes is not: those rules are the product's own functions, on simulated time.
"""

import heapq
import random
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from snapshots.jobs.duties import INVENTORY, PROBE, SNAPSHOTS, WATCH
from snapshots.models import FINAL, OperationState
from snapshots.worker import DUTIES_OF_ONE_CLOUD, operations_of_one_cloud
from tests.bench.scenario import Scenario, shares_of, wishes
from tests.bench.simulated_cloud import SimulatedCloud
from tests.bench.simulated_rows import Duty, Events, Request, Tables, Task, moment
from tests.bench.simulated_worker import SimulatedWorker

SAMPLE_SECONDS = 60.0
_LONGEST_AFTER = 6 * 3600.0  # what has not ended so long after the night never will


class Simulation:
    """A night of a scenario: `run` it once, then read it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.requests: list[Request] = []
        self.samples: list[dict[str, float]] = []
        self._events = Events()
        self._chance = random.Random(f"{scenario.seed} workers")
        volumes = shares_of(scenario.volumes, scenario)
        snapshots = shares_of(scenario.snapshots, scenario)
        self.tables = Tables(
            self._events,
            [
                SimulatedCloud(number, scenario, volumes=count, snapshots=snapshots[number])
                for number, count in enumerate(volumes)
            ],
        )
        self.workers = [
            SimulatedWorker(self._events, self.tables, scenario) for _ in range(scenario.nodes)
        ]

    def run(self) -> "Simulation":
        """Until the morning, and until each request has ended."""
        with _same_chance(self.scenario.seed):
            self._enlist()
            self._events.start(self._people())
            self._events.start(self._sampling())
            for worker in self.workers:
                first = self._chance.uniform(0, settings.EVSPORTAL_WORKER_POLL_SECONDS)
                self._events.start(self._loop(worker), at=first)
            self._events.run(until=self.scenario.seconds)
            end = self.scenario.seconds + _LONGEST_AFTER
            while self._is_open() and self._events.now < end:
                self._events.run(until=self._events.now + 1)
        return self

    @property
    def wrongs(self) -> list[str]:
        """Promises of the portal that did not hold."""
        unfinished = [request for request in self.requests if request.state not in FINAL]
        broken = [wrong for rows in self.tables.clouds for wrong in rows.cloud.wrongs]
        return broken + [f"a request of {each.wish.at:.1f} s never ended" for each in unfinished]

    def _is_open(self) -> bool:
        return any(rows.lines for rows in self.tables.clouds)

    def _enlist(self) -> None:
        """The night begins in the middle of the portal's life: readings are due at any time."""
        pauses = {
            INVENTORY: settings.EVSPORTAL_INVENTORY_SECONDS,
            SNAPSHOTS: settings.EVSPORTAL_SNAPSHOTS_SECONDS,
        }
        for rows in self.tables.clouds:
            rows.duties |= {kind: Duty(kind, rows) for kind in (WATCH, INVENTORY, SNAPSHOTS, PROBE)}
            for kind, pause in pauses.items():
                self.tables.start_duty(rows, kind, at=self._chance.uniform(0, pause))

    def _people(self) -> Task:
        for wish in wishes(self.scenario):
            yield wish.at - self._events.now
            request = Request(wish, state_at=moment(wish.at))
            self.requests.append(request)
            if self.tables.add(request) and self.scenario.wakes:
                # All workers are woken, and the first with a free thread takes it.
                order = self._chance.sample(self.workers, len(self.workers))
                any(self._turn(worker) for worker in order)

    # --- a worker's loop -------------------------------------------------------------------------

    def _loop(self, worker: SimulatedWorker) -> Task:
        lookups = self.scenario.costs.lookup * self.scenario.clouds
        while True:
            rest = 0.0 if self._turn(worker) else settings.EVSPORTAL_WORKER_POLL_SECONDS
            yield worker.work(lookups) + rest

    def _turn(self, worker: SimulatedWorker) -> bool:
        """Claim what is due and what there is room for. Whether anything was claimed."""
        self.tables.look()
        is_busy = False
        if self.tables.with_due:
            is_busy = self._claim_operations(worker)
        if self.tables.with_due_duties:
            is_busy |= self._claim_duties(worker)
        return is_busy

    def _claim_operations(self, worker: SimulatedWorker) -> bool:
        threads = settings.EVSPORTAL_WORKER_THREADS
        before = worker.operations
        if before >= threads:
            return False
        of_one_cloud = operations_of_one_cloud(self.scenario.clouds)
        for number in self._in_turn(worker):
            rows = self.tables.clouds[number]
            running = worker.operations_of.get(rows, 0)
            free = min(threads - worker.operations, of_one_cloud - running)
            if rows.retry_at is not None:
                continue
            for _ in range(min(free, len(rows.due))):
                worker.begin(rows, heapq.heappop(rows.due)[2])
                worker.served_last = number
            if not rows.due:
                self.tables.with_due.discard(number)
        return worker.operations > before

    def _in_turn(self, worker: SimulatedWorker) -> list[int]:
        """The clouds with something due, from the one behind that which was served last."""
        first, count = worker.served_last + 1, self.scenario.clouds
        return sorted(self.tables.with_due, key=lambda number: (number - first) % count)

    def _claim_duties(self, worker: SimulatedWorker) -> bool:
        """One of each cloud that has room."""
        before = worker.duties
        for rows in list(self.tables.with_due_duties):
            is_held = rows.retry_at is not None
            runnable = [duty for duty in rows.due_duties if duty.kind == PROBE or not is_held]
            if runnable and worker.duties_of.get(rows, 0) < DUTIES_OF_ONE_CLOUD:
                duty = runnable[0]
                rows.due_duties.remove(duty)
                duty.is_claimed = True
                worker.begin(rows, duty)
            if not rows.due_duties:
                del self.tables.with_due_duties[rows]
        return worker.duties > before

    # --- what is seen of it ----------------------------------------------------------------------

    def _sampling(self) -> Task:
        busy_before = 0.0
        while True:
            busy = sum(worker.busy_seconds for worker in self.workers)
            threads = [worker.operations + worker.duties for worker in self.workers]
            self.samples.append(
                {
                    "minute": round(self._events.now / 60, 1),
                    **self._depths(),
                    "threads": sum(threads),
                    "threads of the fullest worker": max(threads),
                    "cores": (busy - busy_before) / SAMPLE_SECONDS,
                }
            )
            busy_before = busy
            yield SAMPLE_SECONDS

    def _depths(self) -> dict[str, int]:
        """How many requests wait, are looked for, and are under way in the clouds."""
        lines = [line for rows in self.tables.clouds for line in rows.lines.values()]
        heads = [line[0].state for line in lines]
        unknown = heads.count(OperationState.UNKNOWN)
        accepted = heads.count(OperationState.ACCEPTED)
        waiting = sum(map(len, lines)) - unknown - accepted
        return {"queued": waiting, "unknown": unknown, "accepted": accepted}


@contextmanager
def _same_chance(seed: int) -> Iterator[None]:
    """The rules that draw lots use Python's own chance."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
