"""Transactions that the database asks to repeat, with real deadlocks and locks."""

import threading
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import Error as DatabaseError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from snapshots.database.transactions import in_transaction, lock_in_order, lost_database
from snapshots.models import Duty
from tests.database.standing import another_transaction

pytestmark = pytest.mark.django_db(transaction=True)
only_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'")
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'")


@pytest.fixture
def duties():
    names = ("first", "second")
    return [Duty.objects.create(name=name, kind="test", due_at=timezone.now()) for name in names]


def in_threads(*works):
    """Run all at the same moment; the errors they ended with."""
    errors = []

    def run(work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


def count_up(row, other, both_hold_one, attempts):
    """Change one row, then the other; the first time both threads hold one row by then."""
    attempts.append(row.name)
    Duty.objects.filter(pk=row.pk).update(fails=row.fails + 1)
    if len(attempts) <= 2:
        both_hold_one.wait(10)
    Duty.objects.filter(pk=other.pk).update(token=other.token + 1)


@only_postgres
def test_both_sides_of_a_deadlock_end_well(duties):
    first, second = duties
    barrier, attempts = threading.Barrier(2), []
    works = [
        partial(in_transaction, partial(count_up, row, other, barrier, attempts))
        for row, other in ((first, second), (second, first))
    ]
    assert in_threads(*works) == []
    assert list(Duty.objects.values_list("fails", "token")) == [(1, 1), (1, 1)]
    assert len(attempts) == 3  # the victim's ran twice


@only_postgres
def test_a_serialization_failure_is_repeated(duties):
    barrier, attempts = threading.Barrier(2), []

    def add_to_what_was_read():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        duty = Duty.objects.get(name="first")
        attempts.append(duty.fails)
        if len(attempts) <= 2:
            barrier.wait(10)
        Duty.objects.filter(pk=duty.pk).update(fails=duty.fails + 1)

    work = partial(in_transaction, add_to_what_was_read)
    assert in_threads(work, work) == []
    assert Duty.objects.get(name="first").fails == 2


@only_postgres
def test_a_transaction_ended_for_standing_still_is_repeated(duties):
    attempts = []

    def stand_still_once():
        attempts.append(None)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
        if len(attempts) == 1:
            threading.Event().wait(0.5)  # the process is suspended
        Duty.objects.filter(name="first").update(fails=1)

    in_transaction(stand_still_once)
    assert Duty.objects.get(name="first").fails == 1
    assert len(attempts) == 2


@only_postgres
@pytest.mark.parametrize(
    ("ended_at", "may_be_stored"), [("work", False), ("commit", False), ("commit", True)]
)
def test_a_lost_commit_is_repeated_where_work_finds_it(duties, ended_at, may_be_stored):
    attempts = []

    def lose_the_connection():
        pid = connection.connection.info.backend_pid
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()

    def count():
        attempts.append(None)
        Duty.objects.filter(name="first").update(fails=F("fails") + 1)
        if len(attempts) == 1:
            lose_the_connection()
            if ended_at == "work":
                Duty.objects.get(name="first")

    if ended_at == "work" or may_be_stored:
        in_transaction(count, may_be_stored=may_be_stored)
        assert Duty.objects.get(name="first").fails == 1
    else:  # nobody knows whether a commit was carried out
        with pytest.raises(OperationalError):
            in_transaction(count)
        assert Duty.objects.get(name="first").fails == 0


@only_postgres
def test_a_commit_asked_for_after_standing_still_is_repeated(duties):
    attempts = []

    def stand_still_at_the_end():
        attempts.append(None)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
        Duty.objects.filter(name="first").update(fails=F("fails") + 1)
        if len(attempts) == 1:
            threading.Event().wait(0.5)

    in_transaction(stand_still_at_the_end)
    assert Duty.objects.get(name="first").fails == 1
    assert len(attempts) == 2


@only_postgres
def test_a_connection_closed_for_standing_still_counts_as_lost(duties):
    def stand_still():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
            threading.Event().wait(0.5)
            Duty.objects.filter(name="first").update(fails=1)

    with pytest.raises(DatabaseError) as caught:
        stand_still()
    assert lost_database(caught.value)


@contextmanager
def another_writer():
    """Another connection holds SQLite's write lock until the block asks it to go."""
    has_lock, go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            has_lock.set()
            go.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    has_lock.wait(10)
    yield go
    go.set()
    thread.join(10)


@only_sqlite
def test_a_busy_sqlite_is_asked_again(duties):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 20")
    with another_writer() as go:
        threading.Timer(0.2, go.set).start()
        in_transaction(lambda: Duty.objects.filter(name="first").update(fails=1))
    assert Duty.objects.get(name="first").fails == 1
    connection.close()  # with its short patience


def test_another_error_is_raised_at_once(duties):
    attempts = []

    def make_twice():
        attempts.append(None)
        Duty.objects.create(name="first", kind="test")

    with pytest.raises(IntegrityError):
        in_transaction(make_twice)
    assert len(attempts) == 1


@only_postgres
def test_inside_a_transaction_the_outermost_is_repeated(duties):
    barrier, attempts = threading.Barrier(2), []

    def outer(row, other):
        in_transaction(partial(count_up, row, other, barrier, attempts))

    works = [partial(in_transaction, partial(outer, *pair)) for pair in (duties, duties[::-1])]
    assert in_threads(*works) == []
    assert list(Duty.objects.values_list("fails", "token")) == [(1, 1), (1, 1)]


def test_durable_work_refuses_an_outer_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        in_transaction(Duty.objects.count, durable=True)


def test_keys_of_locked_rows_come_in_their_order(duties):
    expected = sorted(duty.pk for duty in duties)
    assert in_transaction(lambda: lock_in_order(Duty.objects.order_by("-pk"))) == expected


@only_postgres
def test_rows_that_others_hold_may_be_left_out(duties):
    first, second = duties
    with another_transaction_on(first):
        free = in_transaction(lambda: lock_in_order(Duty.objects.all(), skip_locked=True))
    assert free == [second.pk]


def another_transaction_on(row):
    return another_transaction(lambda: Duty.objects.filter(pk=row.pk).update(fails=9))
