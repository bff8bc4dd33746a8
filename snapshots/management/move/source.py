"""The SQLite file that is moved: opened to be read only, alone, and by its newest tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.utils import load_backend

from snapshots.database.earlier import is_of_earlier_state
from snapshots.database.in_use import InUseError, file_alone
from snapshots.database.state import missing_migrations
from snapshots.management.backup.restoring import workers_seen
from snapshots.management.database import (
    MADE_EARLIER,
    newer_migrations,
    refuse_another_mode,
)
from snapshots.management.move.errors import MoveError

_SQLITE = "django.db.backends.sqlite3"
# Of SQLite itself, of its search for words, and Django's list of migrations, which is compared.
_NOT_MOVED = ("sqlite_", "snapshots_entry_words", "django_migrations")


@dataclass(frozen=True, slots=True)
class Source:
    """An open SQLite file of which one moment is read."""

    database: sqlite3.Connection
    path: Path

    def count(self, table: str) -> int:
        return int(self.database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])

    def highest_numbers(self) -> dict[str, int]:
        """The highest number that each table ever gave to a row, also to one that is gone."""
        return dict(self.database.execute("SELECT name, seq FROM sqlite_sequence"))


def moved_models() -> list[type[Model]]:
    """Every table of the portal but the list of migrations."""
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed]


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The file, while no web and no worker process uses it. Raises `MoveError`."""
    if not path.is_file():
        raise MoveError(f"There is no file {path}. Name the SQLite database with --source.")
    try:
        with file_alone(path), closing(_opened(path)) as database:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield Source(database, path)
    except InUseError as error:
        raise MoveError(f"Not moved: {error}. Stop the portal, and try again.") from error
    except sqlite3.DatabaseError as error:
        raise MoveError(f"{path} cannot be read: {error}.") from error


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(_address(path), uri=True, timeout=20)


def _address(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}?mode=ro"


@contextmanager
def portal_on_source(path: Path) -> Iterator[None]:
    """Let the portal's own code, such as the audit verifier, read this file."""
    engine = load_backend(_SQLITE)
    facts = deepcopy(connections[DEFAULT_DB_ALIAS].settings_dict)
    facts |= {"ENGINE": _SQLITE, "NAME": _address(path), "OPTIONS": {"timeout": 20}}
    with portal_on(engine.DatabaseWrapper(facts, alias=DEFAULT_DB_ALIAS)):
        yield


@contextmanager
def portal_on(wrapper: BaseDatabaseWrapper) -> Iterator[None]:
    """Django's default connection of this thread is this one."""
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = wrapper
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before
        wrapper.close()


def refuse_unfit(source: Source) -> None:
    """Raise `MoveError` unless the file is of this code and mode, whole, and at rest."""
    verdict = source.database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise MoveError(f"{source.path} is damaged: {verdict}.")
    _refuse_other_tables(source)
    with portal_on_source(source.path):
        if is_of_earlier_state():
            raise MoveError(f"{source.path} {MADE_EARLIER}.")
        if newer := newer_migrations():
            raise MoveError(
                f"{source.path} is of newer code: this code does not know {', '.join(newer)}."
                " Install the release that it belongs to, and try again."
            )
        if missing := missing_migrations():
            raise MoveError(
                f"{source.path} is of older code, without {', '.join(missing)}. Bring it up to date"
                " first: `./run manage migrate` with the DATABASE_URL that it had, or without one."
            )
        refuse_another_mode(mark=False)
        if names := workers_seen():
            raise MoveError(
                f"Not moved: a worker of the source was seen within the last 20 seconds: {names}."
                " Stop the portal on all machines, wait 20 seconds, and try again."
            )
    _refuse_dangling(source)


def _refuse_other_tables(source: Source) -> None:
    rows = source.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    moved = {model._meta.db_table for model in moved_models()}
    others = {name for (name,) in rows if not name.startswith(_NOT_MOVED)} - moved
    if others:
        raise MoveError(
            f"{source.path} holds tables that are not the portal's: {', '.join(sorted(others))}."
            " Move them elsewhere first; nothing is left behind without a word."
        )


def _refuse_dangling(source: Source) -> None:
    row = source.database.execute("PRAGMA foreign_key_check").fetchone()
    if row is not None:
        table, number, other, _which = row
        raise MoveError(
            f"A row of {table} (rowid {number}) refers to a row of {other} that is not there, which"
            " PostgreSQL does not allow. Restore a backup from before somebody changed the file."
        )
