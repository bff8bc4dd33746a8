"""Waking workers on PostgreSQL: NOTIFY when a row is due, LISTEN in each worker.

A lost notification costs one poll and nothing else: workers look for due rows on their own, too.
"""

import contextlib
import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from snapshots.database.limits import has_pooler

log = logging.getLogger(__name__)

CHANNEL = "evsportal_work"
# Between looks whether to stop, in seconds; the driver wakes at once for a notification.
_STOP_SECONDS = 0.5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


def wake_workers() -> None:
    """Tell listening workers that a row is due; they hear it when the transaction is committed.

    Many calls in one transaction are one notification. Does nothing on SQLite.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


class Listener:
    """A thread that calls `wake` for each notification, from a connection of its own.

    It connects again after a loss, and calls `wake` then, since it may have missed a notification.
    Without PostgreSQL, or behind a pooler in transaction mode, it does nothing: polling is left.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if connection.vendor == "postgresql" and not settings.EVSPORTAL_DATABASE_POOLER:
            self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Returns at once."""
        self._stopping.set()

    def join(self) -> None:
        """After `stop`: waits for the thread for two seconds at most."""
        if self._thread is not None:
            self._thread.join(4 * _STOP_SECONDS)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            own = _connection_of_its_own()
            try:
                if not _listen(own):
                    log.info("A pooler stands before PostgreSQL: the worker polls.")
                    return
                pause = _FIRST_PAUSE_SECONDS
                self._hear(own)
            except DatabaseError as error:
                log.info("The worker polls until PostgreSQL can wake it again: %s", error)
            finally:
                with contextlib.suppress(DatabaseError):
                    own.close()
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _hear(self, own: BaseDatabaseWrapper) -> None:
        self._wake()
        while not self._stopping.is_set():
            with own.wrap_database_errors:
                heard = own.connection.notifies(timeout=_STOP_SECONDS, stop_after=1)
                if any(True for _ in heard):
                    self._wake()


def _connection_of_its_own() -> BaseDatabaseWrapper:
    """Not of the pool, whose connections other threads would get while they listen."""
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    return own


def _listen(own: BaseDatabaseWrapper) -> bool:
    """Whether this connection can hear notifications: a pooler would give it to other clients."""
    if has_pooler(own):
        return False
    with own.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    return True
