"""A worker with more to do than it has room for. Polling is so slow that only a wake-up is seen."""

import threading
from functools import cache

import pytest
from django.db import connection

from snapshots import clouds
from snapshots.models import Operation, OperationState, Volume, VolumeGrant
from snapshots.worker import Loop
from tests.operations.conftest import ask, clock, cloud, sandbox
from tests.waiting import until

__all__ = ["ask", "clock", "cloud", "sandbox"]


@pytest.fixture
def start_narrow(transactional_db, cloud, settings):
    """Starts a worker that takes one operation at a time, and looks for work each minute."""
    # However busy this machine is, no call ends too late: the order is what is looked at.
    settings.EVSPORTAL_CONNECT_SECONDS = settings.EVSPORTAL_READ_SECONDS = 20
    settings.EVSPORTAL_DEADLINE_SECONDS = 20
    settings.EVSPORTAL_WORKER_THREADS = 1
    settings.EVSPORTAL_WORKER_POLL_SECONDS = 60
    loop = Loop()

    def run():
        try:
            loop.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    yield thread.start
    loop.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_full_worker_goes_on_when_a_step_ends(start_narrow, ask):
    for volume in ("reports", "db-primary-data", "web-01-logs"):
        ask(volume, force=True)
    start_narrow()
    accepted = Operation.objects.filter(state=OperationState.ACCEPTED)
    until(lambda: accepted.count() == 3, seconds=30)


@pytest.fixture
def second_cloud(cloud, monkeypatch):
    """Before the sandbox's own in the order of the file; behind them two with nothing to do."""
    config = clouds.config_of(clouds.SANDBOX)
    configs = dict.fromkeys(["second", clouds.SANDBOX, "idle-1", "idle-2"], config)
    monkeypatch.setattr(clouds, "_configs", cache(lambda: configs))
    return "second"


def test_busy_clouds_are_served_in_turn(second_cloud, start_narrow, ask):
    for volume in ("db-primary-data", "web-01-logs", "reports"):
        ask(volume, force=True)
    Operation.objects.update(cloud=second_cloud)
    Volume.objects.update(cloud=second_cloud)
    VolumeGrant.objects.update(cloud=second_cloud)
    for volume in ("web-01-system", "build-cache"):
        ask(volume, force=True)
    start_narrow()
    accepted = Operation.objects.filter(state=OperationState.ACCEPTED)
    until(lambda: accepted.count() == 5, seconds=30)
    served = list(accepted.order_by("sent_at").values_list("cloud", flat=True))
    assert served == [second_cloud, clouds.SANDBOX, second_cloud, clouds.SANDBOX, second_cloud]
