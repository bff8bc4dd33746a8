"""Celery's worker brings messages to the loop: a broker in this process's memory, no server."""

import pytest

from snapshots.jobs.broker.app import make_app, queue_of
from snapshots.jobs.broker.receiver import Receiver
from snapshots.jobs.notices import Notice, Notices
from tests.waiting import until

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def notices():
    return Notices()


@pytest.fixture
def publish(notices):
    """Publishes a step; a worker takes one message of a queue at a time."""
    app = make_app("memory://localhost", ["a"], notices)
    receiver = Receiver(app, at_once=1)
    receiver.start("host:1:a")

    def publish(key):
        queue = queue_of("a", app.clouds)
        app.send_task("operation.create", kwargs={"operation": key, "cloud": "a"}, queue=queue)

    yield publish
    receiver.stop()
    notices.abandon()
    receiver.join(10)


def test_message_is_acknowledged_when_its_step_has_ended(publish, notices):
    publish(FIRST)
    publish(SECOND)
    for key in (FIRST, SECOND):
        until(lambda key=key: notices.waiting(is_duty=False, lane="a") == {key}, seconds=60)
        notices.begin(Notice(is_duty=False, key=key, lane="a"))
        notices.end(Notice(is_duty=False, key=key, lane="a"))


def test_message_that_names_no_row_is_thrown_away(publish, notices):
    publish("no operation's id")
    publish(FIRST)
    until(lambda: notices.waiting(is_duty=False, lane="a") == {FIRST}, seconds=60)


def test_worker_that_stops_hands_messages_back_without_a_word(publish, notices, caplog):
    bring, brought = notices.bring, []

    def bring_and_count(notice, **seconds):
        brought.append(notice)
        return bring(notice, **seconds)

    notices.bring = bring_and_count
    publish(FIRST)
    until(lambda: notices.waiting(is_duty=False, lane="a") == {FIRST}, seconds=60)
    notices.close()
    until(lambda: len(brought) > 1, seconds=60)
    assert "this worker stops" not in caplog.text
