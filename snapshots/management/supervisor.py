"""Keeps a few programs running under one parent. Knows nothing of Django or of the portal.

What dies is started again after a pause that doubles, so a program that cannot start does not eat
the machine; one that lived for a while starts with a short pause again. Each program has a process
group of its own: Ctrl-C reaches the parent alone, which then ends all of them in one way (SIGTERM,
a grace period, SIGKILL), and whatever a program left behind goes with its group.

SIGHUP replaces the programs by new processes, which read all settings again, without a gap: first a
program that checks the settings must succeed; then one program after the other is started a second
time, and only when the new process says that it is ready, the old one is told to end its work.
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

from evsportal.readiness import READY_FD

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Program:
    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] | None = None  # None: the parent's
    delay_seconds: float = 0  # leaves the processors to the program that should be there first
    pass_fds: tuple[int, ...] = ()  # such as a listening socket, which outlives the process
    is_reloaded: bool = True  # by SIGHUP; then it must call `announce_ready`
    ends_last: bool = False  # the others need it to finish their work


@dataclass(frozen=True)
class Patience:
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30
    healthy_seconds: float = 20  # having lived this long, a death starts the pauses over
    grace_seconds: float = 10
    tick_seconds: float = 0.1  # how often `each_tick` is asked
    ready_seconds: float = 60  # a new process that is not ready by then is given up
    retire_seconds: float = 120  # a replaced process may finish its work for so long


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


def _spawn(program: Program, *fds: int, **environ: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        program.argv,
        env={**(os.environ if program.environ is None else program.environ), **environ},
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 - the parent has no threads
        pass_fds=(*program.pass_fds, *fds),
    )


def _sweep(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass
class _Successor:
    """A new process of a program that still runs, until it is ready to take over."""

    process: "subprocess.Popen[bytes]"
    started_at: float
    pipe: int

    @classmethod
    def start(cls, program: Program, now: float) -> "_Successor":
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            process = _spawn(program, writer, **{READY_FD: str(writer)})
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        return cls(process, now, reader)

    def is_ready(self) -> bool:
        try:
            ready = bool(os.read(self.pipe, 1))
        except BlockingIOError:
            ready = False
        if ready:
            os.close(self.pipe)
        return ready

    def trouble(self, now: float, ready_seconds: float) -> str:
        """Why it will not take over; "" while it may."""
        returncode = self.process.poll()
        late = now - self.started_at > ready_seconds
        if returncode is None and not late:
            return ""
        os.close(self.pipe)
        if returncode is None:
            return f"was not ready within {ready_seconds:g} s when started again"
        return f"{_how(returncode)} when started again"


@dataclass
class _Retired:
    """A process that was replaced, and finishes its work."""

    process: "subprocess.Popen[bytes]"
    ends_at: float

    def has_ended(self, now: float, report: Callable[[str], None]) -> bool:
        if self.process.poll() is None and now < self.ends_at:
            return False
        if self.process.returncode is None:
            report("did not end in time after it was replaced; killing it")
        _sweep(self.process)
        return True


@dataclass
class _Child:
    program: Program
    patience: Patience
    report: Callable[[str], None]
    pause: float = 0
    due: float = 0
    started_at: float = 0
    process: subprocess.Popen[bytes] | None = None
    successor: "_Successor | None" = None
    retired: "list[_Retired]" = field(default_factory=list)

    def tend(self, now: float) -> None:
        """Notices a death, and starts what is due."""
        self.retired = [
            process for process in self.retired if not process.has_ended(now, self._tell)
        ]
        if self.process is not None:
            returncode = self.process.poll()
            if returncode is None:
                return
            self._note_death(now, _how(returncode))
        if now >= self.due:
            self._start(now)

    def replace(self, now: float) -> bool | None:
        """Takes the replacement one step on. True: done; False: given up; None: not yet."""
        if self.successor is None:
            try:
                self.successor = _Successor.start(self.program, now)
            except OSError as error:
                self._tell(f"could not be started again: {error.strerror}; the one before stays")
                return False
        if self.successor.is_ready():
            if self.process is not None:
                self.process.send_signal(signal.SIGTERM)
                ends_at = now + self.patience.retire_seconds
                self.retired.append(_Retired(self.process, ends_at))
            self.process, self.started_at = self.successor.process, self.successor.started_at
            self.successor, self.pause = None, 0
            return True
        trouble = self.successor.trouble(now, self.patience.ready_seconds)
        if trouble:
            self._tell(f"{trouble}; the process before stays")
            _sweep(self.successor.process)
            self.successor = None
        return False if trouble else None

    def signal(self, signum: signal.Signals) -> None:
        for process in self._processes():
            process.send_signal(signum)

    def is_gone(self) -> bool:
        return all(process.poll() is not None for process in self._processes())

    def sweep(self) -> None:
        """Kills the whole group: the program, or what it left behind when it died."""
        for process in self._processes():
            _sweep(process)
        self.process = self.successor = None
        self.retired = []

    def _processes(self) -> "list[subprocess.Popen[bytes]]":
        own = [self.process, self.successor and self.successor.process]
        return [process for process in own if process] + [old.process for old in self.retired]

    def _tell(self, event: str) -> None:
        self.report(f"{self.program.name} {event}")

    def _start(self, now: float) -> None:
        self.started_at = now
        try:
            self.process = _spawn(self.program)
        except OSError as error:
            self._postpone(now, f"could not be started: {error.strerror}")

    def _note_death(self, now: float, how: str) -> None:
        # A master killed by -9 leaves workers that still hold its port.
        if self.process is not None:
            _sweep(self.process)
            self.process = None
        self._postpone(now, how)

    def _postpone(self, now: float, how: str) -> None:
        patience = self.patience
        if now - self.started_at >= patience.healthy_seconds or not self.pause:
            self.pause = patience.first_pause_seconds
        else:
            self.pause = min(self.pause * 2, patience.longest_pause_seconds)
        self.due = now + self.pause
        self.report(f"{self.program.name} {how}; starting it again in {self.pause:g} s")


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _tell(line: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(
        OSError
    ):  # the terminal was closed: the programs are still to be ended
        print(f"{stamp} serve: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a program's voice


@dataclass
class Supervisor:
    """Runs the programs until it is told to stop by SIGTERM or SIGINT, or its terminal is closed.

    `each_tick` is asked about every tick until it answers True: "is the page there yet?".
    `before_reload` checks the settings when SIGHUP came; without its success nothing is replaced.
    """

    programs: Sequence[Program]
    patience: Patience = field(default_factory=Patience)
    report: Callable[[str], None] = _tell
    each_tick: Callable[[], bool] | None = None
    before_reload: Program | None = None
    _stops: list[int] = field(default_factory=list, init=False)
    _reload_asked: bool = field(default=False, init=False)
    _check: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _to_replace: "list[_Child]" = field(default_factory=list, init=False)

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
        self._reload(children, now)
        waiting = [child.due - now for child in children if child.process is None]
        waiting += [old.ends_at - now for child in children for old in child.retired]
        if self.each_tick or self._check or self._to_replace or self._reload_asked:
            waiting.append(self.patience.tick_seconds)
        wait(max(min(waiting), 0) if waiting else None)

    def _reload(self, children: Sequence[_Child], now: float) -> None:
        """Takes a reload one step on: the check, then one program after the other."""
        if self._check is not None and self._check.poll() is not None:
            self._to_replace = self._after_check(self._check.returncode, children)
            self._check = None
        elif self._to_replace:
            done = self._to_replace[0].replace(now)
            if done is not None:
                self._to_replace = self._to_replace[1:] if done else []
                if not self._to_replace:
                    self.report("reloaded" if done else "reload given up")
        elif self._reload_asked and self._check is None:
            self._reload_asked = False
            if self.before_reload is None:
                self._to_replace = self._after_check(0, children)
            else:
                self.report("checking the settings before a reload")
                try:
                    self._check = _spawn(self.before_reload)
                except OSError as error:
                    self.report(f"not reloaded: no process can be started: {error.strerror}")

    def _after_check(self, returncode: int, children: Sequence[_Child]) -> "list[_Child]":
        if returncode != 0:
            self.report("not reloaded: the settings before stay in force; see above for the reason")
            return []
        return [child for child in children if child.program.is_reloaded]

    def _end(self, children: Sequence[_Child], wait: Callable[[float | None], None]) -> None:
        # SIGTERM whatever we were sent: the programs then need to know one way of ending only.
        if self._check is not None:
            _sweep(self._check)
        for is_last in (False, True):
            some = [child for child in children if child.program.ends_last is is_last]
            self._end_some(some, wait)

    def _end_some(self, children: Sequence[_Child], wait: Callable[[float | None], None]) -> None:
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

            ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # nohup
            had_terminal = _has_terminal() and not ignores_hangup

            def note_hangup(signum: int, _frame: object) -> None:
                if had_terminal and not _has_terminal():  # it was closed: nobody asked to reload
                    self._stops.append(signum)
                else:
                    self._reload_asked = True

            before = {number: signal.signal(number, note_stop) for number in _STOP_SIGNALS}
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, note_hangup)
            before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
            wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            try:
                yield wait
            finally:
                signal.set_wakeup_fd(wakeup)
                for number, handler in before.items():
                    signal.signal(number, handler)
