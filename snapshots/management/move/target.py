"""The PostgreSQL database that is filled: empty before, and nobody else's until the move has ended.

While rows come in there are no triggers and no foreign keys: what triggers would make is moved
itself, and rows refer to others that come later. Tables of the move's own say what is in place and
what is to be made again; as long as they are there, no portal starts on this database.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Model

from snapshots.audit.database import guards
from snapshots.audit.record.actions import COMMAND_LINE, record
from snapshots.database.state import missing_migrations
from snapshots.management.backup.postgres import set_sequences
from snapshots.management.database import MOVE_TABLE
from snapshots.management.move.errors import MoveError
from snapshots.management.move.source import moved_models
from snapshots.models import ActionCode, DatabaseUse, Version, folded, version_triggers

_KEYS_TABLE = f"{MOVE_TABLE}_key"  # the foreign keys that are to be made again
# What migrations and a command's own step write into a new database.
_FILLED_AT_FIRST: frozenset[type[Model]] = frozenset(
    {ContentType, Permission, Group, Group.permissions.through, DatabaseUse, Version}
)
_MISSING = (guards.missing, folded.missing, version_triggers.missing)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a table was moved."""

    last_key: Any  # SQLite's value; None: nothing yet
    is_done: bool


def lift_limits() -> None:
    """Those of the role are for web and worker: keys and triggers of many rows take minutes."""
    _say("SET statement_timeout = 0", "SET idle_in_transaction_session_timeout = 0")


def has_begun() -> bool:
    return MOVE_TABLE in connection.introspection.table_names()


def refuse_older() -> None:
    """Raise `MoveError` where a move was begun by code with other tables."""
    if missing := missing_migrations():
        raise MoveError(
            f"The move was begun by an older release, without {', '.join(missing)}. Run the command"
            " again with --again."
        )


def refuse_filled() -> None:
    """Raise `MoveError` for a database that holds more than new tables."""
    tables = set(connection.introspection.table_names())
    if others := tables - {m._meta.db_table for m in moved_models()} - {"django_migrations"}:
        raise MoveError(
            "Not moved: the database of DATABASE_URL holds tables that are not the portal's:"
            f" {', '.join(sorted(others)[:5])}. Name an empty database."
        )
    models = [m for m in moved_models() if m._meta.db_table in tables]
    filled = [m for m in models if m not in _FILLED_AT_FIRST and m._base_manager.exists()]
    if filled:
        names = ", ".join(sorted(model._meta.db_table for model in filled)[:5])
        raise MoveError(
            f"Not moved: the database of DATABASE_URL is not empty, it holds rows of {names}."
            " Name an empty database."
        )


def prepare() -> None:
    """New tables, without rows, triggers and foreign keys. Once, in one transaction."""
    call_command("migrate", interactive=False, verbosity=0)
    refuse_filled()
    with transaction.atomic(durable=True):
        _say(
            f"CREATE TABLE {MOVE_TABLE} (name text PRIMARY KEY, last_key text, is_done boolean)",
            f"CREATE TABLE {_KEYS_TABLE} (place text, name text, definition text)",
            f"INSERT INTO {_KEYS_TABLE} SELECT conrelid::regclass::text, quote_ident(conname),"
            " pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace",
        )
        for module in (guards, folded, version_triggers):
            module.lift()
        _say(*(f"ALTER TABLE {place} DROP CONSTRAINT {name}" for place, name, _ in _keys()))
        _say(f"DROP INDEX IF EXISTS {guards.WORDS_INDEX}")  # quicker made once than row by row
        tables = ", ".join(f'"{model._meta.db_table}"' for model in moved_models())
        _say(f"TRUNCATE {tables}")


def give_up() -> None:
    """Empty a database into which a move has begun; then it may begin again."""
    with transaction.atomic(durable=True):
        tables = connection.introspection.table_names()
        _say(f"DROP TABLE {', '.join(f'{_quoted(table)}' for table in tables)} CASCADE")


def places() -> dict[str, Place]:
    rows = _ask(f"SELECT name, last_key, is_done FROM {MOVE_TABLE}")
    return {name: Place(json.loads(key), is_done) for name, key, is_done in rows}


def note(table: str, last_key: Any, *, is_done: bool) -> None:
    """How far the table is; in the transaction that has written the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {MOVE_TABLE} VALUES (%s, %s, %s) ON CONFLICT (name)"
            " DO UPDATE SET last_key = excluded.last_key, is_done = excluded.is_done",
            [table, json.dumps(last_key), is_done],
        )


def finish(*, numbers: Mapping[str, int], name: str, details: dict[str, str]) -> None:
    """Foreign keys, triggers, sequences, and a record of it, all or nothing: then it is a portal's.

    `numbers`: the highest number that each table of the source ever gave.
    """
    with transaction.atomic(durable=True):
        _say(*(f"ALTER TABLE {place} ADD CONSTRAINT {key} {text}" for place, key, text in _keys()))
        for module in (folded, guards, version_triggers):
            module.install()
        set_sequences(numbers)
        _say(f"DROP TABLE {MOVE_TABLE}, {_KEYS_TABLE}")
        if missing := [trigger for look in _MISSING for trigger in look()]:
            raise MoveError(f"The database lacks triggers after the move: {', '.join(missing)}.")
        record(
            ActionCode.DATABASE_MOVED, actor_name=COMMAND_LINE, subject=name[:255], details=details
        )
    connection.set_autocommit(True)
    _say("ANALYZE")


def _keys() -> Iterator[tuple[str, str, str]]:
    yield from _ask(f"SELECT place, name, definition FROM {_KEYS_TABLE} ORDER BY place, name")


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _ask(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _say(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
