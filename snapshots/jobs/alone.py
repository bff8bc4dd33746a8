"""Work that only one process at a time may do, wherever it runs. A killed one holds nothing."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

ARCHIVE = 7_030_265_702  # beside the number that writers to the trail lock


class BusyError(Exception):
    """Another process does it just now."""


@contextmanager
def alone(what: int) -> Iterator[None]:
    """Nobody else is in here with the same number meanwhile. Raises `BusyError` at once."""
    if connection.vendor == "postgresql":
        yield from _in_postgres(what)
    else:
        yield from _beside_the_file(what)


def _in_postgres(what: int) -> Iterator[None]:
    """A lock of the session: it ends with the connection at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [what])
        if not cursor.fetchone()[0]:
            raise BusyError
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [what])


def _beside_the_file(what: int) -> Iterator[None]:
    """A file of its own, since a lock on the database's would be in SQLite's way."""
    path = Path(f"{connection.settings_dict['NAME']}.lock-{what}")
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError from None
        yield
