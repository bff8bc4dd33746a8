"""Simulated time, and what the portal's tables hold: requests, duties, how each cloud is."""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from snapshots.models import BUSY, FINAL, OperationState
from snapshots.operations.transitions import Move, columns_of
from tests.bench.scenario import Wish
from tests.bench.simulated_cloud import SimulatedCloud, Snapshot

_BEGIN = datetime(2026, 1, 1, 22, tzinfo=UTC)

Task = Iterator[float]  # yields the seconds until it goes on


def moment(seconds: float) -> datetime:
    """The rules count in dates."""
    return _BEGIN + timedelta(seconds=seconds)


def seconds_at(at: datetime) -> float:
    return (at - _BEGIN).total_seconds()


class Events:
    """Simulated time: tasks in the order in which they go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self._tasks: list[tuple[float, int, Task]] = []
        self._numbers = count()

    @property
    def date(self) -> datetime:
        return moment(self.now)

    def start(self, task: Task, *, at: float | None = None) -> None:
        when = self.now if at is None else at
        heapq.heappush(self._tasks, (when, next(self._numbers), task))

    def run(self, *, until: float) -> None:
        while self._tasks and self._tasks[0][0] <= until:
            self.now, _, task = heapq.heappop(self._tasks)
            pause = next(task, None)
            if pause is not None:
                heapq.heappush(self._tasks, (self.now + pause, next(self._numbers), task))
        self.now = until


@dataclass(slots=True, eq=False)
class Request:
    """An operation: the columns of its row that moves write, and what the cloud made of it."""

    wish: Wish
    state_at: datetime
    state: OperationState = OperationState.QUEUED
    sent_at: datetime | None = None
    finished_at: datetime | None = None
    outcome_code: str = ""
    outcome_values: dict[str, str] = field(default_factory=dict)
    code: str = ""
    request_id: str = ""
    fails: int = 0
    failing_since: datetime | None = None
    looks: int = 0
    waited_seconds: float = 0.0
    first_sent: float | None = None
    made: Snapshot | None = None


@dataclass(slots=True, eq=False)
class Duty:
    """The row of a duty; `due` is None while it rests."""

    kind: str
    cloud: "CloudRows"
    due: float | None = None
    is_claimed: bool = False
    fails: int = 0
    rests_until: datetime | None = None


@dataclass(slots=True, eq=False)
class CloudRows:
    """What the tables say of a cloud."""

    cloud: SimulatedCloud
    due: list[tuple[float, int, Request]] = field(default_factory=list)  # a heap
    accepted: dict[Request, None] = field(default_factory=dict)  # in the order of acceptance
    lines: dict[int, deque[Request]] = field(default_factory=dict)  # by volume
    duties: dict[str, Duty] = field(default_factory=dict)
    due_duties: list[Duty] = field(default_factory=list)
    fails: int = 0
    retry_at: float | None = None  # the breaker is open until a probe is answered
    recovered_at: datetime | None = None
    whole_readings: list[float] = field(default_factory=list)  # when they ended
    broken_readings: int = 0


class Tables:
    """The portal's tables, which all workers share."""

    def __init__(self, events: Events, clouds: list[SimulatedCloud]) -> None:
        self.clouds = [CloudRows(cloud) for cloud in clouds]
        self.with_due: set[int] = set()  # clouds whose requests are due
        self.with_due_duties: dict[CloudRows, None] = {}
        self._events = events
        self._numbers = count()
        self._planned: list[tuple[float, int, Request]] = []
        self._planned_duties: list[tuple[float, int, Duty]] = []

    def add(self, request: Request) -> bool:
        """Whether it can be claimed at once."""
        rows = self.clouds[request.wish.cloud]
        rows.lines.setdefault(request.wish.volume, deque()).append(request)
        if self.is_claimable(request):
            self.plan(request, at=self._events.now)
            return True
        return False

    def is_claimable(self, request: Request) -> bool:
        """A waiting request only as the first of its line."""
        line = self.clouds[request.wish.cloud].lines[request.wish.volume]
        return request.state in BUSY or line[0] is request

    def plan(self, request: Request, *, at: float) -> None:
        heapq.heappush(self._planned, (at, next(self._numbers), request))

    def move(self, request: Request, move: Move) -> None:
        """Write a move as the state machine writes it; it refuses what it does not know."""
        rows = self.clouds[request.wish.cloud]
        columns = columns_of(move, before=request.state, now=self._events.date)
        for name, value in columns.items():
            setattr(request, name, value)
        if move.to is OperationState.ACCEPTED:
            rows.accepted[request] = None
        if move.due_at is not None:
            self.plan(request, at=seconds_at(move.due_at))
        if move.to in FINAL:
            rows.accepted.pop(request, None)
            self._let_next_follow(request)

    def _let_next_follow(self, request: Request) -> None:
        rows = self.clouds[request.wish.cloud]
        line = rows.lines[request.wish.volume]
        line.remove(request)
        if not line:
            del rows.lines[request.wish.volume]
        elif self.is_claimable(line[0]):
            self.plan(line[0], at=self._events.now)

    def start_duty(self, rows: CloudRows, kind: str, *, at: float) -> None:
        """Make the duty due by then at the latest, or when its rest is over."""
        duty = rows.duties[kind]
        if duty.rests_until is not None:
            at = max(at, seconds_at(duty.rests_until))
        if not duty.is_claimed and (duty.due is None or duty.due > at):
            duty.due = at
            heapq.heappush(self._planned_duties, (at, next(self._numbers), duty))

    def end_duty(self, duty: Duty, *, due: float | None, fails: int = 0) -> None:
        duty.is_claimed, duty.due, duty.fails = False, None, fails
        if due is not None:
            duty.due = due
            heapq.heappush(self._planned_duties, (due, next(self._numbers), duty))

    def look(self) -> None:
        """What has become due since the last look."""
        now = self._events.now
        while self._planned and self._planned[0][0] <= now:
            item = heapq.heappop(self._planned)
            number = item[2].wish.cloud
            heapq.heappush(self.clouds[number].due, item)
            self.with_due.add(number)
        while self._planned_duties and self._planned_duties[0][0] <= now:
            due, _, duty = heapq.heappop(self._planned_duties)
            if duty.due == due and not duty.is_claimed:
                duty.cloud.due_duties.append(duty)
                self.with_due_duties[duty.cloud] = None
