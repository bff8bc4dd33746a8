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


@pytest.mark.parametrize("count", [1, 12, 28, 36])
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
        assert _applied(address) > 36


# Ends without a word where Django is about to note this migration.
KILLED = """
import os, sys
from django.db.migrations.recorder import MigrationRecorder
from evsportal.manage import main
last, record = sys.argv.pop(), MigrationRecorder.record_applied
def record_or_end(recorder, app, name):
    if f"{app}.{name}" == last:
        os._exit(9)
    record(recorder, app, name)
MigrationRecorder.record_applied = record_or_end
sys.argv[1:] = ["migrate", "--verbosity", "0"]
main()
"""


@pytest.mark.parametrize(
    "name", ["sessions.0001_initial", "snapshots.0001_operations", "snapshots.0004_triggers"]
)
def test_migration_killed_before_its_note_is_run_again(name, tmp_path):
    with _new_database(tmp_path) as address:
        stack = Stack(tmp_path, DATABASE_URL=address)
        argv = [sys.executable, "-c", KILLED, name]
        assert subprocess.run(argv, cwd=ROOT, env=stack.environ, check=False).returncode == 9
        stack.manage("migrate", "--verbosity", "0")
        assert "No planned migration operations" in stack.manage("migrate", "--plan")
