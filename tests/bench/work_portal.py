"""A portal with a queue and workers of its own, beside a sandbox that makes snapshots at once."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.bench.loaded import database_at, server
from tests.bench.traced_worker import COMMITS, STATEMENTS, count_of
from tests.e2e.stack import Stack
from tests.faults.cloud import SandboxCloud
from tests.faults.portal import enter
from tests.faults.processes import ROOT, end

LATER = timedelta(minutes=30)  # until then nobody takes it
_PATIENCE_SECONDS = 240
_UNLIMITED = {"EVSPORTAL_STAFF_OPEN_REQUESTS": "1000000", "EVSPORTAL_STAFF_DAY_REQUESTS": "1000000"}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """What a number of operations took, from the moment that they became due to the last end."""

    operations: int
    seconds: float
    worker_cpu: float
    cloud_cpu: float
    commits: int
    statements: int
    grew_bytes: int


class WorkPortal:
    """This process is one of the portal's, too: it asks for operations, and reads their rows."""

    def __init__(self, folder: Path, *, database: str, volumes: int) -> None:
        self.folder = folder
        self.cloud = SandboxCloud(folder)
        self.cloud_url = f"http://127.0.0.1:{self.cloud.port}"
        settings = _UNLIMITED | {"EVSPORTAL_SANDBOX_URL": self.cloud_url}
        if (place := server(database)) != "sqlite":
            settings["DATABASE_URL"] = database_at(place, f"bench_work_{time.time_ns()}")
        self.environ = Stack(folder, **settings).environ
        enter(self.environ)
        from tests.faults.people import settle_in  # Django is set up only now

        ids = self.cloud.add_volumes(volumes)
        self._volume_ids = cycle(ids)
        self.person = settle_in(self.cloud.name, ids)
        self.workers: list[subprocess.Popen] = []

    def close(self) -> None:
        self.cloud.stop()

    # --- the queue -------------------------------------------------------------------------------

    def ask(self, count: int, *, is_due: bool = False) -> list[Any]:
        """Ask for snapshots, each of the next volume. They are sent later, or as soon as may be."""
        from django.utils import timezone

        from snapshots.models import Operation, Volume
        from snapshots.operations.asking import OperationArguments, ask_for_operation

        ids = list(islice(self._volume_ids, count))
        volumes = Volume.objects.filter(volume_id__in=ids)
        operations = []
        for volume in volumes:
            arguments = OperationArguments(volume=volume, name="bench")
            operation, _ = ask_for_operation(
                requester=self.person, key=uuid.uuid4(), arguments=arguments
            )
            operations.append(operation)
        if not is_due:
            keys = [operation.pk for operation in operations]
            later = timezone.now() + LATER
            Operation.objects.filter(pk__in=keys).update(due_at=later)
        return operations

    def make_due(self) -> datetime:
        """All that waits, at one moment."""
        from django.utils import timezone

        from snapshots.jobs.wakeup import wake_workers
        from snapshots.models import Operation

        now = timezone.now()
        Operation.objects.filter(state="queued").update(due_at=now)
        wake_workers()
        return now

    def open_count(self) -> int:
        from snapshots.models import OPEN, Operation

        return Operation.objects.filter(state__in=OPEN).count()

    def spend(self) -> Spent:
        """Let the workers do all that waits."""
        count = self.open_count()
        before, begun = self._counters(), time.perf_counter()
        self.make_due()
        until(lambda: not self.open_count())
        seconds = time.perf_counter() - begun
        return Spent(
            count,
            seconds,
            *(now - then for now, then in zip(self._counters(), before, strict=True)),
        )

    def _counters(self) -> tuple[float, float, int, int, int]:
        return (
            sum(cpu_seconds(worker.pid) for worker in self.workers),
            cpu_seconds(self.cloud.pid),
            count_of(self.folder, COMMITS),
            count_of(self.folder, STATEMENTS),
            _database_bytes(),
        )

    def forget_snapshots(self) -> None:
        """So that the lists of the next measurement are as long as those of the last."""
        from snapshots.models import Snapshot

        for snapshot in self.cloud.snapshots():
            self.cloud.control("DELETE", f"snapshots/{snapshot.id}")
        Snapshot.objects.all().delete()

    # --- the workers -----------------------------------------------------------------------------

    @contextmanager
    def working(self, count: int) -> Iterator[None]:
        """So many workers, which have done what they do first."""
        begun = time.time()
        for _ in range(count):
            with (self.folder / "workers.log").open("ab") as log:
                argv = [sys.executable, "-m", "tests.bench.traced_worker"]
                worker = subprocess.Popen(argv, cwd=ROOT, env=self.environ, stdout=log, stderr=log)
                self.workers.append(worker)
        try:
            until(lambda: self._have_begun(begun))
            time.sleep(1)
            yield
        finally:
            for worker in self.workers:
                end(worker)
            self.workers.clear()

    def _have_begun(self, since: float) -> bool:
        from snapshots.models import Duty, Worker

        read = Duty.objects.filter(kind__in=("inventory", "snapshots"), owner="")
        done = [duty.done_at.timestamp() > since for duty in read if duty.done_at]
        if any(worker.poll() is not None for worker in self.workers):
            raise RuntimeError((self.folder / "workers.log").read_text())
        return Worker.objects.count() == len(self.workers) and done == [True, True]


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError("The workers did not get there in time.")
        time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    """Of a process with all its threads, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _database_bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        pragmas = ("page_count", "freelist_count", "page_size")
        pages, free, size = (cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas)
        return int((pages - free) * size)
