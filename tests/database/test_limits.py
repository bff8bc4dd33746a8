"""The limits of web's and worker's connections, read from PostgreSQL."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.database.pooler import new_database
from tests.e2e.stack import ROOT, Stack

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no connections to bound"
)
SHOW = """
import django; django.setup()
from django.db import connection
from snapshots.database.limits import bound_connections
cursor = connection.cursor()
{bound}
with connection.cursor() as cursor:
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        cursor.execute("SHOW " + name)
        print(cursor.fetchone()[0])
"""
PIDS = """
import django; django.setup()
import threading
from django.db import connection
from snapshots.database.limits import bound_connections
bound_connections()
seen = set()
def work():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        seen.add(cursor.fetchone()[0])
    connection.close()
for _ in range(10):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(len(seen))
"""


@pytest.fixture
def answer_of(tmp_path):
    def run(program):
        with new_database("limits") as url:
            environ = Stack(tmp_path, DATABASE_URL=url).environ
            argv = [sys.executable, "-c", program]
            done = subprocess.run(
                argv, cwd=ROOT, env=environ, check=True, capture_output=True, text=True, timeout=60
            )
        return done.stdout.split()

    return run


def test_web_and_worker_bound_their_connections(answer_of):
    program = SHOW.format(bound="bound_connections()")
    assert answer_of(program) == ["30s", "10s", "3s"]


def test_commands_take_the_time_they_need(answer_of):
    assert answer_of(SHOW.format(bound="")) == ["0", "0", "0"]


def test_ten_operations_one_after_another_share_connections(answer_of):
    assert int(answer_of(PIDS)[0]) <= 2  # the pool takes one back a moment after it was let go
