"""Locks, transactions and limits behind PgBouncer in transaction mode."""

import subprocess
import sys

import pytest
from django.db import connection

from snapshots.database.locks import MIGRATION
from tests.bench.portal import Person
from tests.database.pooler import new_database, pooled
from tests.e2e.stack import ROOT, Stack, running
from tests.waiting import until

pytestmark = pytest.mark.skipif("connection.vendor != 'postgresql'")


@pytest.fixture
def address():
    with new_database("behind_a_pooler") as url, pooled(url) as address:
        yield address


def test_check_demands_the_setting(address, tmp_path):
    environ = Stack(tmp_path, DATABASE_URL=address).environ
    check = [sys.executable, "manage.py", "check", "--database", "default"]
    done = subprocess.run(
        check, cwd=ROOT, env=environ, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "evsportal.E015" in done.stderr
    environ["EVSPORTAL_DATABASE_POOLER"] = "true"
    migrate = [*check[:2], "migrate"]
    for argv in (migrate, check):
        subprocess.run(argv, cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60)


def test_portal_makes_a_snapshot_behind_a_pooler(address, tmp_path):
    settings = {"DATABASE_URL": address, "EVSPORTAL_DATABASE_POOLER": "true"}
    with running(tmp_path, **settings) as portal:
        alice = Person(portal, "alice")
        volume_id = until(alice.volumes, seconds=30)[0]
        page = alice.submit(volume_id)[1]
        until(lambda: "Available" in alice.get(page), seconds=30)
        assert "Traceback" not in portal.log()


HOLD = f"""
import django, sys; django.setup()
from snapshots.database.locks import BusyError, process_lock
try:
    with process_lock({MIGRATION}):
        print("held", flush=True)
        sys.stdin.read()
except BusyError:
    print("busy", flush=True)
"""


def test_lock_behind_a_pooler_has_one_holder(address, tmp_path):
    environ = Stack(tmp_path, DATABASE_URL=address, EVSPORTAL_DATABASE_POOLER="true").environ
    argv = [sys.executable, "-c", HOLD]
    options = {"cwd": ROOT, "env": environ, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(argv, text=True, **options) as first:
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen(argv, text=True, **options) as second:
            assert second.stdout.readline() == "busy\n"
        first.stdin.close()
    with subprocess.Popen(argv, text=True, **options) as third:
        assert third.stdout.readline() == "held\n"
        third.stdin.close()


def test_without_a_pooler_none_is_seen(db):
    from snapshots.database.limits import has_pooler

    assert not has_pooler()
    assert connection.vendor == "postgresql"
