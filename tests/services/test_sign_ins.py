"""A wrong password does not lock the account, however many workers there are or begin anew."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from snapshots import clouds
from snapshots.evs.errors import EvsError, LoginFailed
from snapshots.models import CloudHealth, Duty, Exchange, SignIn
from snapshots.sandbox import scenarios
from snapshots.services.health import cloud_failed
from snapshots.services.ping import ping
from snapshots.worker import Loop
from tests.services.conftest import control

CLOUD = "sandbox"


@pytest.fixture
def wrong_password(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(scenarios, "PASSWORD", "wrong-password-planted")
        clouds.forget()
        yield patch


def another_worker_tries():
    """It shares nothing with those before but the database."""
    clouds.forget()
    try:
        return ping(CLOUD)
    except EvsError as error:
        return error


def logins():
    return Exchange.objects.filter(purpose="login").count()


def test_a_refused_sign_in_is_remembered_by_workers_that_were_not_there(
    transactional_db, cloud, wrong_password
):
    tries = [another_worker_tries() for _ in range(4)]
    assert {type(one) for one in tries} == {LoginFailed}
    assert "lest the account be locked" in tries[-1].message
    assert logins() == 1


def test_one_sign_in_in_a_minute_then_one_in_ten(transactional_db, cloud, wrong_password):
    times = []
    begun = datetime.now(tz=UTC)
    for seconds in range(0, 1500, 20):
        with time_machine.travel(begun + timedelta(seconds=seconds)):
            before = logins()
            another_worker_tries()
            times += [seconds] * (logins() - before)
    assert times == pytest.approx([0, 80, 700, 1320], abs=20)


def test_workers_that_begin_at_the_same_moment_sign_in_one_after_the_other(
    transactional_db, cloud, sandbox, wrong_password
):
    slow_no = {"times": 9, "method": "POST", "path": "/auth/tokens", "status": 401}
    fault = slow_no | {"delay_seconds": 0.2}
    control(sandbox, "POST", "faults", json=fault)
    start, recorder = threading.Barrier(3), Recorder()

    def begin():
        own = clouds._connection.__wrapped__(CLOUD)  # a process's own: its token, its memory
        start.wait()
        with pytest.raises(LoginFailed):
            own.auth.grant(lambda request: own.wire.send(request, recorder=recorder))
        connection.close()

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.sent == 1


class Recorder:
    sent = 0

    def opened(self, _request):
        self.sent += 1

    def answered(self, _request, _answer):
        pass

    def failed(self, _request, _error, *, elapsed_ms, answer):
        pass


def test_a_worker_killed_while_signing_in_keeps_the_others_waiting_not_for_long(
    transactional_db, cloud
):
    begun = time.monotonic()
    SignIn.take_turn(CLOUD, longest=timedelta(seconds=1))
    assert "answers" in another_worker_tries()
    assert logins() == 1
    assert time.monotonic() - begun >= 1


def test_a_success_makes_the_refusals_forgotten(transactional_db, cloud):
    SignIn.objects.create(cloud=CLOUD, refusals=5, closed_until=timezone.now())
    assert "answers" in another_worker_tries()
    assert (SignIn.objects.get().refusals, SignIn.objects.get().closed_until) == (0, None)


def test_a_clock_set_back_does_not_keep_the_door_closed(transactional_db, cloud):
    SignIn.objects.create(cloud=CLOUD, refusals=1, closed_until=timezone.now() + timedelta(hours=1))
    assert "answers" in another_worker_tries()


def test_a_restarted_worker_does_not_probe_sooner(transactional_db, cloud):
    cloud_failed(CLOUD, LoginFailed("x"))
    Duty.objects.filter(kind="probe").delete()
    for _ in range(3):
        Loop()._enlist()
    assert Duty.objects.get(kind="probe").due_at == CloudHealth.objects.get().retry_at
