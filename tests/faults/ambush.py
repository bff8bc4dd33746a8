"""Freezes a worker while it holds operations that it has claimed and not sent, until another has
sent them. Chance alone does not hit that moment in each run, and fencing is for nothing else.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from snapshots.models import Operation, OperationState
from tests.faults.nursery import Nursery

_LOOK_SECONDS = 0.01
_MOST_SECONDS = 12.0  # for another to take over; else it is tried again
_PAUSE_SECONDS = 2.0
_MOST_WAITING = 60  # before those held: behind a longer queue nobody takes over in that time
_NOT_SENT = (OperationState.QUEUED, OperationState.SENDING)
_CREATE_MAY_FOLLOW = (*_NOT_SENT, OperationState.CANCELLED, OperationState.REFUSED)

Claim = tuple[uuid.UUID, int]  # operation and token


@dataclass
class Ambush:
    """Strikes so often, from `start` until `stop`; what was done is noted in the nursery."""

    nursery: Nursery
    strikes: int
    done: int = 0

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ambush", daemon=True)

    @property
    def is_over(self) -> bool:
        return self.done >= self.strikes

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    def _run(self) -> None:
        with closing(connection):  # this thread's own
            while not (self.is_over or self._stopping.wait(_LOOK_SECONDS)):
                with suppress(DatabaseError):
                    if self._strike():
                        self.done += 1
                        self._stopping.wait(_PAUSE_SECONDS)

    def _strike(self) -> bool:
        """Whether a worker slept while another sent what it held, and was woken after that."""
        if _waiting() > _MOST_WAITING:
            self._stopping.wait(_PAUSE_SECONDS)
            return False
        for pid in self.nursery.pids():
            if _held_by(pid).exists() and self.nursery.hold(pid, _MOST_SECONDS):
                try:
                    taken_over = self._until_sent_by_another(_still_held_by(pid))
                finally:
                    woken = self.nursery.wake(pid)
                if taken_over and woken:
                    self.nursery.note("frozen, holding what another sent")
                return taken_over and woken
        return False

    def _until_sent_by_another(self, held: list[Claim]) -> bool:
        end = time.monotonic() + _MOST_SECONDS - 1
        while held and time.monotonic() < end and not self._stopping.is_set():
            if any(_was_sent_by_another(pk, token) for pk, token in held):
                return True
            time.sleep(0.05)
        return False


def _waiting() -> int:
    return Operation.objects.claimable().filter(due_at__lte=timezone.now()).count()


def _held_by(pid: int) -> QuerySet[Operation]:
    """The operations that this worker has claimed and not sent."""
    mine = Operation.objects.filter(owner__contains=f":{pid}:", state__in=_NOT_SENT)
    return mine.filter(sent_at__isnull=True)


def _still_held_by(pid: int) -> list[Claim]:
    """The same of a stopped worker; none where it was stopped within a transaction: nobody could
    take over then.
    """
    with _no_patience(), suppress(DatabaseError), transaction.atomic():
        held = _held_by(pid).select_for_update(skip_locked=True)
        return [(one.pk, one.token) for one in held]
    return []


@contextmanager
def _no_patience() -> Iterator[None]:
    """SQLite waits long for a lock."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 100")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")


def _was_sent_by_another(pk: uuid.UUID, token: int) -> bool:
    """It has its answer, or none that can be trusted: a create now would be the second."""
    now = Operation.objects.get(pk=pk)
    return now.token > token and now.state not in _CREATE_MAY_FOLLOW
