"""Moves all rows, then compares them, then lets the portal in."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DatabaseError, connection, transaction

from snapshots.database.in_use import InUseError, database_alone
from snapshots.database.locks import MIGRATION, BusyError, process_lock
from snapshots.management.backup.facts import verdict_of_trail
from snapshots.management.move import target
from snapshots.management.move.columns import Column, Table, table_of
from snapshots.management.move.errors import MoveError, UnfitError
from snapshots.management.move.source import (
    Source,
    moved_models,
    open_source,
    portal_on_source,
    refuse_unfit,
)
from snapshots.management.progress import Progress

MOST_ROWS, MOST_BYTES = 10_000, 16 * 1024 * 1024  # in a transaction; a row may have MiBs
_FETCHED = 500  # rows at once

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder:
    """What may be done, and with which keys the trail is verified on both sides."""

    again: bool = False  # a move that has begun begins again
    damaged: bool = False  # a source whose trail is damaged
    public_keys: Sequence[Ed25519PublicKey] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved and compared."""

    rows: Counter[str]  # by table
    changed: Counter[str]  # texts with a NUL, by table
    trail: str  # the verifier's verdict, the same on both sides


def move_database(path: Path, *, order: MoveOrder, progress: Progress) -> Moved:
    """From the SQLite file to the PostgreSQL that Django is connected to. Raises `MoveError`."""
    try:
        with open_source(path) as source, database_alone(), process_lock(MIGRATION):
            refuse_unfit(source)
            target.lift_limits()
            with progress.step("verifying the source"), portal_on_source(path):
                verdict = verdict_of_trail(order.public_keys)
            if verdict.startswith("DAMAGED") and not order.damaged:
                raise MoveError(f"Not moved: {verdict}")
            _begin(order)
            return _move(source, verdict, order, progress)
    except InUseError as error:
        raise MoveError(
            f"Not moved: {error}. Disconnect them: while rows come in nobody may use it."
        ) from error
    except BusyError:
        raise MoveError("Not moved: another process migrates or fills the database.") from None


def _begin(order: MoveOrder) -> None:
    has_begun = target.has_begun()
    if has_begun and not order.again:
        target.refuse_older()
        return
    if has_begun:
        target.give_up()
    else:
        target.refuse_filled()
    target.prepare()


def _move(source: Source, verdict: str, order: MoveOrder, progress: Progress) -> Moved:
    changed: Counter[str] = Counter()
    tables = [table_of(model, changed) for model in moved_models()]
    total = sum(source.count(table.name) for table in tables)
    with progress.step("moving", total, unit="rows") as advance:
        places = target.places()
        for table in tables:
            place = places.get(table.name, target.Place(None, is_done=False))
            for rows in _copy(source, table, place):
                advance(rows)
    changed.clear()
    with progress.step("comparing", total, unit="rows") as advance:
        rows_of = Counter({t.name: _compare(source, t, advance) for t in tables})
    with progress.step("verifying the trail"):
        if (moved := verdict_of_trail(order.public_keys)) != verdict:
            raise MoveError(f"The source's trail: {verdict} Here: {moved}")
    with progress.step("foreign keys, triggers"):
        details = {"rows": str(rows_of.total()), "trail": verdict}
        target.finish(numbers=source.highest_numbers(), name=source.path.name, details=details)
    return Moved(rows_of, changed, verdict)


# --- moving ----------------------------------------------------------------------------------


def _copy(source: Source, table: Table, place: target.Place) -> Iterator[int]:
    """Move the rows behind this place; yields how many are stored for certain, after each commit.

    Rows of before, in an earlier run, are yielded first.
    """
    remaining = 0
    key = place.last_key
    if not place.is_done:
        pending = _rows_behind(source, table, key)
        while batch := _some(pending):
            with transaction.atomic(durable=True):
                _write(table, batch)
                key = batch[-1][table.key_at]
                target.note(table.name, key, is_done=False)
            remaining += len(batch)
            yield len(batch)
        target.note(table.name, key, is_done=True)
    yield source.count(table.name) - remaining


def _rows_behind(source: Source, table: Table, key: Any) -> Iterator[Row]:
    """In the order of the primary key."""
    behind, values = ("", []) if key is None else (f'WHERE "{table.key}" > ?', [key])
    sql = f'SELECT {table.names} FROM "{table.name}" {behind} ORDER BY "{table.key}"'
    cursor = source.database.execute(sql, values)
    last: object = "the first"
    while True:
        try:
            rows = cursor.fetchmany(_FETCHED)
        except sqlite3.OperationalError as error:  # not UTF-8
            raise MoveError(f"{table.name}: a row after {last} cannot be read: {error}.") from error
        if not rows:
            return
        last = rows[-1][table.key_at]
        yield from rows


def _some(rows: Iterator[Row]) -> list[Row]:
    """The next ones, as many as one transaction may write."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(batch) == MOST_ROWS or size > MOST_BYTES:
            break
    return batch


def _write(table: Table, batch: list[Row]) -> None:
    statement = f'COPY "{table.name}" ({table.names}) FROM STDIN'
    try:
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for row in batch:
                copy.write_row(_converted(table, row))
    except DatabaseError as error:
        reason = str(error).partition("\n")[0]  # below it PostgreSQL quotes the row
        raise MoveError(f"PostgreSQL refuses rows of {table.name}: {reason}.") from error


def _converted(table: Table, row: Row) -> list[Any]:
    converted = []
    for column, value in zip(table.columns, row, strict=True):
        try:
            converted.append(column.write(value))
        except UnfitError as error:
            raise MoveError(_where(table, row, column, str(error))) from error
    return converted


def _where(table: Table, row: Row, column: Column, reason: str) -> str:
    return (
        f"The row {row[table.key_at]!r} of {table.name} has in {column.name} {reason}. The source"
        " was not changed. Correct the row there, and run the command again with --again."
    )


# --- comparing -------------------------------------------------------------------------------


def _compare(source: Source, table: Table, advance: Any) -> int:
    """Every value of every row, on both sides. Returns how many rows there are."""
    count = 0
    for ours, theirs in zip_longest(_rows_behind(source, table, None), _stored(table)):
        if ours is None or theirs is None:
            raise MoveError(_differing(f"{table.name} has more rows on one side"))
        for column, value, other in zip(
            table.columns, _converted(table, ours), theirs, strict=True
        ):
            if value != other and not _means_the_same(column, value, other):
                key = ours[table.key_at]
                raise MoveError(
                    _differing(f"the row {key!r} of {table.name} differs in {column.name}")
                )
        count += 1
        if count % _FETCHED == 0:
            advance(_FETCHED)
    advance(count % _FETCHED)
    return count


def _means_the_same(column: Column, value: Any, other: Any) -> bool:
    return column.compare is not None and column.compare(value) == column.compare(other)


def _differing(what: str) -> str:
    return (
        f"Source and PostgreSQL are not the same: {what}. Somebody changed one of them since the"
        " move began. Run the command again with --again."
    )


def _stored(table: Table) -> Iterator[Row]:
    columns = ", ".join(column.sql for column in table.columns)
    sql = f'SELECT {columns} FROM "{table.name}" ORDER BY {table.key_sql}'
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(_FETCHED):
            yield from rows
