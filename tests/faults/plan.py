"""What goes wrong, how often, and the seeded drawing of it.

Each kind of exchange has a stream of its own: the n-th create of a seed meets the same fault in
every run, whatever the readings beside it do.
"""

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    CREATE = "create"
    CHANGE = "change"  # of what is there: renaming, metadata, deleting, rolling back, restoring
    WHOLE = "whole"  # a list of the whole project: all that it does not have seems to be gone
    READ = "read"
    LOGIN = "login"
    OTHER = "other"


class Act(StrEnum):
    """What the proxy does with an exchange; `answers.py` words what is sent."""

    PASS = "pass"
    RESET = "reset"  # RST instead of any answer
    HANG = "hang"  # nothing comes until the client has left
    CUT = "cut"  # the connection ends before the answer
    CUT_WITHIN = "cut within"
    DELAY = "delay"  # the whole answer, too late
    DRIP = "drip"  # byte by byte, past the deadline
    LATE = "late"  # the client is cut off; the request reaches the cloud some time after
    DROP = "drop"  # a good answer, then the kept connection ends without a word
    WORDS = "words"  # a wrong answer


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `executed`: the cloud carries the request out before it does."""

    name: str
    act: Act
    executed: bool
    answer: str = ""  # which wrong answer
    proves_nothing_made: bool = False  # by the API's contract a clear "no"

    def __str__(self) -> str:
        return f"{self.name}, {'executed' if self.executed else 'not executed'}"


CLEAN = Fault("pass", Act.PASS, executed=True)
# The cloud is away for everybody.
DARK = (
    Fault("dark: hang", Act.HANG, executed=False),
    Fault("dark: reset", Act.RESET, executed=False),
    Fault("dark: hang", Act.HANG, executed=True),
)


def _both(name: str, act: Act, weight: float, answer: str = "") -> list[tuple[Fault, float]]:
    return [(Fault(name, act, executed, answer), weight) for executed in (True, False)]


def _words(name: str, weight: float) -> list[tuple[Fault, float]]:
    return _both(name, Act.WORDS, weight, name)


def _clear_no(name: str, weight: float) -> list[tuple[Fault, float]]:
    # These mean "not executed" by contract: a cloud that executes first breaks its own word.
    return [(Fault(name, Act.WORDS, executed=False, answer=name, proves_nothing_made=True), weight)]


_OF_ANY = [
    *_both("reset", Act.RESET, 1.5),
    *_both("hang", Act.HANG, 1),
    *_both("cut", Act.CUT, 2),
    (Fault("cut within", Act.CUT_WITHIN, executed=True), 2.5),
    (Fault("delay", Act.DELAY, executed=True), 1.5),
    (Fault("drip", Act.DRIP, executed=True), 0.7),
    (Fault("late", Act.LATE, executed=True), 2.5),
    (Fault("drop", Act.DROP, executed=True), 1.5),
    *_words("500", 1),
    *_words("502", 1),
    *_words("503", 1),
    *_words("504", 1),
    *_words("garbage", 0.8),
    *_words("truncated", 1),
    *_words("html", 0.8),
    *_words("empty", 0.8),
    (Fault("wrong type", Act.WORDS, executed=True, answer="wrong type"), 0.8),
    *_words("huge", 0.1),
    *_words("redirect", 0.8),
    *_words("no length", 0.5),
    *_clear_no("429", 1.5),
    *_clear_no("503 later", 1.5),
]
_OF_CREATES = [
    *_clear_no("409", 0.7),
    *_clear_no("413", 0.4),
    *_clear_no("404", 0.3),
    *_clear_no("401", 1),  # sent again at once with a new token: the one case of two in a step
]
_OF_CHANGES = [*_clear_no("409", 0.7), *_clear_no("401", 1)]
# Lists that lie: with an answer that looks as good as any other.
_OF_WHOLE_LISTS = [
    (Fault("empty list", Act.WORDS, executed=True, answer="empty list"), 12),
    (Fault("half a list", Act.WORDS, executed=True, answer="half a list"), 12),
]
_TABLES = {
    Kind.CREATE: (0.5, [*_OF_ANY, *_OF_CREATES]),
    Kind.CHANGE: (0.4, [*_OF_ANY, *_OF_CHANGES]),
    Kind.WHOLE: (0.22, [*_OF_ANY, *_OF_WHOLE_LISTS]),
    Kind.READ: (0.22, _OF_ANY),
    Kind.LOGIN: (0.3, _OF_ANY),
    Kind.OTHER: (0.2, _OF_ANY),
}


class AtOnce(StrEnum):
    """What a connection meets before a byte of it is read."""

    NOTHING = "nothing"
    RESET = "reset"
    REFUSE = "refuse"  # the next ones are refused


class Moment(StrEnum):
    """Where in an exchange its worker is killed or frozen."""

    CONNECTED = "connected"  # before a byte was read: the request is seen nowhere
    ARRIVED = "arrived"  # the proxy has it, the cloud does not
    EXECUTED = "executed"  # the cloud has answered, the worker does not know
    ANSWERED = "answered"  # the answer is on its way: before it is recorded
    RECORDED = "recorded"  # a moment later: mostly after it is recorded


_OF_EXCHANGES = [one for one in Moment if one is not Moment.CONNECTED]
_FREEZES = 0.35  # of the violence; the rest kills


@dataclass(frozen=True)
class Violence:
    """What is done to the worker that speaks."""

    moment: Moment
    freeze: bool = False  # SIGSTOP past the lease, then SIGCONT; else SIGKILL


class Drawer:
    """Draws faults and violence; the same numbers for the same seed."""

    def __init__(self, seed: int, *, creates_per_kill: float) -> None:
        self._streams = {kind: random.Random(f"{seed}/{kind}") for kind in Kind}
        self._violence = random.Random(f"{seed}/violence")
        self._connections = random.Random(f"{seed}/connections")
        self._dark = random.Random(f"{seed}/dark")
        self._share = 1 / creates_per_kill

    def fault(self, kind: Kind) -> Fault:
        stream = self._streams[kind]
        share, table = _TABLES[kind]
        faulty, choice = stream.random() < share, stream.random()
        return _weighted(table, choice) if faulty else CLEAN

    def seconds(self, kind: Kind, least: float, most: float) -> float:
        return self._streams[kind].uniform(least, most)

    def dark(self) -> Fault:
        return self._dark.choice(DARK)

    def violence(self, kind: Kind) -> Violence | None:
        """For a request that changes something; readings meet it seldom, sign-ins often: behind a
        sign-in stand all threads of a worker with what they have claimed and not yet sent.
        """
        if kind is Kind.LOGIN:
            return Violence(Moment.ARRIVED, freeze=True) if self._violence.random() < 0.5 else None
        changes = kind in {Kind.CREATE, Kind.CHANGE}
        share = self._share if changes else self._share / 10
        hit, moment = self._violence.random() < share, self._violence.choice(_OF_EXCHANGES)
        freeze = self._violence.random() < _FREEZES
        return Violence(moment, freeze) if hit else None

    def connection(self) -> tuple[AtOnce, Violence | None]:
        """What a new connection meets."""
        draw = self._connections.random()
        freeze = self._connections.random() < _FREEZES
        if draw < self._share / 4:
            return AtOnce.NOTHING, Violence(Moment.CONNECTED, freeze)
        draw -= self._share / 4
        if draw < 0.015:
            return AtOnce.RESET, None
        return (AtOnce.REFUSE if draw < 0.03 else AtOnce.NOTHING), None


def _weighted(table: list[tuple[Fault, float]], choice: float) -> Fault:
    left = choice * sum(weight for _, weight in table)
    for fault, weight in table:
        left -= weight
        if left < 0:
            return fault
    return table[-1][0]
