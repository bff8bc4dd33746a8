"""A worker's process and the steps that it takes. What follows from an answer, and after which
pause, is decided by the product's own functions.
"""

import math
from collections.abc import Generator
from datetime import timedelta

from django.conf import settings

from snapshots.clouds.health import breaker_pause, is_trouble_of_cloud, keeps_open
from snapshots.duties.snapshots import PAGE_ROWS, pause_after_reading
from snapshots.evs.calls import PAGE_SIZE, PAUSES_SECONDS
from snapshots.evs.clock import Clock
from snapshots.evs.connection import Pacer
from snapshots.evs.errors import EvsError
from snapshots.jobs.duties import INVENTORY, PROBE, SNAPSHOTS, WATCH, pause_after_failure
from snapshots.models import OperationState
from snapshots.operations.decisions import SOONER_AT_FIRST, Absent
from snapshots.operations.looks import waited_seconds
from snapshots.operations.outcomes import meaning_of
from snapshots.operations.perform import ErrorFacts, is_overdue, move_after_error, pause_after
from snapshots.operations.settle import decision_after, move_after_bad_look
from snapshots.operations.transitions import Move, Outcome, tries_of
from snapshots.operations.watch import pause_before_reading, rest_after
from tests.bench.scenario import Scenario
from tests.bench.simulated_cloud import Reply
from tests.bench.simulated_rows import CloudRows, Duty, Events, Request, Tables, Task, seconds_at

Answering = Generator[float, None, Reply]


class SimulatedPacer:
    """The product's pacer: what it would sleep, the caller waits."""

    def __init__(self, events: Events, scenario: Scenario) -> None:
        self._seconds = 0.0
        clock = Clock(monotonic=lambda: events.now, sleep=self._note)
        self._pacer = Pacer(scenario.calls_per_second, clock=clock)
        self._pacer.share(scenario.nodes)

    def _note(self, seconds: float) -> None:
        self._seconds = seconds

    def wait(self) -> float:
        self._seconds = 0.0
        self._pacer.wait()
        return self._seconds


class SimulatedWorker:
    """Its threads, its share of each cloud's pace, and the one core that it uses."""

    def __init__(self, events: Events, tables: Tables, scenario: Scenario) -> None:
        self._events, self._tables, self._costs = events, tables, scenario.costs
        self._calls_per_second = scenario.calls_per_second
        self._pacers = [SimulatedPacer(events, scenario) for _ in range(scenario.clouds)]
        self._free_at = 0.0
        self.served_last = -1  # the number of a cloud
        self.operations = 0
        self.duties = 0
        self.operations_of: dict[CloudRows, int] = {}
        self.duties_of: dict[CloudRows, int] = {}
        self.most_threads = 0
        self.busy_seconds = 0.0

    def work(self, seconds: float) -> float:
        """Use the core for so long; the seconds until that is done."""
        self._free_at = max(self._free_at, self._events.now) + seconds
        self.busy_seconds += seconds
        return self._free_at - self._events.now

    def begin(self, rows: CloudRows, step: Request | Duty) -> None:
        """Take a step in a thread."""
        is_duty = isinstance(step, Duty)
        running = self.duties_of if is_duty else self.operations_of
        running[rows] = running.get(rows, 0) + 1
        self.duties += is_duty
        self.operations += not is_duty
        self.most_threads = max(self.most_threads, self.duties + self.operations)
        self._events.start(self._do(rows, step) if is_duty else self._perform(rows, step))

    def _call(
        self, rows: CloudRows, purpose: str, *, work: float = 0.0, request: Request | None = None
    ) -> Answering:
        """Wait for the pace, then for the answer; then work so long on it. Returns the reply."""
        pause = self._pacers[rows.cloud.number].wait()
        if pause:
            yield pause
        reply = rows.cloud.reply(purpose, self._events.now)
        if request is not None:
            self._note_sent(rows, request, reply)
        yield reply.seconds
        yield self.work(self._costs.call + work)
        if reply.error is not None or rows.fails or rows.retry_at is not None:
            self._note_health(rows, reply.error)
        return reply

    def _note_sent(self, rows: CloudRows, request: Request, reply: Reply) -> None:
        now = self._events.now
        request.sent_at = self._events.date
        request.first_sent = now if request.first_sent is None else request.first_sent
        if reply.is_executed:
            request.made = rows.cloud.make(request.wish.volume, request.wish.size_gb, now)

    def _note_health(self, rows: CloudRows, error: EvsError | None) -> None:
        """The circuit breaker."""
        now = self._events.now
        is_open = rows.retry_at is not None
        if error is None or (is_open and not keeps_open(error)):
            rows.fails = 0
            if is_open:
                rows.retry_at, rows.recovered_at = None, self._events.date
            return
        if not is_open and not is_trouble_of_cloud(error):
            return
        if is_open and now < rows.retry_at:
            return  # it left before the breaker opened: no failure more
        rows.fails += 1
        pause = breaker_pause(error, rows.fails, is_open=is_open)
        if pause is not None:
            rows.retry_at = now + pause.total_seconds()
            self._tables.start_duty(rows, PROBE, at=rows.retry_at)

    # --- an operation's steps --------------------------------------------------------------------

    def _perform(self, rows: CloudRows, request: Request) -> Task:
        if request.state is OperationState.UNKNOWN:
            yield from self._settle(rows, request)
        else:
            yield from self._send(rows, request)
        self.operations -= 1
        self.operations_of[rows] -= 1

    def _send(self, rows: CloudRows, request: Request) -> Task:
        self._tables.move(request, Move(to=OperationState.SENDING))
        reply = yield from self._call(rows, "create", work=self._costs.send, request=request)
        if reply.error is None:
            self._accept(rows, request)
        else:
            self._tables.move(request, self._move_after(reply.error, rows, request))

    def _accept(self, rows: CloudRows, request: Request) -> None:
        first = settings.EVSPORTAL_WATCH_SECONDS / SOONER_AT_FIRST
        self._tables.move(request, Move(to=OperationState.ACCEPTED))
        self._tables.start_duty(rows, WATCH, at=self._events.now + first)

    def _move_after(self, error: EvsError, rows: CloudRows, request: Request) -> Move:
        now = self._events.date
        meaning = meaning_of(error, sent=True)
        facts = ErrorFacts(
            meaning=meaning,
            outcome=Outcome(code=meaning.code),
            tries=tries_of(request),
            is_overdue=is_overdue(request.failing_since, rows.recovered_at, now=now),
            pause=pause_after(request.fails, retry_after=error.retry_after),
        )
        return move_after_error(facts, now=now)

    def _settle(self, rows: CloudRows, request: Request) -> Task:
        reply = yield from self._call(rows, "look", work=self._costs.look)
        now = self._events.date
        if reply.error is not None:
            self._tables.move(request, move_after_bad_look(tries_of(request), now=now))
        elif request.made is not None:
            self._accept(rows, request)
        else:
            waited = waited_seconds(request, now=now)
            decision = decision_after(Absent(), tries_of(request), waited=waited, now=now)
            self._tables.move(request, decision.move)

    # --- duties ----------------------------------------------------------------------------------

    def _do(self, rows: CloudRows, duty: Duty) -> Task:
        steps = {
            WATCH: self._watch,
            INVENTORY: self._read_volumes,
            SNAPSHOTS: self._read_snapshots,
            PROBE: self._probe,
        }
        yield from steps[duty.kind](rows, duty)
        self.duties -= 1
        self.duties_of[rows] -= 1

    def _watch(self, rows: CloudRows, duty: Duty) -> Task:
        calls, fails = 0, 0
        if rows.accepted:
            calls = 1
            reply = yield from self._call(rows, "watch", work=self._costs.watch)
            if reply.error is None:
                yield from self._end_finished(rows, reply.asked)
            else:
                fails = duty.fails + 1
        now = self._events.date
        duty.rests_until = rest_after(duty.rests_until, calls, now=now)
        if not rows.accepted:
            self._tables.end_duty(duty, due=None, fails=fails)
            return
        youngest = next(reversed(rows.accepted))
        pause = pause_before_reading(now - youngest.state_at, fails, calls)
        self._tables.end_duty(duty, due=seconds_at(max(now + pause, duty.rests_until)), fails=fails)

    def _end_finished(self, rows: CloudRows, asked: float) -> Task:
        finished = [request for request in rows.accepted if request.made.finished <= asked]
        if finished:
            yield self.work(self._costs.watched * len(finished))
        for request in finished:
            usable = request.made.is_usable
            state = OperationState.SUCCEEDED if usable else OperationState.FAILED
            self._tables.move(request, Move(to=state))

    def _read_volumes(self, rows: CloudRows, duty: Duty) -> Task:
        for page in range(max(1, math.ceil(rows.cloud.volumes / PAGE_SIZE))):
            reply = yield from self._call_for_page(rows, "volumes", page)
            if reply.error is not None:
                self._end_broken(rows, duty)
                return
        yield self.work(self._costs.volume * rows.cloud.volumes)
        yield from self._call(rows, "quota")  # a help only: it may fail
        pause = timedelta(seconds=settings.EVSPORTAL_INVENTORY_SECONDS)
        self._tables.end_duty(duty, due=seconds_at(self._events.date + pause))

    def _read_snapshots(self, rows: CloudRows, duty: Duty) -> Task:
        pages = max(1, math.ceil(rows.cloud.snapshots / PAGE_ROWS))
        of_page = self._costs.snapshot * min(PAGE_ROWS, rows.cloud.snapshots)
        for page in range(pages):
            reply = yield from self._call_for_page(rows, "snapshots", page, work=of_page)
            if reply.error is not None:
                self._end_broken(rows, duty)
                return
        rows.whole_readings.append(self._events.now)
        seconds = settings.EVSPORTAL_SNAPSHOTS_SECONDS
        pause = pause_after_reading(pages, self._calls_per_second, seconds=seconds)
        self._tables.end_duty(duty, due=seconds_at(self._events.date + pause))

    def _call_for_page(
        self, rows: CloudRows, purpose: str, page: int, *, work: float = 0.0
    ) -> Answering:
        """Pages after the first are asked for again."""
        for pause in (*(PAUSES_SECONDS if page else ()), None):
            reply = yield from self._call(rows, purpose, work=work)
            if reply.error is None or pause is None:
                break
            yield pause
        return reply

    def _end_broken(self, rows: CloudRows, duty: Duty) -> None:
        rows.broken_readings += duty.kind == SNAPSHOTS
        due = self._events.now + pause_after_failure(duty.fails).total_seconds()
        self._tables.end_duty(duty, due=due, fails=duty.fails + 1)

    def _probe(self, rows: CloudRows, duty: Duty) -> Task:
        yield from self._call(rows, "probe")
        self._tables.end_duty(duty, due=rows.retry_at)
