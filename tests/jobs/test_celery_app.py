"""The Celery application, without a broker."""

import ssl

import pytest
from celery.exceptions import Reject

from snapshots.jobs.broker import app as app_module
from snapshots.jobs.notices import Notice, Notices, Outcome
from snapshots.models import OperationKind
from snapshots.worker import DUTIES

KEY = "11111111-1111-4111-8111-111111111111"
NOTICE = Notice(is_duty=False, key=KEY, lane="a")


def test_two_applications_have_tasks_of_their_own():
    first, second = Notices(), Notices()
    first.close()
    apps = [app_module.make_app("amqp://", ["a"], notices) for notices in (first, second)]
    with pytest.raises(Reject):
        apps[0].tasks["operation.create"](operation=KEY, cloud="a")
    second.bring = lambda notice, **_seconds: Outcome.DONE if notice == NOTICE else None
    assert apps[1].tasks["operation.create"](operation=KEY, cloud="a") == "done"


@pytest.mark.parametrize(
    ("task", "row"), [("operation.create", {"operation": "1"}), ("duty.seal", {"duty": "a\0"})]
)
def test_message_that_names_no_row_never_reaches_the_loop(task, row):
    app = app_module.make_app("amqp://", ["a"], Notices())
    with pytest.raises(ValueError, match=r"badly formed|no duty's name"):
        app.tasks[task](**row, cloud="a")


def test_each_cloud_has_a_queue_of_its_own():
    app = app_module.make_app("amqp://", ["a", "b"])
    names = [queue.name for queue in app.conf.task_queues]
    assert names == ["evsportal.house", "evsportal.cloud.a", "evsportal.cloud.b"]
    assert app_module.queue_of("a", ["a", "b"]) == "evsportal.cloud.a"
    assert (
        app_module.queue_of("hook-1", ["a", "b"]) == app_module.queue_of("", []) == app_module.HOUSE
    )


def test_every_kind_and_duty_is_a_task():
    names = set(app_module.make_app("amqp://", []).tasks)
    assert {f"operation.{kind}" for kind in OperationKind} <= names
    assert {f"duty.{kind}" for kind in DUTIES} <= names


def test_certificate_of_the_broker_is_verified():
    tls = app_module.make_app("amqps://user:secret@broker//", []).conf.broker_use_ssl
    assert tls["cert_reqs"] == ssl.CERT_REQUIRED
    assert tls["server_hostname"] == "broker"
    assert not app_module.make_app("amqp://", []).conf.broker_use_ssl
