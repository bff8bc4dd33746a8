"""Counts what monitoring asks for: in memory first, then together in the database.

A worker writes what it has counted with its beats, the web after a request that counted something.
So counting costs no statement where work is done, and no two transactions wait for each other's
counters. A process that is killed takes at most the counts of its last second with it: these are
figures, and the trail itself is the evidence.
"""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from django.db import Error as DatabaseError
from django.db.models import F, Manager, Model

from snapshots.database.transactions import in_transaction
from snapshots.models import ExchangeTally, OperationTally

BOUNDS_MS = (50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)

Key = tuple[str | int, ...]


Taken = Mapping[tuple[type[Model], Key], Counter[str]]


class _Counts:
    """What this process has counted and not written yet: by table and key, of each column."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = defaultdict[tuple[type[Model], Key], Counter[str]](Counter)

    def add(self, table: type[Model], key: Key, **amounts: int) -> None:
        with self._lock:
            self._counts[table, key].update(amounts)

    def take(self) -> Taken:
        with self._lock:
            taken, self._counts = self._counts, defaultdict(Counter)
        return taken

    def put_back(self, taken: Taken) -> None:
        with self._lock:
            for place, amounts in taken.items():
                self._counts[place].update(amounts)

    def __bool__(self) -> bool:
        return bool(self._counts)


_counts = _Counts()
_KEYS = {ExchangeTally: ("cloud", "code", "bucket"), OperationTally: ("kind", "state")}


def count_exchange(*, cloud: str, code: str, milliseconds: float) -> None:
    """An exchange with the cloud ended: with a status, or with an error of this class."""
    key = cloud, code[:40], bisect_left(BOUNDS_MS, milliseconds)
    _counts.add(ExchangeTally, key, count=1, milliseconds=round(milliseconds))


def count_operation(*, kind: str, state: str) -> None:
    """An operation ended in this state. To be called after its transaction."""
    _counts.add(OperationTally, (kind, state), count=1)


def write_tallies() -> None:
    """Add what this process has counted to the tables. Raises `DatabaseError`; then it keeps it."""
    if not _counts:
        return
    taken = _counts.take()

    def write() -> None:
        # In one order everywhere, so that no two processes wait for each other.
        for (table, key), amounts in sorted(taken.items(), key=_order):
            _add(table._default_manager, dict(zip(_KEYS[table], key, strict=True)), amounts)

    try:
        in_transaction(write)
    except DatabaseError:
        _counts.put_back(taken)
        raise


def _order(item: tuple[tuple[type[Model], Key], Counter[str]]) -> tuple[str, Key]:
    table, key = item[0]
    return table.__name__, key


def _add(rows: Manager[Any], key: Mapping[str, object], amounts: Mapping[str, int]) -> None:
    changes = {column: F(column) + amount for column, amount in amounts.items()}
    if not rows.filter(**key).update(**changes):
        rows.bulk_create([rows.model(**key)], ignore_conflicts=True)
        rows.filter(**key).update(**changes)
