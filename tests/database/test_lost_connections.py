"""What pages notice of a PostgreSQL server that is started again: nothing but a pause."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection
from psycopg import OperationalError, errors

from snapshots.database.pooled import MOST_SECONDS, PooledConnection, is_away
from tests import postgres
from tests.database.pooler import new_database
from tests.e2e.stack import ROOT, Stack

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no server that is started again"
)
# Each ends the server's side of connections; the client learns it by its next statement.
BEGIN = """
import django; django.setup()
import os, threading, time
import psycopg
from django.db import Error, connection, transaction
from snapshots.database.limits import bound_connections
bound_connections()
def end_all():
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                      " WHERE datname = current_database() AND pid <> pg_backend_pid()")
def ask(text="SELECT 42"):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchone()[0]
"""
READ = """
ask()
end_all()
print(ask())
"""
READ_OF_A_UNION = """
ask()
end_all()
print(ask("(SELECT 42) UNION (SELECT 42)"))
"""
READ_UNDER_WAY = """
ask()
threading.Timer(0.5, end_all).start()
print(ask("SELECT 42 FROM pg_sleep(1.5)"))
"""
LONG_READ = """
ask()
threading.Timer(2.5, end_all).start()
try:
    print(ask("SELECT 42 FROM pg_sleep(4)"))
except Error:
    print("not repeated")
"""
READ_LOST_TWICE = """
ask()
losses = [1, 2]
def lose(execute, *args):
    if losses and losses.pop(): end_all()
    return execute(*args)
with connection.execute_wrapper(lose):
    print(ask())
"""
WRITE = """
connection.cursor().execute("CREATE TABLE rows (number int)")
end_all()
try:
    ask("INSERT INTO rows VALUES (1) RETURNING 1")
except Error:
    connection.close()
print(ask("SELECT count(*) FROM rows"))
"""
READ_IN_TRANSACTION = """
try:
    with transaction.atomic():
        ask()
        end_all()
        print(ask())
except Error:
    print("not repeated")
"""
PORTIONS = """
with connection.chunked_cursor() as cursor:
    try:
        end_all()
        cursor.execute("SELECT 42")
        print("repeated")
    except Error:
        print("not repeated")
"""
MANY_IN_THE_POOL = """
together = threading.Barrier(8)
def use():
    ask()
    together.wait()
    connection.close()
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
end_all()
print(ask())
print(connection.pool.get_stats()["connections_lost"])
"""


@pytest.fixture
def answer_of(tmp_path):
    def run(program):
        with new_database("lost") as url:
            environ = Stack(tmp_path, DATABASE_URL=url).environ
            done = subprocess.run(
                [sys.executable, "-c", BEGIN + program],
                cwd=ROOT,
                env=environ,
                check=True,
                capture_output=True,
                text=True,
                timeout=60,
            )
        return done.stdout.split("\n")[:-1]

    return run


@pytest.mark.parametrize("program", [READ, READ_OF_A_UNION, READ_UNDER_WAY, READ_LOST_TWICE])
def test_read_outside_of_a_transaction_is_repeated(answer_of, program):
    assert answer_of(program) == ["42"]


def test_write_is_not_repeated(answer_of):
    assert answer_of(WRITE) == ["0"]


@pytest.mark.parametrize("program", [READ_IN_TRANSACTION, PORTIONS])
def test_part_of_something_is_not_repeated(answer_of, program):
    assert answer_of(program) == ["not repeated"]


def test_long_read_is_ended_once_and_for_all(answer_of):
    assert answer_of(LONG_READ) == ["not repeated"]


def test_closed_connections_leave_the_pool_together(answer_of):
    assert answer_of(MANY_IN_THE_POOL) == ["42", "1"]  # it pauses after each that it finds lost


@pytest.fixture(scope="module")
def full_server():
    """With one place for a connection, and one role that needs a password."""
    few = ["max_connections=1", "superuser_reserved_connections=0", "max_wal_senders=0"]
    server = postgres.started(few)
    hba = server.folder / "data" / "pg_hba.conf"
    with PooledConnection.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        connection.execute("CREATE ROLE sleeper")
        hba.write_text("local all locked scram-sha-256\nlocal all all trust\n")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.remove()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"user": "locked", "password": "wrong"}, "password authentication failed"),
        ({"user": "locked"}, "no password supplied"),
        ({"user": "nobody-here"}, "does not exist"),
        ({"user": "sleeper"}, "not permitted to log in"),
        ({"dbname": "nowhere"}, "does not exist"),
    ],
)
def test_refused_connection_is_not_tried_again(full_server, options, sentence):
    began = time.monotonic()
    with pytest.raises(OperationalError, match=sentence):
        PooledConnection.connect(full_server.url, **options)
    assert time.monotonic() - began < MOST_SECONDS


def test_server_without_free_places_is_left_to_the_pool(full_server):
    with PooledConnection.connect(full_server.url):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="too many clients"):
            PooledConnection.connect(full_server.url)
    assert time.monotonic() - began < MOST_SECONDS


@pytest.mark.parametrize(
    ("error", "is_repeated"),
    [
        (errors.CannotConnectNow(), True),
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (OperationalError("FATAL:  the database system is starting up"), True),
        (OperationalError("Connection refused"), True),
        (errors.TooManyConnections(), False),
        (errors.InvalidPassword(), False),
    ],
)
def test_server_that_is_away_or_starts_is_asked_again(error, is_repeated):
    assert is_away(error) is is_repeated


def test_host_that_refuses_says_nothing_of_another(full_server):
    folder = psycopg.conninfo.conninfo_to_dict(full_server.url)["host"]
    hosts = {"host": f"{folder},127.0.0.1", "port": "5432,1", "dbname": "nowhere"}
    with pytest.raises(OperationalError, match="does not exist") as refused:
        psycopg.connect(full_server.url, **hosts)
    assert is_away(refused.value)


def test_connection_is_there_soon_after_the_server():
    server = postgres.started([])
    try:
        server.stop()
        with ThreadPoolExecutor(1) as other:
            connecting = other.submit(PooledConnection.connect, server.url)
            time.sleep(1.3)
            assert not connecting.done()
            server.start()
            connecting.result(30).close()
    finally:
        server.remove()
