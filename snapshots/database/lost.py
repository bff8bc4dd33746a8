"""Reads that are asked again after the server closed the connection, as a restart of it does.

A page makes several reads before it writes anything, each outside of a transaction: repeating such
a read does no harm, and the person sees nothing of the restart. What writes is repeated as a whole
by `transactions.in_transaction`, or not at all.
"""

import time
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

# A server that goes down ends its connections one after the other: the next may be one of them.
_TRIES = (False, False, True)  # whether it is the last
# A read that was ended later was perhaps ended by an administrator, or ended the server itself: it
# must not begin again by itself. Those of pages take milliseconds.
_LONGEST_SECONDS = 2.0


def watch() -> None:
    """Twice does no harm."""
    connection_created.connect(_wrap, dispatch_uid="lost reads")


def _wrap(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    if connection.vendor == "postgresql" and read_again not in connection.execute_wrappers:
        connection.execute_wrappers.append(read_again)


def read_again(
    execute: Callable[..., Any], sql: str, parameters: Any, many: object, context: dict[str, Any]
) -> Any:
    """A wrapper of Django's around each statement."""
    database, cursor = context["connection"], context["cursor"]
    may_be_repeated = database.autocommit and _reads(sql)
    for is_last in _TRIES:
        began = time.monotonic()
        try:
            return execute(sql, parameters, many, context)
        except (InterfaceError, OperationalError):
            is_lost = _was_lost(database) and not _is_in_server(cursor)
            is_long = time.monotonic() - began > _LONGEST_SECONDS
            if is_last or is_long or not may_be_repeated or not is_lost:
                raise
        database.close()
        cursor.cursor = database.cursor().cursor  # of another connection, which is waited for
    raise AssertionError("The last try returns or raises.")


def _reads(sql: str) -> bool:
    return sql.lstrip("(").startswith("SELECT ")  # the parts of a union stand in parentheses


def _was_lost(database: BaseDatabaseWrapper) -> bool:
    return database.connection is not None and bool(database.connection.closed)


def _is_in_server(cursor: Any) -> bool:
    """Whether it belongs to a connection: rows that come in portions."""
    return hasattr(cursor.cursor, "name")
