"""Connections to SQLite that are kept between requests, and what ends one."""

import pytest
from django.core.signals import request_started
from django.db import connection

from snapshots.database.kept_file import close_if_replaced

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="a file of SQLite's"),
]


def begin_request():
    request_started.send(sender=None)


def test_connection_is_kept_for_the_next_request():
    connection.ensure_connection()
    before = connection.connection
    begin_request()
    assert connection.connection is before


def test_connection_to_a_file_that_was_replaced_is_closed(tmp_path):
    own = connection.copy()
    own.settings_dict = own.settings_dict | {"NAME": str(tmp_path / "own.sqlite3")}
    own.ensure_connection()
    close_if_replaced(own)
    assert own.connection is not None
    (tmp_path / "other.sqlite3").touch()
    (tmp_path / "other.sqlite3").replace(tmp_path / "own.sqlite3")
    close_if_replaced(own)
    assert own.connection is None
