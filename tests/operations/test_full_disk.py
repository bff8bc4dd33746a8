"""The database's disk is full: people are told, and nothing is lost or sent twice."""

from contextlib import contextmanager

import pytest
import requests
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.test import Client
from django.utils import timezone

from snapshots.models import Exchange, Operation
from snapshots.sandbox import scenarios
from tests import factories
from tests.operations.conftest import look_again, snapshots_in

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="how full a file may be is SQLite's to say"
)
VOLUMES = [volume.name for volume in scenarios.VOLUMES if volume.status == "available"][:4]


@contextmanager
def full_disk():
    """SQLite gets no page more, in whichever thread, and has used those that it had."""

    def limit(connection, **_kwargs):
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1")  # no fewer than there are

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ballast (content)")
        limit(connection)
        connection_created.connect(limit)
        try:
            with pytest.raises(OperationalError, match="database or disk is full"):
                while True:
                    cursor.execute("INSERT INTO ballast VALUES (zeroblob(4000))")
            yield
        finally:
            connection_created.disconnect(limit)
            cursor.execute("PRAGMA max_page_count = 1000000")
            cursor.execute("DROP TABLE ballast")


def changes_at(sandbox):
    asked = requests.get(f"{sandbox.url}/_sandbox/requests", timeout=5).json()["requests"]
    return [one for one in asked if one["method"] == "POST" and "/auth/" not in one["path"]]


def test_requests_wait_for_room_and_are_sent_once(loop, ask, sandbox, clock):
    asked = [ask(name, name="x" * 200) for name in VOLUMES]
    with full_disk():
        loop.run_until_idle(seconds=3)
        assert len(changes_at(sandbox)) < len(asked)
        assert len(changes_at(sandbox)) <= Exchange.objects.filter(purpose="create").count()
    for _ in range(8):
        Operation.objects.filter(finished_at=None).update(due_at=timezone.now())
        clock.move(60)
        look_again(loop)
    assert {Operation.objects.get(pk=one.pk).state for one in asked} == {"succeeded"}
    assert len(snapshots_in(sandbox)) == len(asked)
    assert len(changes_at(sandbox)) == len(asked)


def test_person_is_told_that_nothing_was_recorded(transactional_db, cloud, alice):
    browser = Client()
    browser.force_login(alice)
    volume = factories.volume(granted_to=alice)

    def send():
        return browser.post("/snapshots/new/", factories.fill_form(volume))

    with full_disk():
        answers = [send() for _ in range(20)]  # the first few find room in what is there
    refused = [answer for answer in answers if answer.status_code != 302]
    assert {answer.status_code for answer in refused} == {503}
    assert "Your request was not recorded, and nothing was sent to the cloud." in refused[0].text
    assert Operation.objects.count() == len(answers) - len(refused)
    assert send().status_code == 302
