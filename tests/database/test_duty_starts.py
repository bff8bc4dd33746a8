"""Who starts a duty that is due already keeps nobody waiting but the duty's end."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from snapshots.jobs.duties import WATCH, start_duty
from snapshots.models import Duty

only_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has a single writer"
)
pytestmark = [pytest.mark.django_db(transaction=True), only_postgres]
NOW = timezone.now()


@contextmanager
def another_start(due_at):
    """Another transaction has started the duty, and stands still."""
    started, over = threading.Event(), threading.Event()

    def stand_still():
        with transaction.atomic():
            start_duty(WATCH, "x", due_at=due_at)
            started.set()
            over.wait(10)
        connection.close()

    thread = threading.Thread(target=stand_still)
    thread.start()
    try:
        assert started.wait(10)
        yield
    finally:
        over.set()
        thread.join(10)


def at_once(work):
    """Do it without waiting for any lock. Raises OperationalError."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
        work()


@pytest.fixture
def duty():
    return Duty.objects.create(name=f"{WATCH}:x", kind=WATCH, cloud="x", due_at=NOW)


@pytest.mark.parametrize("owner", ["", "a worker"])
def test_two_starts_do_not_wait_for_each_other(duty, owner):
    Duty.objects.update(owner=owner)
    later = NOW + timedelta(seconds=5)
    with another_start(later):
        at_once(lambda: start_duty(WATCH, "x", due_at=later))
    assert Duty.objects.get().due_at == NOW


def test_end_of_the_duty_waits_for_a_start(duty):
    with another_start(NOW), pytest.raises(OperationalError):
        at_once(lambda: Duty.objects.update(due_at=None))


def test_resting_duty_is_made_due_once(duty):
    Duty.objects.update(due_at=None)
    errors = []

    def start():
        try:
            start_duty(WATCH, "x", due_at=NOW)
        except OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert errors == []
    assert Duty.objects.get().due_at == NOW
