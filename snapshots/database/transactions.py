"""Transactions that are repeated when the database asks for it, and row locks without deadlocks."""

import random
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

Result = TypeVar("Result")

MOST_ATTEMPTS = 6
# SQLite says "busy" only after waiting 20 s, so a web request is repeated once.
LAST_ATTEMPT_WITHIN_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.02
# PostgreSQL: deadlock, serialization failure, and idle-in-transaction time-out, as happens to a
# suspended process. In each case it has rolled back, even when a commit was requested.
_STOOD_STILL = "25P03"
_REPEATABLE_STATES = frozenset({"40P01", "40001", _STOOD_STILL})
_SQLITE_BUSY, _SQLITE_LOCKED = 5, 6


def in_transaction(
    work: Callable[[], Result], *, durable: bool = False, may_be_stored: bool = False
) -> Result:
    """Run `work` in a transaction, and repeat it when the database asks for that.

    `work` may run several times, so it must read and write nothing but the database. Inside another
    transaction it runs once: the outermost transaction is repeated as a whole; `durable` raises
    RuntimeError there instead. `may_be_stored`: `work` finds what it has stored, so it is repeated
    too where the connection was lost in the commit and nobody knows. Raises what `work` raises.
    """
    if connection.in_atomic_block:
        with transaction.atomic(durable=durable):
            return work()
    began = time.monotonic()
    for attempt in range(1, MOST_ATTEMPTS):
        step = _Step(work, through_commit=may_be_stored)
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
    """One attempt: whether the connection was lost before the commit, so that nothing was stored,
    or `through_commit`.

    The server closes the connection of a process that was suspended within a transaction.
    """

    def __init__(self, work: Callable[[], Result], *, through_commit: bool) -> None:
        self._work, self._through_commit = work, through_commit
        self._used: object = None  # the connection, while at work

    def run(self) -> Result:
        self._used = connection.connection
        result = self._work()
        if not self._through_commit:
            self._used = None
        return result

    @property
    def lost_its_connection(self) -> bool:
        """Asked after the transaction has ended: Django has another connection, or none, then."""
        return self._used is not None and self._used is not connection.connection


def asks_to_repeat(error: BaseException) -> bool:
    """Whether the database rolled the transaction back only because of concurrent transactions."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _REPEATABLE_STATES:
        return True
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in {_SQLITE_BUSY, _SQLITE_LOCKED}


def lost_database(error: BaseException) -> bool:
    """Whether the database was unavailable or closed our connection, not refused a query."""
    if getattr(error.__cause__, "sqlstate", None) == _STOOD_STILL:  # not an operational error
        return True
    return isinstance(error, InterfaceError | OperationalError) and not asks_to_repeat(error)


def lock_in_order(rows: QuerySet[Any], *, skip_locked: bool = False) -> list[Any]:
    """Lock these rows until the transaction ends, in the order of their keys; returns the keys.

    Every statement that changes several rows first locks them here: transactions that lock in the
    same order cannot deadlock. With `skip_locked`, rows locked by others are left out. SQLite has a
    single writer, so nothing is locked there.
    """
    locked = rows.order_by("pk").select_for_update(skip_locked=skip_locked, no_key=True)
    return list(locked.values_list("pk", flat=True))


def lock_rows(rows: QuerySet[Any]) -> None:
    """The same where nobody needs the keys. SQLite is not asked: a transaction has all of it."""
    if connection.vendor == "postgresql":
        lock_in_order(rows)


def share_rows(rows: QuerySet[Any]) -> None:
    """As `share_in_order`, where nobody needs the keys. Outside of a transaction nothing would stay
    shared, so nothing is asked.
    """
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        share_in_order(rows)


def share_in_order(rows: QuerySet[Any]) -> list[Any]:
    """Keep these rows as they are until the transaction ends; others may do the same meanwhile.
    Returns their keys. Who shares a row and then writes it waits for everybody who shares it.
    """
    keys = rows.order_by("pk").values_list("pk", flat=True)
    if connection.vendor != "postgresql":
        return list(keys)
    statement, parameters = keys.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} FOR SHARE", parameters)
        return [key for (key,) in cursor.fetchall()]
