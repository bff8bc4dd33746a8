"""Reads that are asked once more after the server closed the connection, as a restart of it does.

A page makes several reads before it writes anything, each outside of a transaction: repeating such
a read does no harm, and the person sees nothing of the restart. What writes is repeated as a whole
by `transactions.in_transaction`, or not at all.
"""

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


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
    try:
        return execute(sql, parameters, many, context)
    except (InterfaceError, OperationalError):
        is_read = database.autocommit and sql.startswith("SELECT ")
        if not is_read or not _was_lost(database) or _is_in_server(cursor):
            raise
    database.close()
    cursor.cursor = database.cursor().cursor  # of another connection, which is waited for
    return execute(sql, parameters, many, context)


def _was_lost(database: BaseDatabaseWrapper) -> bool:
    return database.connection is not None and bool(database.connection.closed)


def _is_in_server(cursor: Any) -> bool:
    """Whether it belongs to a connection: rows that come in portions."""
    return hasattr(cursor.cursor, "name")
