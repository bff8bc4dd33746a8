"""What messages say is due, between the threads that receive them and the loop that claims."""

import threading
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Notice:
    """A row that a message names."""

    is_duty: bool
    key: str  # of an operation its id, of a duty its name
    lane: str  # a cloud, a push target, or "" for what belongs to none


class Outcome(Enum):
    """What became of a notice."""

    DONE = auto()  # this worker took the step
    NOTHING_DUE = auto()  # somebody else took it, or it is not due
    REFUSED = auto()  # this worker stops; another should get the message


class _Answer:
    """Of one notice, waited for by each thread that brought it."""

    def __init__(self) -> None:
        self._given = threading.Event()
        self._outcome = Outcome.NOTHING_DUE

    def give(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._given.set()

    def wait(self, seconds: float) -> Outcome:
        self._given.wait(seconds)
        return self._outcome


class Notices:
    """Notices that wait for the loop, and those whose rows are being worked on."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self._lock = threading.Lock()
        self._waiting: dict[Notice, _Answer] = {}
        self._running: dict[Notice, _Answer] = {}
        self._is_closed = False

    def bring(self, notice: Notice, *, seconds: float) -> Outcome:
        """Have the loop claim this row, and wait until its step has ended, at most so long."""
        with self._lock:
            if self._is_closed:
                return Outcome.REFUSED
            answer = self._waiting.setdefault(notice, _Answer())
        self.wake()
        return answer.wait(seconds)

    def waiting(self, *, is_duty: bool, lane: str | None = None) -> set[str]:
        """The keys of rows to claim; without a lane, of all lanes."""
        with self._lock:
            return {
                notice.key
                for notice in self._waiting
                if notice.is_duty is is_duty and lane in {None, notice.lane}
            }

    def begin(self, notice: Notice) -> None:
        """Its row was claimed."""
        with self._lock:
            if answer := self._waiting.pop(notice, None):
                self._running[notice] = answer

    def end(self, notice: Notice) -> None:
        """The step of its row has ended."""
        with self._lock:
            answer = self._running.pop(notice, None)
        if answer:
            answer.give(Outcome.DONE)

    def dismiss(self, keys: Iterable[str], *, is_duty: bool) -> None:
        """The loop has looked, and these rows could not be claimed."""
        gone = set(keys)
        self._answer(
            lambda notice: notice.is_duty is is_duty and notice.key in gone, Outcome.NOTHING_DUE
        )

    def keep_lanes(self, lanes: Container[str], *, is_duty: bool) -> None:
        """The loop does not look for rows of other lanes: their messages are dismissed."""
        self._answer(
            lambda notice: notice.is_duty is is_duty and notice.lane not in lanes,
            Outcome.NOTHING_DUE,
        )

    def close(self) -> None:
        """Refuse what waits, and whatever is brought from now on."""
        with self._lock:
            self._is_closed = True
        self._answer(lambda _notice: True, Outcome.REFUSED)

    def abandon(self) -> None:
        """As `close`; nobody will say how the steps in hand end."""
        self.close()
        with self._lock:
            answers = list(self._running.values())
            self._running.clear()
        for answer in answers:
            answer.give(Outcome.REFUSED)

    def _answer(self, concerns: Callable[[Notice], bool], outcome: Outcome) -> None:
        with self._lock:
            concerned = [notice for notice in self._waiting if concerns(notice)]
            answers = [self._waiting.pop(notice) for notice in concerned]
        for answer in answers:
            answer.give(outcome)
