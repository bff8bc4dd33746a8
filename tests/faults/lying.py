"""Looks for rows that nobody works on and nobody takes up, while workers are there to do it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from snapshots.models import OPEN, CloudHealth, Duty, Exchange, Operation, Purpose, Worker
from snapshots.worker import DUTIES_OF_ONE_CLOUD
from tests.faults.nursery import Nursery

LOOK_SECONDS = 0.5
MOST_SECONDS = 5.0  # for a row that nobody works on
# A living worker works on a row; no step of a run takes as long. A duty has as many steps as calls:
# each call that it sends begins another.
LONGEST_STEP_SECONDS = 20.0
LONGEST_START_SECONDS = 60.0  # from a worker's start to the first turn of its loop
READY_AFTER_SECONDS = 3.0  # a loop that has just begun or was woken takes nothing up yet

# What is wrong, which row, its token, and the latest call of a duty that is at work, or "".
Case = tuple[str, str, int, str]


@dataclass
class LyingWatch:
    """Looks from `start` until `stop`; each row is named once for each claim."""

    nursery: Nursery
    threads: int  # operations at once in each worker
    lying: list[str] = field(default_factory=list)
    _since: dict[Case, float] = field(default_factory=dict)
    _named: set[tuple[str, str, int]] = field(default_factory=set)
    _begun: dict[int, float] = field(default_factory=dict)  # workers, and since when they loop

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lying")

    def start(self) -> None:
        self._watching = self._pool.submit(self._run)

    def stop(self) -> None:
        """Raises what ended the watch before its time: a watch that has died proves nothing."""
        self._stopping.set()
        self._watching.result(60)

    def _run(self) -> None:
        with closing(connection):  # this thread's own
            while not self._stopping.wait(LOOK_SECONDS):
                with suppress(DatabaseError):
                    self._look()

    def _look(self) -> None:
        now = time.monotonic()
        ready = self._ready(now)
        for pid in self.nursery.pids(awake_for=LONGEST_START_SECONDS):
            if pid not in self._begun:
                self._begun[pid] = now  # once
                self.lying.append(f"{timezone.now():%H:%M:%S} worker {pid}: its loop never began")
        cases = set(self._cases(ready)) if ready and self._may_write(ready) else set()
        self._since = {case: self._since.get(case, now) for case in cases}
        for case, since in self._since.items():
            what, row, token, _call = case
            limit = LONGEST_STEP_SECONDS if what == HELD_LONG else MOST_SECONDS
            if now - since > limit and (what, row, token) not in self._named:
                self._named.add((what, row, token))
                at = f"{timezone.now():%H:%M:%S}"
                self.lying.append(f"{at} {row}, token {token}: {what} for {now - since:.1f} s")

    def _ready(self, now: float) -> list[int]:
        """The workers that are awake and whose loops turn. A worker makes its row before it starts
        its engine; the loop's first turn adds the first beat.
        """
        beating = Worker.objects.filter(beats__gt=0).values_list("name", flat=True)
        self._begun = {_pid(name): now for name in beating} | self._begun
        ready = {pid for pid, begun in self._begun.items() if now - begun >= READY_AFTER_SECONDS}
        return [pid for pid in self.nursery.pids(awake_for=READY_AFTER_SECONDS) if pid in ready]

    def _may_write(self, ready: list[int]) -> bool:
        """SQLite has one writer at a time: a worker that is stopped within a transaction keeps all
        others waiting until it goes on. PostgreSQL ends such a transaction.
        """
        return connection.vendor != "sqlite" or set(ready) == set(self.nursery.living())

    def _cases(self, ready: list[int]) -> Iterator[Case]:
        living = self.nursery.living()
        operations = Operation.objects.filter(state__in=OPEN).exclude(owner="")
        held = [(one, str(one.pk), "") for one in operations]
        held += [(duty, duty.name, _latest_call(duty)) for duty in Duty.objects.exclude(owner="")]
        for claimed, row, call in held:
            if _pid(claimed.owner) not in living:
                if claimed.due_at and claimed.due_at > timezone.now():  # else it was made free
                    yield HELD_BY_DEAD, row, claimed.token, ""
            elif _pid(claimed.owner) in ready:
                yield HELD_LONG, row, claimed.token, call
        busy = Counter(_pid(owner) for owner in operations.values_list("owner", flat=True))
        if not CloudHealth.objects.filter(retry_at__isnull=False).exists():
            free = sum(max(0, self.threads - busy[pid]) for pid in ready)
            yield from self._waiting_operations(free, living)
            yield from self._waiting_duties(len(ready), living)

    def _waiting_operations(self, free: int, living: list[int]) -> Iterator[Case]:
        """Of a long queue only the first are next: as many as there are free threads. A row that
        was made free keeps the name of its killed worker.
        """
        due = Operation.objects.claimable().filter(due_at__lte=timezone.now())
        rows = due.order_by("due_at", "pk").values_list("pk", "token", "owner")
        for row, token, owner in rows[:free]:
            if not owner or _pid(owner) not in living:
                yield NOT_TAKEN_UP, str(row), token, ""

    def _waiting_duties(self, workers: int, living: list[int]) -> Iterator[Case]:
        rows = Duty.objects.values_list("name", "cloud", "token", "owner", "due_at")
        held = [row for row in rows if row[3] and _pid(row[3]) in living]
        running = Counter(lane for _, lane, _, _, _ in held)
        for name, lane, token, _owner, due_at in set(rows) - set(held):
            is_due = due_at is not None and due_at <= timezone.now()
            if is_due and running[lane] < DUTIES_OF_ONE_CLOUD * workers:
                yield NOT_TAKEN_UP, name, token, ""


HELD_LONG = "held by one worker"
HELD_BY_DEAD = "held by a killed worker"
NOT_TAKEN_UP = "due and not taken up"
_CALLS_OF_DUTIES = {
    "watch": [Purpose.WATCH],
    "snapshots": [Purpose.SNAPSHOTS],
    "inventory": [Purpose.INVENTORY, Purpose.QUOTA],
    "servers": [Purpose.SERVERS],
}


def _latest_call(duty: Duty) -> str:
    """When a duty that is at work sent its latest call to the cloud."""
    lately = timezone.now() - timedelta(seconds=2 * LONGEST_STEP_SECONDS)
    purposes = _CALLS_OF_DUTIES.get(duty.kind, [])
    calls = Exchange.objects.filter(cloud=duty.cloud, purpose__in=purposes, at__gte=lately)
    latest = calls.aggregate(latest=Max("at"))["latest"]
    return latest.isoformat() if latest else ""


def _pid(owner: str) -> int:
    return int(owner.split(":")[-2])
