"""PostgreSQL: its tables by COPY, in one transaction that sees one moment.

No program of PostgreSQL's is called, so no password leaves this process, and client and server need
not be of one version.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from snapshots.management.backup.contents import Advance, BackupReader, BackupWriter
from snapshots.management.backup.errors import BackupError

_PART_BYTES = 4 * 1024 * 1024
_TABLE = "table "  # and its name
_COLUMNS = "columns"


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything read inside is of one moment; nobody who writes waits for it."""
    with transaction.atomic(durable=True):
        _say(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            "SET LOCAL statement_timeout = 0",  # a role's limits are for web and worker
            "SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        yield


def database_bytes() -> int:
    return int(_ask("SELECT pg_database_size(current_database())")[0][0])


def write_parts(writer: BackupWriter, *, advance: Advance) -> None:
    """To be called within `one_moment`."""
    for table, columns in _columns().items():
        name = f"{_TABLE}{table}"
        writer.part(f"{_COLUMNS} {table}", ",".join(columns).encode())
        waiting = bytearray()
        with connection.cursor() as cursor, cursor.copy(_copy(table, columns, "TO STDOUT")) as rows:
            for row in rows:
                waiting += row
                if len(waiting) >= _PART_BYTES:
                    writer.part(name, bytes(waiting))
                    advance(len(waiting))
                    waiting.clear()
        writer.part(name, bytes(waiting))


@contextmanager
def replaced_by(reader: BackupReader, *, advance: Advance) -> Iterator[None]:
    """Every table holds what the backup holds, in a transaction that ends with the block.

    All triggers are off while rows come in: those of the trail refuse, and the others would make
    again what the backup holds.
    """
    with transaction.atomic(durable=True):
        _say(
            "SET LOCAL statement_timeout = 0",
            "SET LOCAL idle_in_transaction_session_timeout = 0",
            "SET LOCAL lock_timeout = '10s'",
        )
        columns, triggers = _columns(), _triggers()
        _say(*(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER USER" for table in columns))
        _say(f"TRUNCATE {', '.join(map(_quoted, columns))}")
        _load(reader, columns, advance)
        _say("SET CONSTRAINTS ALL IMMEDIATE")  # ALTER TABLE refuses while checks are waiting
        _say(
            *(
                f"ALTER TABLE {_quoted(table)} ENABLE {'ALWAYS ' if always else ''}TRIGGER"
                f" {_quoted(trigger)}"
                for table, trigger, always in triggers
            )
        )
        set_sequences({})
        yield


def _load(reader: BackupReader, columns: dict[str, list[str]], advance: Advance) -> None:
    given: dict[str, list[str]] = {}
    for name, content in reader.parts(advance=advance):
        what, _blank, table = name.partition(" ")
        if what == _COLUMNS:
            given[table] = content.decode(errors="replace").split(",")
            if sorted(given[table]) != sorted(columns.get(table, [])):
                raise BackupError(f"The backup's table {table} is not one of this database.")
            continue
        if what != _TABLE.strip() or table not in given:
            raise BackupError(f"The backup has a part that no table is filled from: {name}.")
        statement = _copy(table, given[table], "FROM STDIN")
        if content:
            with connection.cursor() as cursor, cursor.copy(statement) as rows:
                rows.write(content)
    if missing := set(columns) - set(given):
        raise BackupError(f"The backup lacks the table {min(missing)}.")


def set_sequences(at_least: Mapping[str, int]) -> None:
    """The next number of each table is beyond those of its rows, and beyond its own here."""
    identities = _ask(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND is_identity = 'YES'"
    )
    for table, column in identities:
        _say(
            f"SELECT setval(pg_get_serial_sequence('{_quoted(table)}', '{column}'), "
            f"(SELECT GREATEST(max({_quoted(column)}), {int(at_least.get(table, 0))}) + 1"
            f" FROM {_quoted(table)}), false)"
        )


def _columns() -> dict[str, list[str]]:
    """The columns of each table, except those that the database computes."""
    rows = _ask(
        "SELECT table_name, column_name FROM information_schema.columns JOIN"
        " information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        " AND is_generated = 'NEVER' ORDER BY table_name, ordinal_position"
    )
    columns: dict[str, list[str]] = {}
    for table, column in rows:
        columns.setdefault(table, []).append(column)
    return columns


def _triggers() -> list[tuple[str, str, bool]]:
    rows = _ask(
        "SELECT c.relname, t.tgname, t.tgenabled = 'A' FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'"
        " AND c.relnamespace = current_schema()::regnamespace"
    )
    return [(str(table), str(trigger), bool(always)) for table, trigger, always in rows]


def _copy(table: str, columns: list[str], where: str) -> str:
    return f"COPY {_quoted(table)} ({', '.join(map(_quoted, columns))}) {where}"


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name.replace('"', '""'))


def _ask(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _say(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
