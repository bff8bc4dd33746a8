"""A migration that was killed half-way is run again, on both databases."""

import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.db import connection

from tests.database.pooler import new_database
from tests.e2e.stack import ROOT, Stack
from tests.waiting import until

pytestmark = pytest.mark.database


@contextmanager
def _new_database(folder):
    """Its address."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder}/portal.sqlite3"
        return
    with new_database("interrupted") as address:
        yield address


def _applied(address):
    """How many migrations are noted as done."""
    try:
        if address.startswith("sqlite"):
            with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as database:
                return database.execute("SELECT count(*) FROM django_migrations").fetchone()[0]
        with psycopg.connect(address) as database:
            return database.execute("SELECT count(*) FROM django_migrations").fetchone()[0]
    except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
        return 0


@pytest.mark.parametrize("count", [1, 12, 25, 40])
def test_killed_migration_is_run_again(count, tmp_path):
    with _new_database(tmp_path) as address:
        stack = Stack(tmp_path, DATABASE_URL=address)
        argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        process = subprocess.Popen(argv, cwd=ROOT, env=stack.environ)
        until(lambda: _applied(address) >= count or process.poll() is not None, seconds=100)
        process.kill()
        process.wait()
        stack.manage("migrate", "--verbosity", "0")
        assert "No planned migration operations" in stack.manage("migrate", "--plan")
        stack.manage("check", "--database", "default")  # each trigger is there
        assert "helpdesk" in stack.manage("dumpdata", "auth.group")
        assert _applied(address) > 50
