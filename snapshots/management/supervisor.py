"""Keeps a handful of programs running under one parent. Knows nothing of Django or of the portal.

What dies is started again after a pause that doubles, so a program that cannot start does not eat
the machine; one that lived for a while starts with a short pause again. Each program has a process
group of its own: Ctrl-C reaches the parent alone, which then ends all of them in one way (SIGTERM,
a grace period, SIGKILL), and whatever a program left behind goes with its group.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] | None = None  # None: the parent's
    delay_seconds: float = 0  # leaves the processors to whoever should be there first


@dataclass(frozen=True)
class Patience:
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30
    healthy_seconds: float = 20  # having lived this long, a death starts the pauses over
    grace_seconds: float = 10
    tick_seconds: float = 0.1  # how often `each_tick` is asked


def die_with(parent: int, *, by: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn`: the kernel signals the program when `parent` is gone, even by kill -9.

    Linux only; elsewhere a parent killed by -9 leaves its programs running.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def arrange() -> None:
        if libc is None:
            return
        libc.prctl(_PR_SET_PDEATHSIG, int(by))
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return arrange


def _how(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with status {returncode}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"was ended by signal {-returncode}"


@dataclass
class _Child:
    program: Program
    patience: Patience
    report: Callable[[str], None]
    pause: float = 0
    due: float = 0
    started_at: float = 0
    process: subprocess.Popen[bytes] | None = None

    def tend(self, now: float) -> None:
        """Notices a death, and starts what is due."""
        if self.process is not None:
            returncode = self.process.poll()
            if returncode is None:
                return
            self._note_death(now, _how(returncode))
        if now >= self.due:
            self._start(now)

    def signal(self, signum: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(signum)

    def is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def sweep(self) -> None:
        """Kills the whole group: the program, or what it left behind when it died."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _start(self, now: float) -> None:
        self.started_at = now
        try:
            self.process = subprocess.Popen(  # noqa: S603 - the parent's own argv lists
                self.program.argv,
                env=self.program.environ,
                stdin=subprocess.DEVNULL,
                process_group=0,
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 - the parent has no threads
            )
        except OSError as error:
            self._postpone(now, f"could not be started: {error.strerror}")

    def _note_death(self, now: float, how: str) -> None:
        # A master killed by -9 leaves workers that still hold its port.
        self.sweep()
        self._postpone(now, how)

    def _postpone(self, now: float, how: str) -> None:
        patience = self.patience
        if now - self.started_at >= patience.healthy_seconds or not self.pause:
            self.pause = patience.first_pause_seconds
        else:
            self.pause = min(self.pause * 2, patience.longest_pause_seconds)
        self.due = now + self.pause
        self.report(f"{self.program.name} {how}; starting it again in {self.pause:g} s")


def _tell(line: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{stamp} serve: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a program's voice


@dataclass
class Supervisor:
    """Runs the programs until it is told to stop by SIGTERM, SIGINT or SIGHUP.

    `each_tick` is asked about every tick until it answers True: "is the page there yet?".
    """

    programs: Sequence[Program]
    patience: Patience = field(default_factory=Patience)
    report: Callable[[str], None] = _tell
    each_tick: Callable[[], bool] | None = None
    _stops: list[int] = field(default_factory=list, init=False)

    def run(self) -> None:
        now = time.monotonic()
        children = [
            _Child(program, self.patience, self.report, due=now + program.delay_seconds)
            for program in self.programs
        ]
        with self._waking() as wait:
            try:
                while not self._stops:
                    self._round(children, wait)
            finally:
                self._end(children, wait)

    def _round(self, children: Sequence[_Child], wait: Callable[[float | None], None]) -> None:
        now = time.monotonic()
        for child in children:
            child.tend(now)
        if self.each_tick and self.each_tick():
            self.each_tick = None
        waiting = [child.due - now for child in children if child.process is None]
        if self.each_tick:
            waiting.append(self.patience.tick_seconds)
        wait(max(min(waiting), 0) if waiting else None)

    def _end(self, children: Sequence[_Child], wait: Callable[[float | None], None]) -> None:
        # SIGTERM whatever we were sent: the programs then need to know one way of ending only.
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.patience.grace_seconds
        while not all(child.is_gone() for child in children):
            left = deadline - time.monotonic()
            if left <= 0 or len(self._stops) > 1:  # asked twice: a person who will not wait
                break
            wait(left)
        for child in children:
            if not child.is_gone():
                self.report(f"{child.program.name} did not end in time; killing it")
            child.sweep()

    @contextlib.contextmanager
    def _waking(self) -> Iterator[Callable[[float | None], None]]:
        """Yields a wait that any signal cuts short: a stop, or the death of a child."""
        reader, writer = socket.socketpair()
        with reader, writer, selectors.DefaultSelector() as selector:
            reader.setblocking(False)
            writer.setblocking(False)
            selector.register(reader, selectors.EVENT_READ)

            def wait(seconds: float | None) -> None:
                if selector.select(seconds):
                    with contextlib.suppress(BlockingIOError):
                        reader.recv(4096)

            def note_stop(signum: int, _frame: object) -> None:
                self._stops.append(signum)

            before = {number: signal.signal(number, note_stop) for number in _STOP_SIGNALS}
            before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
            wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            try:
                yield wait
            finally:
                signal.set_wakeup_fd(wakeup)
                for number, handler in before.items():
                    signal.signal(number, handler)
