"""The workers: real `manage worker` processes, killed and frozen on purpose, started again."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.plan import Violence
from tests.faults.processes import ROOT, end, owner_of

_EXCEPTION = re.compile(r"[a-zA-Z_.0-9]+(Error|Exception|Warning)\b")


@dataclass
class _Worker:
    process: subprocess.Popen
    wakes_at: float | None = None  # frozen until then
    begun_at: float = field(default_factory=time.monotonic)
    woken_at: float = float("-inf")
    is_ending: bool = False  # it was told to finish its work and end

    def is_awake_for(self, seconds: float) -> bool:
        since = max(self.begun_at, self.woken_at)
        is_at_work = self.wakes_at is None and not self.is_ending
        return is_at_work and time.monotonic() - since >= seconds


@dataclass
class Nursery:
    """Keeps `count` workers running between `start` and `stop`."""

    folder: Path
    count: int
    seed: int
    frozen_seconds: float
    broken: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)  # what was done to workers
    kills_allowed: int = 0  # so far; grows with the run
    freezes_allowed: int = 0
    kills: int = 0
    freezes: int = 0
    _workers: list[_Worker] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _started: int = 0

    def start(self) -> None:
        self._random = random.Random(f"{self.seed}/nursery")
        self._thread = threading.Thread(target=self._run, name="nursery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    def speaker(self, port: int) -> int | None:
        """The worker whose end of a connection has this port."""
        with self._lock:
            pids = [one.process.pid for one in self._workers]
        return owner_of(port, pids)

    def strike(self, pid: int | None, violence: Violence) -> None:
        """Kill or freeze this worker."""
        with self._lock:
            worker = self._known(pid)
            if worker is None:
                self.done["missed"] += 1
            elif violence.freeze:
                self._freeze(worker, f"frozen, {violence.moment}")
            else:
                self._kill(worker, f"killed, {violence.moment}")

    def strike_anyone(self) -> None:
        """At no particular moment."""
        with self._lock:
            worker, draw = self._random.choice(self._workers), self._random.random()
            if draw < 0.4:
                self._freeze(worker, "frozen, at random")
            elif draw < 0.8:
                self._kill(worker, "killed, at random")
            else:
                self._end(worker, "told to end, at random")

    def kill(self, pid: int) -> None:
        """This worker, whatever is allowed."""
        with self._lock:
            if (worker := self._known(pid)) is not None:
                self.done["killed"] += 1
                worker.process.kill()

    def replace(self, pid: int) -> None:
        """As an upgrade does it: the worker finishes what it has begun, and a new one comes."""
        with self._lock:
            if (worker := self._known(pid)) is not None:
                self.done["replaced"] += 1
                worker.is_ending = True
                worker.process.terminate()

    def pids(self, *, awake_for: float = 0.0) -> list[int]:
        """The workers that are awake, for so many seconds at least."""
        with self._lock:
            return [one.process.pid for one in self._workers if one.is_awake_for(awake_for)]

    def living(self) -> list[int]:
        """All workers that were not killed, frozen ones too."""
        with self._lock:
            return [one.process.pid for one in self._workers if one.process.poll() is None]

    def hold(self, pid: int, seconds: float) -> bool:
        """Freeze this worker, whatever is allowed, for at most so long; False where it cannot be:
        it is gone, or another is frozen, or it is the only one.
        """
        with self._lock:
            worker = self._known(pid)
            if worker is None or not self.is_calm() or len(self._workers) < 2:
                return False
            if worker.process.poll() is not None:
                return False
            os.kill(pid, signal.SIGSTOP)
            worker.wakes_at = time.monotonic() + seconds
            return True

    def wake(self, pid: int) -> bool:
        """Let a held worker go on; False where it was killed meanwhile."""
        with self._lock:
            worker = self._known(pid)
            if worker is None or worker.wakes_at is None or worker.process.poll() is not None:
                return False
            worker.wakes_at, worker.woken_at = None, time.monotonic()
            os.kill(pid, signal.SIGCONT)
            return True

    def note(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1

    def _known(self, pid: int | None) -> _Worker | None:
        return next((one for one in self._workers if one.process.pid == pid), None)

    def is_calm(self) -> bool:
        with self._lock:
            return all(one.wakes_at is None for one in self._workers)

    def errors(self) -> dict[str, int]:
        """What exceptions the workers told of in their logs."""
        lines = (
            line
            for path in self.folder.glob("worker-*.log")
            for line in path.read_text(errors="replace").splitlines()
        )
        return dict(Counter(line[:120] for line in lines if _EXCEPTION.match(line)))

    def broke_off(self) -> list[str]:
        """Each step that broke off, as the workers logged it."""
        return [
            f"{path.name}: {line[:200]}"
            for path in sorted(self.folder.glob("worker-*.log"))
            for line in path.read_text(errors="replace").splitlines()
            if line.endswith("broke off.")
        ]

    def _kill(self, worker: _Worker, how: str) -> None:
        if self.kills >= self.kills_allowed:
            return
        self.kills += 1
        self.done[how] += 1
        worker.process.kill()

    def _end(self, worker: _Worker, how: str) -> None:
        """As a restart or a reload does it: the worker finishes what it has begun."""
        if self.kills >= self.kills_allowed or worker.is_ending or worker.wakes_at is not None:
            return
        self.kills += 1
        self.done[how] += 1
        worker.is_ending = True
        worker.process.terminate()

    def _freeze(self, worker: _Worker, how: str) -> None:
        # One at a time: others must be awake to take over what it holds.
        spent = self.freezes >= self.freezes_allowed
        if spent or not self.is_calm() or len(self._workers) < 2:
            return
        with suppress(ProcessLookupError):
            os.kill(worker.process.pid, signal.SIGSTOP)
            self.freezes += 1
            self.done[how] += 1
            worker.wakes_at = time.monotonic() + self.frozen_seconds

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                self._tend()
            self._stopping.wait(0.02)
        with self._lock:
            for worker in self._workers:
                end(worker.process)

    def _tend(self) -> None:
        for worker in list(self._workers):
            if worker.process.poll() is not None:
                self._note_death(worker)
            elif worker.wakes_at is not None and time.monotonic() > worker.wakes_at:
                worker.wakes_at, worker.woken_at = None, time.monotonic()
                os.kill(worker.process.pid, signal.SIGCONT)
        while len(self._workers) < self.count:
            self._workers.append(_Worker(self._begin()))

    def _note_death(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        expected = worker.is_ending and worker.process.returncode == 0
        if worker.process.returncode != -signal.SIGKILL and not expected:
            self.done[f"died by itself, status {worker.process.returncode}"] += 1

    def _begin(self) -> subprocess.Popen:
        self._started += 1
        argv = [sys.executable, "-m", "tests.faults.worker"]
        if self.broken:
            argv += ["--break", self.broken]
        with (self.folder / f"worker-{self._started}.log").open("wb") as log:
            return subprocess.Popen(
                argv, cwd=ROOT, env=self.environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
