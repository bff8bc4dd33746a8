"""That web and worker processes use the database, so that nobody replaces it under them.

With SQLite each of them shares a lock on a file beside the database, which ends with the process
however it ends. PostgreSQL itself knows who is connected.
"""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db import connection

log = logging.getLogger(__name__)
_held: list[IO[bytes]] = []  # until the process ends


class InUseError(Exception):
    """Web or worker processes run on this database."""


def share_database() -> None:
    """Say that this process uses the database; waits while it is restored or moved."""
    if connection.vendor != "sqlite":
        return
    file = _lock_file(Path(connection.settings_dict["NAME"])).open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        log.warning("The database is being restored or moved; waiting for its end.")
        fcntl.flock(file, fcntl.LOCK_SH)
    _held.append(file)


@contextmanager
def database_alone() -> Iterator[None]:
    """No web and no worker process starts to use the database meanwhile. Raises `InUseError`."""
    if connection.vendor != "sqlite":
        if sessions := _other_sessions():
            raise InUseError(f"{sessions} other sessions are connected to the database")
        yield
        return
    with file_alone(Path(connection.settings_dict["NAME"])):
        yield


@contextmanager
def file_alone(database: Path) -> Iterator[None]:
    """The same for a file of SQLite's, whatever Django is connected to. Raises `InUseError`."""
    with _lock_file(database).open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError("web or worker processes of the portal run on the database") from None
        yield


def _lock_file(database: Path) -> Path:
    return Path(f"{database}.in-use")


def _other_sessions() -> int:
    """Of anybody: a person in psql can write, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])
