"""Removes archived rows from the database, a few at a time. Triggers refuse to remove rows that no
sealed tombstone covers.
"""

import time
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import Max

from snapshots.audit.database.settled import TRAIL
from snapshots.models import EntryKind, Tombstone

AT_ONCE = 250
PAUSE_SECONDS = 0.02  # others who want to write come in between: SQLite keeps no queue


def remains(stone: Tombstone) -> bool:
    """Whether the database still has rows that the tombstone covers."""
    return any(
        TRAIL[table]._default_manager.filter(seq__gt=after, seq__lte=upto).exists()
        for table, (after, upto, _rows) in stone.tables.items()
    )


def remove(stone: Tombstone) -> int:
    """Remove all rows that it covers, with their entries in the search; how many there were.

    May be broken off and begun again anywhere: each step is a transaction of its own, and a request
    goes together with its answer. Raises `DatabaseError` for what the triggers or the role refuse.
    """
    removed = 0
    for table in sorted(stone.tables, key="answer".__eq__):  # answers without a request come last
        after, upto, _rows = stone.tables[table]
        for first, last in _steps(table, after, upto):
            began = time.monotonic()
            with transaction.atomic():
                if table == "exchange":
                    removed += _remove_answers(first, last, upto=stone.tables["answer"][1])
                removed += _remove(table, first, last)
            time.sleep(max(PAUSE_SECONDS, time.monotonic() - began))
    return removed


def _steps(table: str, after: int, upto: int) -> Iterator[tuple[int, int]]:
    """Pieces (after, upto], each of so many rows at most."""
    while after < upto:
        rows = TRAIL[table]._default_manager.filter(seq__gt=after, seq__lte=upto)
        some = rows.order_by("seq").values("seq")[:AT_ONCE]
        last = some.aggregate(last=Max("seq"))["last"]
        if last is None:
            return
        yield after, last
        after = last


def _remove_answers(first: int, last: int, *, upto: int) -> int:
    """Those to these requests; one that came after the archive stays."""
    which = "exchange_id > %s AND exchange_id <= %s AND seq <= %s"
    return _run(f"DELETE FROM snapshots_answer WHERE {which}", first, last, upto)


def _remove(table: str, first: int, last: int) -> int:
    if table in EntryKind.values:
        which = 'kind = %s AND "row" > %s AND "row" <= %s'
        _run(f"DELETE FROM snapshots_entry WHERE {which}", table, first, last)
    return _run(f"DELETE FROM snapshots_{table} WHERE seq > %s AND seq <= %s", first, last)


def _run(sql: str, *values: str | int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
