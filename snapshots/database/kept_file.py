"""Connections to SQLite are kept from one request to the next, as long as the file is the same."""

from pathlib import Path
from typing import Any

from django.core.signals import request_started
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def watch() -> None:
    """Twice does no harm."""
    connection_created.connect(_note, dispatch_uid="kept file")
    request_started.connect(_leave_another, dispatch_uid="kept file")


def _note(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        connection.opened_file = _file_of(connection)  # type: ignore[attr-defined]


def _leave_another(**_kwargs: Any) -> None:
    close_if_replaced(connection)


def close_if_replaced(connection: BaseDatabaseWrapper) -> None:
    """Who puts a backup in the file's place must not have requests go on with the old one."""
    if connection.vendor != "sqlite" or connection.connection is None or connection.in_atomic_block:
        return
    if getattr(connection, "opened_file", None) != _file_of(connection):
        connection.close()


def _file_of(connection: BaseDatabaseWrapper) -> tuple[int, int] | None:
    try:
        file_facts = Path(connection.settings_dict["NAME"]).stat()
    except OSError:
        return None
    return file_facts.st_dev, file_facts.st_ino
