"""Rows that several transactions lock are locked in one order, so that none waits in a circle."""

import threading
import time

import pytest
from django.contrib.auth.models import User
from django.db import connection

from snapshots.database.transactions import lock_rows
from snapshots.operations.people import PersonChange, store_people
from tests import factories as scene
from tests.database.standing import another_transaction, at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'"),
]


def in_a_thread(work):
    def run():
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_until_a_lock_is_waited_for():
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.05)
    raise AssertionError("Nobody waits for a lock.")


def test_who_waits_for_a_person_holds_no_later_one():
    first = scene.person("root")
    second = User.objects.create_user("second", is_superuser=True)
    change = PersonChange(second.pk, {"email": "second@example.org"}, None)
    with another_transaction(lambda: lock_rows(User.objects.filter(pk=first.pk))):
        thread = in_a_thread(lambda: store_people([change], User.objects.all()))
        wait_until_a_lock_is_waited_for()
        at_once(lambda: lock_rows(User.objects.filter(pk=second.pk)))
    thread.join(10)
    second.refresh_from_db()
    assert second.email == "second@example.org"
