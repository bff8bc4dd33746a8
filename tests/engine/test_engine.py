"""Celery on RabbitMQ brings requests and duties to workers; nothing depends on it."""

import json
import subprocess
import sys

import pytest

from snapshots.models import Duty, Exchange
from tests.engine.conftest import sent
from tests.waiting import until

pytestmark = pytest.mark.timeout(420)
SECONDS = 120


def creates():
    return Exchange.objects.filter(purpose="create").count()


def test_message_brings_a_request_to_its_worker(processes, ask):
    processes.worker()
    operation = ask("reports")
    until(lambda: sent(operation), seconds=SECONDS)
    assert creates() == 1


def test_second_beat_does_no_harm(processes, ask):
    processes.beat()
    processes.beat()
    processes.worker()
    undone = Duty.objects.filter(done_at=None)
    until(lambda: Duty.objects.exists() and not undone.exists(), seconds=SECONDS)
    operation = ask("reports")
    until(lambda: sent(operation), seconds=SECONDS)
    assert creates() == 1


def test_without_a_broker_work_goes_on(processes, broker, ask):
    broker.kill()
    processes.worker(patience="2")
    operation = ask("reports")
    until(lambda: sent(operation), seconds=SECONDS)
    trouble = Duty.objects.filter(kind="broker").exclude(trouble_code="")
    until(trouble.exists, seconds=SECONDS)
    assert "does not take messages" in processes.log()


def test_broker_that_hangs_does_not_stop_work(processes, broker, ask):
    worker = processes.worker(patience="2")
    first = ask("reports")
    until(lambda: sent(first), seconds=SECONDS)
    broker.freeze()
    second = ask("db-primary-data", force=True)
    until(lambda: sent(second), seconds=SECONDS)
    worker.terminate()
    assert worker.wait(30) == 0


def test_messages_come_again_when_the_broker_does(processes, broker, ask):
    processes.worker()
    broker.kill()
    operation = ask("reports")
    broker.start()
    until(lambda: sent(operation), seconds=SECONDS)
    assert creates() == 1


def test_operator_sees_what_workers_can_do(processes, ask):
    processes.worker()
    operation = ask("reports")
    until(lambda: sent(operation), seconds=SECONDS)
    argv = [sys.executable, "-m", "celery", "-A", "evsportal", "inspect", "registered", "--json"]
    done = subprocess.run(
        argv, env=processes.environ, check=False, capture_output=True, text=True, timeout=60
    )
    (names,) = json.loads(done.stdout).values()
    assert {"operation.create", "duty.watch"} <= {name.split()[0] for name in names}
