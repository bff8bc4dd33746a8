"""Locks between processes on any machine. A killed process holds none."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)

# Keys of PostgreSQL's advisory locks; writers to the audit trail share another key.
ARCHIVE = 7_030_265_702
MIGRATION = 7_030_265_703
DEMO_ACCOUNTS = 7_030_265_704


class BusyError(Exception):
    """Another process holds the lock."""


@contextmanager
def process_lock(number: int, *, waiting: str = "") -> Iterator[None]:
    """Hold the lock of this number. When another process holds it, raises `BusyError` at once or,
    with a `waiting` sentence, logs that sentence and waits.
    """
    held = _postgres_lock if connection.vendor == "postgresql" else _file_lock
    yield from held(number, waiting)


def _postgres_lock(number: int, waiting: str) -> Iterator[None]:
    """An advisory lock of a transaction, on its own connection: a pooler in transaction mode would
    give a session's lock to other clients.
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
    """A lock on a separate file: a lock on SQLite's own file would block SQLite."""
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or "mode=memory" in name:  # no file, so there is nothing to stand beside
        name = str(settings.VAR_DIR / "memory")
    path = Path(f"{name}.lock-{number}")
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
