"""A portal whose engine is Celery on a real RabbitMQ, with workers as processes."""

import contextlib
import os
import subprocess
import sys

import pytest
from django.conf import settings as portal_settings
from django.db import connection

from snapshots.models import OperationState, Worker
from tests.operations.conftest import ask, clock, cloud, sandbox
from tests.rabbitmq import RabbitMQ
from tests.waiting import until

__all__ = ["ask", "clock", "cloud", "sandbox"]

AN_HOUR = "3600"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--engine") != "celery":
        for item in items:
            if "engine" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="needs --engine celery, and RabbitMQ"))


@pytest.fixture(scope="session")
def running_broker():
    server = RabbitMQ()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def broker(running_broker, settings):
    """The portal is set to it. It answers, also after a test that stopped it."""
    settings.EVSPORTAL_ENGINE = "celery"
    settings.EVSPORTAL_BROKER_URL = running_broker.url
    yield running_broker
    running_broker.thaw()
    if not running_broker.answers():
        running_broker.start()


class Processes:
    """Programs on the test's database, cloud and broker, each with a log."""

    def __init__(self, folder, broker, cloud):
        self._folder = folder
        self._running = []
        database = connection.settings_dict["NAME"]
        url = os.environ.get("DATABASE_URL", "").rpartition("/")[0]
        environ = {
            key: value for key, value in os.environ.items() if not key.startswith("EVSPORTAL_")
        }
        self.environ = environ | {
            "DJANGO_SETTINGS_MODULE": "evsportal.settings",
            "DATABASE_URL": f"{url}/{database}" if url else f"sqlite:///{database}",
            "EVSPORTAL_MODE": "sandbox",
            "EVSPORTAL_VAR": str(folder),
            "EVSPORTAL_SECRET_KEY": portal_settings.SECRET_KEY + "x" * 40,
            "EVSPORTAL_SANDBOX_URL": cloud.url,
            "EVSPORTAL_ENGINE": "celery",
            "EVSPORTAL_BROKER_URL": broker.url,
            "EVSPORTAL_DEADLINE_SECONDS": "5",
        }

    def start(self, *argv):
        """Run a module; its process."""
        with (self._folder / f"log-{len(self._running)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *argv], env=self.environ, stdout=log, stderr=log
            )
        self._running.append(process)
        return process

    def worker(self, patience=AN_HOUR):
        """A worker that takes nothing up without a message, unless it has less patience."""
        before = set(Worker.objects.values_list("name", flat=True))
        process = self.start("tests.engine.worker", patience)
        until(lambda: set(Worker.objects.values_list("name", flat=True)) - before, seconds=200)
        return process

    def beat(self):
        return self.start("celery", "-A", "evsportal", "beat")

    def log(self):
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("log-*")))

    def stop(self):
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self._running:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def processes(transactional_db, cloud, broker, tmp_path):
    processes = Processes(tmp_path, broker, cloud)
    yield processes
    processes.stop()
    assert "Traceback" not in processes.log(), processes.log()


def sent(operation):
    """Whether the cloud has it."""
    operation.refresh_from_db()
    return operation.state in {OperationState.ACCEPTED, OperationState.SUCCEEDED}
