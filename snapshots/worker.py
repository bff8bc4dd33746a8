"""The loop: claim a row, call the service it is for. Knows no detail of either."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import timedelta
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from evsportal.logs import log_context
from snapshots import clouds
from snapshots.audit.delivery.duties import push, push_lanes, seal
from snapshots.clock import ClockWatch
from snapshots.clouds.health import closed_off_clouds, plan_probes
from snapshots.database.transactions import lost_database
from snapshots.duties.broker import look_at_broker
from snapshots.duties.cloud_settings import record_cloud_settings
from snapshots.duties.inventory import sync_inventory
from snapshots.duties.looks import look_at_volumes
from snapshots.duties.probe import probe
from snapshots.duties.servers import sync_servers
from snapshots.duties.snapshots import sync_snapshots
from snapshots.duties.tidy import tidy
from snapshots.jobs.claims import (
    LONGEST_PAUSE,
    LONGEST_REST,
    LostClaimError,
    bring_near,
    claim,
    claim_some,
    extend,
    free_held,
    free_rows_of,
    give_back,
)
from snapshots.jobs.duties import (
    BROKER,
    INVENTORY,
    LOOK,
    NO_CLOUD,
    PROBE,
    PUSH,
    SEAL,
    SERVERS,
    SNAPSHOTS,
    TIDY,
    WATCH,
    start_duty,
)
from snapshots.jobs.engine import CELERY, Embedded, Engine
from snapshots.jobs.notices import Notice
from snapshots.jobs.workers import BEAT_SECONDS, SilenceWatch, beat, is_gone, new_name
from snapshots.models import OPEN, Claimable, Duty, Operation, SignInAttempt, Worker
from snapshots.operations.perform import perform
from snapshots.operations.restored import RestoreWatch
from snapshots.operations.watch import watch
from snapshots.rights.matches import match_everything_soon
from snapshots.tallies import write_tallies

log = logging.getLogger(__name__)

Rows = TypeVar("Rows", bound=QuerySet[Any])

DUTIES: dict[str, Callable[[Duty], None]] = {
    WATCH: watch,
    INVENTORY: sync_inventory,
    SNAPSHOTS: sync_snapshots,
    SERVERS: sync_servers,
    LOOK: look_at_volumes,
    PROBE: probe,
    SEAL: seal,
    PUSH: push,
    TIDY: tidy,
    BROKER: look_at_broker,
}
PACE_SECONDS = 5.0  # seconds between clock checks and counts of live workers
# Threads of their own, so that slow creates do not stop the watching. Duties without a cloud,
# and those of each push target, have as many: one that hangs stops nothing else.
DUTIES_OF_ONE_CLOUD = 3


def operations_of_one_cloud(clouds_count: int) -> int:
    """One cloud never takes the last threads: a slow one must not keep the others waiting."""
    return max(1, int(settings.EVSPORTAL_WORKER_THREADS) - clouds_count + 1)


def chosen_engine() -> Engine:
    """By EVSPORTAL_ENGINE."""
    if settings.EVSPORTAL_ENGINE != CELERY:
        return Embedded()
    names = clouds.cloud_names()
    # Its packages need not be installed.
    engine: Engine = import_module("snapshots.jobs.broker.engine").CeleryEngine(
        broker_url=settings.EVSPORTAL_BROKER_URL,
        clouds=names,
        at_once=operations_of_one_cloud(len(names)) + DUTIES_OF_ONE_CLOUD,
        closed_off=closed_off_clouds,
    )
    return engine


class Loop:
    """One worker process: a dispatcher that claims, and threads that carry out what it claimed."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.name = new_name()
        self._lease = timedelta(seconds=settings.EVSPORTAL_LEASE_SECONDS)
        self._stopping = threading.Event()
        self._running: dict[Future[None], Claimable] = {}
        self._broken_off: list[Claimable] = []  # to be given back
        self._is_full = False  # more may be due than there was room for
        self._silence = SilenceWatch()
        self._beaten = float("-inf")
        self._counted = float("-inf")
        self._extended = float("-inf")
        self._clouds = clouds.cloud_names()
        self._operations = settings.EVSPORTAL_WORKER_THREADS
        self._of_one_cloud = operations_of_one_cloud(len(self._clouds))
        self._places = push_lanes()
        lanes = len(self._clouds) + len(self._places) + 1
        threads = self._operations + DUTIES_OF_ONE_CLOUD * lanes
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._clock = ClockWatch(lease=self._lease)
        self._restores = RestoreWatch()
        self._engine = engine or Embedded()
        self._notices = self._engine.notices
        # A queue, not an event: a signal handler may put into it at any point.
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def stop(self) -> None:
        """Ask the loop to end after the work in hand. May be called by a signal handler."""
        self._stopping.set()
        self.wake()

    def wake(self) -> None:
        """Look for due rows now, not at the next poll. May be called by any thread."""
        self._wakes.put(None)

    def run(self, *, on_ready: Callable[[], None] = lambda: None) -> None:
        """Work until stopped. The database being away for a while ends nothing."""
        self._enlist()
        self._engine.start(self.name, self.wake)
        try:
            on_ready()
            while not self._stopping.is_set():
                busy = self._turn() or self._has_room_again()
                self._rest(0 if busy else settings.EVSPORTAL_WORKER_POLL_SECONDS)
            self._engine.stop()
            self._finish()
        finally:
            self._engine.close()

    def _rest(self, seconds: float) -> None:
        """Until something wakes the loop; many wakes are one."""
        with contextlib.suppress(Empty):
            self._wakes.get(timeout=seconds)
            while True:
                self._wakes.get_nowait()

    def _finish(self) -> None:
        """End the work in hand. It goes on beating, or other workers would take that work away."""
        while self._running:
            wait(self._running, timeout=BEAT_SECONDS)
            self._keep_up()
        self._pool.shutdown(wait=True)
        with contextlib.suppress(DatabaseError):
            write_tallies()
        if not self._broken_off:  # else its name leads other workers to the rows it could not free
            Worker.objects.filter(name=self.name).delete()

    def run_until_idle(self, *, seconds: float = 30.0) -> None:
        """Work until nothing is due and nothing runs, at most so long."""
        end = time.monotonic() + seconds
        while (self._turn() or self._running) and time.monotonic() < end:
            wait(self._running, timeout=0.05, return_when=FIRST_COMPLETED)

    def _enlist(self) -> None:
        now = timezone.now()
        beat(self.name)
        for cloud in self._clouds:
            start_duty(WATCH, cloud, due_at=now)  # first: people wait for what it finds
            start_duty(LOOK, cloud, due_at=now)
            start_duty(INVENTORY, cloud, due_at=now)
            start_duty(SNAPSHOTS, cloud, due_at=now)
            start_duty(SERVERS, cloud, due_at=now)
        start_duty(SEAL, NO_CLOUD, due_at=now)
        start_duty(TIDY, NO_CLOUD, due_at=now)
        if settings.EVSPORTAL_ENGINE == CELERY:
            start_duty(BROKER, NO_CLOUD, due_at=now)
        for place in self._places:
            start_duty(PUSH, place, due_at=now)
        match_everything_soon(self._clouds)
        record_cloud_settings()
        plan_probes()
        SignInAttempt.prune()

    def _turn(self) -> bool:
        """Collect what has ended, beat, claim what is due. Whether more may be claimed at once."""
        if not self._keep_up():
            return False
        try:
            held = closed_off_clouds()
            return self._claim_operations(held) | self._claim_duties(held)
        except DatabaseError as error:
            self._tell_of_lost_database(error)
            return False

    def _keep_up(self) -> bool:
        """Collect what has ended, and beat. Whether the database answered."""
        self._collect()
        try:
            self._give_back()
            self._beat()
        except DatabaseError as error:
            self._tell_of_lost_database(error)
            return False
        return True

    def _tell_of_lost_database(self, error: DatabaseError) -> None:
        log.error("The database does not answer; trying again.", exc_info=error)
        connection.close()
        self._stopping.wait(1.0)

    def _collect(self) -> None:
        for future in [future for future in self._running if future.done()]:
            row = self._running.pop(future)
            self._notices.end(_notice_of(row))
            error = future.exception()
            if isinstance(error, LostClaimError):
                log.warning("%s: %s", type(row).__name__, error)
            elif error is not None:
                self._broken_off.append(row)
                if lost_database(error):
                    log.warning("%s %s lost the database: %s", type(row).__name__, row.pk, error)
                else:
                    log.error("%s %s broke off.", type(row).__name__, row.pk, exc_info=error)

    def _give_back(self) -> None:
        """What broke off is taken up again soon, by its state; also when the database was away."""
        while self._broken_off:
            give_back(self._broken_off[-1])
            self._broken_off.pop()

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beaten > BEAT_SECONDS:
            if not beat(self.name) and self._restores.was_replaced():
                self._end_after_restore()
            self._beaten = now
            write_tallies()
            self._free_rows_of_the_dead()
        if now - self._counted > PACE_SECONDS:
            seconds = timedelta(seconds=2 * PACE_SECONDS)
            alive = Worker.objects.filter(seen_at__gt=timezone.now() - seconds)
            clouds.share_pace(alive.count())
            self._counted = now
            self._mind_the_clock()
        if now - self._extended > self._lease.total_seconds() / 4:
            extend(self._running.values(), owner=self.name, lease=self._lease)
            self._extended = now

    def _end_after_restore(self) -> None:
        """What this process remembers is of a database that is no more. Its claims are void."""
        log.error("The database was restored from a backup under this worker, which ends.")
        self.stop()

    def _free_rows_of_the_dead(self) -> None:
        others = list(Worker.objects.exclude(name=self.name))
        beats = {other.name: other.beats for other in others}
        dead = self._silence.silent(beats)
        dead |= {other.name for other in others if is_gone(other.process)}
        if not dead:
            return
        work = Operation.objects.filter(state__in=OPEN), Duty.objects.all()
        if freed := free_rows_of(dead, *work):
            names = ", ".join(sorted(dead))
            log.warning("Gone or standing still: %s. Rows that are free again: %s.", names, freed)
        held = (rows.filter(owner__in=dead).values_list("owner", flat=True) for rows in work)
        Worker.objects.filter(name__in=dead.difference(*held)).delete()

    def _mind_the_clock(self) -> None:
        """A clock that was set back must not leave work waiting for the lost time."""
        is_lost = self._clock.was_set_back()
        work = Operation.objects.filter(state__in=OPEN), Duty.objects.all()
        for rows, longest in zip(work, (LONGEST_PAUSE, LONGEST_REST), strict=True):
            bring_near(rows, beyond=timedelta(0) if is_lost else longest)
        self._clock.accept()
        if self._clock.leases_are_good():
            free_held(*work, lease=self._lease)

    def _within_reach(self, rows: Rows, named: Q) -> Rows:
        """Without the rows that are left to messages, for now."""
        if not self._engine.patience:
            return rows
        return rows.filter(named | Q(due_at__lte=timezone.now() - self._engine.patience))

    def _claim_operations(self, held: list[str]) -> bool:
        answering = [cloud for cloud in self._clouds if cloud not in held]
        self._is_full = False
        self._notices.keep_lanes(answering, is_duty=False)
        claimed = [cloud for cloud in answering if self._claim_for(cloud)]
        if claimed:  # round robin: the next look begins behind the cloud that was served last
            behind = self._clouds.index(claimed[-1]) + 1
            self._clouds = [*self._clouds[behind:], *self._clouds[:behind]]
        return bool(claimed) and not self._is_full

    def _claim_for(self, cloud: str) -> bool:
        free = min(
            self._operations - self._count(Operation),
            self._of_one_cloud - self._count(Operation, cloud),
        )
        if free <= 0:
            self._is_full = True
            return False
        keys = self._notices.waiting(is_duty=False, lane=cloud)
        of_cloud = self._within_reach(Operation.objects.filter(cloud=cloud), Q(pk__in=keys))
        claimed: list[Operation] = []
        # Mostly nothing is due. Whether it is the first of its line takes longer to ask.
        if of_cloud.worked_on().filter(due_at__lte=timezone.now()).exists():
            rows = of_cloud.claimable().select_related("requester")
            claimed = claim_some(rows, most=free, owner=self.name, lease=self._lease)
        self._is_full |= len(claimed) == free
        for operation in claimed:
            self._start(operation, perform)
        if len(claimed) < free:  # there was room for all that could be claimed
            self._notices.dismiss(keys, is_duty=False)
        return bool(claimed)

    def _claim_duties(self, held: list[str]) -> bool:
        """One of each lane that has room. Mostly none is due, and one look tells so for all."""
        lanes = (*self._clouds, *self._places, NO_CLOUD)
        free = [lane for lane in lanes if self._count(Duty, lane) < DUTIES_OF_ONE_CLOUD]
        keys = self._notices.waiting(is_duty=True)
        runnable = Duty.objects.filter(kind__in=DUTIES, cloud__in=free)
        runnable = runnable.exclude(Q(cloud__in=held) & ~Q(kind=PROBE))
        runnable = self._within_reach(runnable, Q(name__in=keys))
        due = runnable.filter(due_at__lte=timezone.now()).values_list("cloud", flat=True)
        claimed = [self._claim_duty_of(lane, runnable) for lane in set(due)]
        if not any(claimed):  # those of lanes without room are left to a later message, too
            self._notices.dismiss(keys, is_duty=True)
        return any(claimed)

    def _claim_duty_of(self, lane: str, runnable: QuerySet[Duty]) -> bool:
        duty = claim(runnable.filter(cloud=lane), owner=self.name, lease=self._lease)
        if duty is not None:
            self._start(duty, DUTIES[duty.kind])
        return duty is not None

    def _count(self, kind: type[Operation | Duty], cloud: str | None = None) -> int:
        running = (row for row in self._running.values() if isinstance(row, kind))
        return sum(cloud is None or row.cloud == cloud for row in running)

    def _start(self, row: Claimable, work: Callable[..., None]) -> None:
        def in_thread() -> None:
            try:
                with _log_context_of(row):
                    work(row)
            finally:
                connection.close()  # this thread's own; the pool's threads end without a word

        self._notices.begin(_notice_of(row))
        future = self._pool.submit(in_thread)
        self._running[future] = row
        future.add_done_callback(lambda _future: self._step_ended())

    def _step_ended(self) -> None:
        """Called by the step's thread."""
        if self._is_full or self._engine.patience:  # a message waits for the end
            self.wake()

    def _has_room_again(self) -> bool:
        """A step may have ended before the loop knew that it is full: that woke nobody."""
        return self._is_full and any(step.done() for step in self._running)


def _notice_of(row: Claimable) -> Notice:
    """What a message would have named it."""
    lane = row.cloud if isinstance(row, Operation | Duty) else NO_CLOUD
    key = row.name if isinstance(row, Duty) else str(row.pk)
    return Notice(isinstance(row, Duty), key, lane)


def _log_context_of(row: Claimable) -> AbstractContextManager[None]:
    """An operation's lines also name the web request that asked for it."""
    if not isinstance(row, Operation):
        return log_context()
    return log_context(request_id=str(row.cause or ""), operation_id=str(row.pk))
