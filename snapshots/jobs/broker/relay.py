"""The relay: publishes the steps of committed requests. A thread of each worker, of which one acts.

Web processes never speak to the broker. They commit, and PostgreSQL wakes the relay.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from queue import Empty, SimpleQueue

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from snapshots.jobs.broker.due import due_operations
from snapshots.jobs.broker.publisher import Announcer, Publisher
from snapshots.jobs.wakeup import Listener
from snapshots.models import Worker

log = logging.getLogger(__name__)

# Relays leave the publishing to the eldest worker that was seen within so long. When two act, each
# message comes twice; when none does, workers find the work by themselves.
_SEEN = timedelta(seconds=3)


class Relay:
    def __init__(
        self,
        publisher: Publisher,
        *,
        clouds: Sequence[str],
        closed_off: Callable[[], Sequence[str]],
    ) -> None:
        self._publisher = publisher
        self._clouds = clouds
        self._announcer = Announcer(publisher)
        self._closed_off = closed_off
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._stopping = threading.Event()
        self._listener = Listener(lambda: self._wakes.put(None))

    def start(self, worker: str) -> None:
        self._worker = worker
        self._listener.start()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The thread ends after its message, within a few seconds; nobody waits for it."""
        self._stopping.set()
        self._wakes.put(None)
        self._listener.stop()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        self._listener.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._is_eldest():
                    held = self._closed_off()
                    answering = [cloud for cloud in self._clouds if cloud not in held]
                    self._announcer.announce(due_operations(answering))
            except DatabaseError as error:
                log.info("The relay waits for the database: %s", error)
                connection.close()
                self._stopping.wait(1.0)
            finally:
                connection.close()  # back into the pool
            self._rest()
        self._publisher.close()

    def _is_eldest(self) -> bool:
        seen = Worker.objects.filter(seen_at__gt=timezone.now() - _SEEN)
        eldest = seen.order_by("started_at", "name").values_list("name", flat=True).first()
        return eldest in {None, self._worker}

    def _rest(self) -> None:
        try:
            self._wakes.get(timeout=settings.EVSPORTAL_WORKER_POLL_SECONDS)
            while True:
                self._wakes.get_nowait()
        except Empty:
            pass
