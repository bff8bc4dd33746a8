"""Who starts a duty that is due already keeps nobody waiting but the duty's end."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from snapshots.jobs.duties import WATCH, start_duty
from snapshots.models import Duty
from tests.database.standing import another_transaction, at_once

only_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has a single writer"
)
pytestmark = [pytest.mark.django_db(transaction=True), only_postgres]
NOW = timezone.now()


def another_start(due_at):
    """Another transaction has started the duty, and stands still."""
    return another_transaction(lambda: start_duty(WATCH, "x", due_at=due_at))


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
