"""Transactions that the database asks to repeat, and row locks that cannot deadlock."""

import random
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

Result = TypeVar("Result")

MOST_ATTEMPTS = 6
# SQLite has waited its own 20 s by the time it says "busy": a web request gets one repetition.
LAST_ATTEMPT_WITHIN_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.02
# PostgreSQL: deadlock, serialization failure, and a session ended because its transaction stood
# still, as a suspended process's does. It has rolled back then, even where a commit was asked for.
_REPEATABLE_STATES = frozenset({"40P01", "40001", "25P03"})
_SQLITE_BUSY, _SQLITE_LOCKED = 5, 6


def in_transaction(work: Callable[[], Result], *, durable: bool = False) -> Result:
    """Run `work` in a transaction, and again from its start when the database asks for that.

    `work` reads and writes the database and nothing else, since it may run several times. Inside
    another transaction it runs once: the outermost one is repeated as a whole. `durable` raises
    RuntimeError there instead. Raises what `work` raises.
    """
    if connection.in_atomic_block:
        with transaction.atomic(durable=durable):
            return work()
    began = time.monotonic()
    for attempt in range(1, MOST_ATTEMPTS):
        step = _Step(work)
        try:
            with transaction.atomic(durable=durable):
                return step.run()
        except DatabaseError as error:
            is_late = time.monotonic() - began > LAST_ATTEMPT_WITHIN_SECONDS
            if is_late or not (asks_to_repeat(error) or step.lost_its_connection):
                raise
        time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311 - no secret
    with transaction.atomic(durable=durable):
        return work()


class _Step(Generic[Result]):
    """One attempt: whether the connection was lost before the commit, so that nothing was stored.

    The server ends the connection of a process that was suspended within a transaction.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._used: object = None  # the connection, while at work

    def run(self) -> Result:
        self._used = connection.connection
        result = self._work()
        self._used = None
        return result

    @property
    def lost_its_connection(self) -> bool:
        """Asked after the transaction has ended: Django has another connection, or none, then."""
        return self._used is not None and self._used is not connection.connection


def asks_to_repeat(error: BaseException) -> bool:
    """Whether the database rolled the transaction back only because of others beside it."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _REPEATABLE_STATES:
        return True
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in {_SQLITE_BUSY, _SQLITE_LOCKED}


def lost_database(error: BaseException) -> bool:
    """Whether the database was away, or ended our connection; not a fault of ours in a query."""
    return isinstance(error, InterfaceError | OperationalError) and not asks_to_repeat(error)


def lock_in_order(rows: QuerySet[Any], *, skip_locked: bool = False) -> list[Any]:
    """Lock these rows until the transaction ends, in the order of their keys; returns the keys.

    Every statement that changes several rows locks them through this first: transactions that lock
    in one order cannot wait for each other in a circle. With `skip_locked`, rows that others hold
    are left out. SQLite has one writer at a time and locks nothing here.
    """
    locked = rows.order_by("pk").select_for_update(skip_locked=skip_locked, no_key=True)
    return list(locked.values_list("pk", flat=True))
