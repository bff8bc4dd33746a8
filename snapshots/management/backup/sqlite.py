"""SQLite: a copy by its online backup API, and putting such a copy in the database's place."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connection

from snapshots.management.backup.contents import Advance, BackupReader, BackupWriter
from snapshots.management.backup.errors import BackupError

DATABASE = "database"
_PAGES = 500  # copied in a step
_PART_BYTES = 4 * 1024 * 1024


def path_of_database() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


@contextmanager
def scratch_file(folder: Path) -> Iterator[Path]:
    """A file that nobody else can read and that is gone afterwards."""
    number, name = tempfile.mkstemp(prefix=".evsportal-", suffix=".part", dir=folder)
    os.close(number)
    try:
        yield Path(name)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)


@contextmanager
def portal_on(path: Path) -> Iterator[None]:
    """Let the portal's own code, such as the audit verifier, work on this file."""
    connection.close()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def copy_database(copy: Path, *, advance: Advance) -> None:
    """The database as it is at one moment, while others write to it."""
    with closing(sqlite3.connect(path_of_database(), timeout=20)) as source:
        # Without a transaction around the copy, SQLite begins it again at each write of another.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _copy(source, copy, advance)
        source.execute("ROLLBACK")


def put_in_place(copy: Path, *, advance: Advance) -> None:
    """Make the database's content that of this file, all or nothing."""
    _in_one_file(copy)
    with closing(sqlite3.connect(copy)) as source:
        _copy(source, path_of_database(), advance)


def _copy(source: sqlite3.Connection, to: Path, advance: Advance) -> None:
    page_bytes: int = source.execute("PRAGMA page_size").fetchone()[0]
    done = 0

    def progress(_status: int, remaining: int, total: int) -> None:
        nonlocal done
        advance((total - remaining - done) * page_bytes)
        done = total - remaining

    with closing(sqlite3.connect(to, timeout=20)) as target:
        source.backup(target, pages=_PAGES, progress=progress, sleep=0)


def write_parts(copy: Path, writer: BackupWriter, *, advance: Advance) -> None:
    _in_one_file(copy)
    with copy.open("rb") as file:
        while content := file.read(_PART_BYTES):
            writer.part(DATABASE, content)
            advance(len(content))


def read_parts(reader: BackupReader, copy: Path, *, advance: Advance) -> None:
    """Write the backup's database into this file. Raises `BackupError`."""
    with copy.open("wb") as file:
        for _name, content in reader.parts(advance=advance):
            file.write(content)
    check_soundness(copy)


def check_soundness(copy: Path) -> None:
    """SQLite's own check of its pages."""
    try:
        with closing(sqlite3.connect(copy)) as database:
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupError(f"The copy of the database is damaged: {verdict}.")


def _in_one_file(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
