"""Locks between processes, wherever they run. A process that was killed holds none."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

log = logging.getLogger(__name__)

# Numbers of PostgreSQL's advisory locks, beside the one that writers to the trail share.
ARCHIVE = 7_030_265_702
MIGRATION = 7_030_265_703
DEMO_ACCOUNTS = 7_030_265_704


class BusyError(Exception):
    """Another process holds the lock."""


@contextmanager
def process_lock(number: int, *, waiting: str = "") -> Iterator[None]:
    """Hold the lock of this number. Raises `BusyError` at once when another process holds it, or,
    with a `waiting` sentence, logs that sentence and waits.
    """
    held = _postgres_lock if connection.vendor == "postgresql" else _file_lock
    yield from held(number, waiting)


def _postgres_lock(number: int, waiting: str) -> Iterator[None]:
    """A lock of a transaction on a connection of its own: a pooler in transaction mode would hand
    a session's lock to other clients.
    """
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
            if not cursor.fetchone()[0]:
                _wait_or_refuse(waiting)
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        yield
    finally:
        own.rollback()
        own.close()


def _file_lock(number: int, waiting: str) -> Iterator[None]:
    """A file of its own: a lock on SQLite's file would be in SQLite's way."""
    path = Path(f"{connection.settings_dict['NAME']}.lock-{number}")
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_or_refuse(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wait_or_refuse(waiting: str) -> None:
    if not waiting:
        raise BusyError
    log.info(waiting)
