"""One place outside that hangs slows neither other places nor what else the worker does."""

import pytest

from snapshots.audit.delivery import transport
from snapshots.audit.delivery.push import state_of
from snapshots.models import Seal
from snapshots.worker import Loop
from tests.audit.receivers import a_hook, somebody_silent
from tests.waiting import until


@pytest.fixture
def places(settings, monkeypatch):
    """Three that accept and say nothing, before one that takes all."""
    monkeypatch.setattr(transport, "READ_SECONDS", 4)
    settings.EVSPORTAL_AUDIT_SEAL_SECONDS = settings.EVSPORTAL_AUDIT_SEAL_ROWS = 1
    with somebody_silent() as silent, a_hook() as hook:
        hanging = [f"syslog+tcp://127.0.0.1:{silent}", f"http://127.0.0.1:{silent}/"]
        hanging.append(f"syslog+tls://127.0.0.1:{silent}")
        settings.EVSPORTAL_AUDIT_PUSH = [*hanging, f"http://127.0.0.1:{hook.server_port}/"]
        yield hanging, hook


def test_places_that_hang_slow_nothing_else(transactional_db, cloud, ask, places):
    hanging, hook = places
    operation = ask(force=True)
    loop = Loop()
    loop._enlist()

    def everything_else():
        loop._turn()
        operation.refresh_from_db()
        codes = {row.get("code") for _key, row in hook.got}
        tried = all(state_of(one).trying for one in hanging)
        done = operation.state == "accepted" and "operation:ask" in codes
        return done and tried and Seal.objects.exists()

    until(everything_else, seconds=20)
    assert [state_of(one).failing_since for one in hanging] == [None] * 3
    loop.stop()
    loop._pool.shutdown(wait=True)
    loop._collect()
    assert {state_of(one).trouble for one in hanging} == {"it does not answer in time"}
