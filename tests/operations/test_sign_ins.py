"""Refused credentials are tried rarely, by all processes together; corrected ones at once."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from snapshots import clouds, sandbox_account
from snapshots.clouds.health import closed_off_clouds, cloud_failed
from snapshots.duties.probe import ping
from snapshots.evs.errors import EvsError, LoginFailed
from snapshots.models import CloudHealth, Duty, Exchange, OperationState, SignInAttempt
from snapshots.worker import Loop
from tests.operations.conftest import control, let_time_pass
from tests.waiting import until

CLOUD = "sandbox"


@pytest.fixture
def wrong_password(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sandbox_account, "PASSWORD", "wrong-password-planted")
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


def test_refused_sign_in_is_shared_by_workers(transactional_db, cloud, wrong_password):
    tries = [another_worker_tries() for _ in range(4)]
    assert {type(one) for one in tries} == {LoginFailed}
    assert "lest the account be locked" in tries[-1].message
    assert logins() == 1


def test_sign_ins_wait_one_then_ten_minutes(transactional_db, cloud, wrong_password):
    times = []
    begun = datetime.now(tz=UTC)
    for seconds in range(0, 1500, 20):
        with time_machine.travel(begun + timedelta(seconds=seconds)):
            before = logins()
            another_worker_tries()
            times += [seconds] * (logins() - before)
    assert times == pytest.approx([0, 80, 700, 1320], abs=20)


def test_simultaneous_workers_sign_in_in_turn(transactional_db, cloud, sandbox, wrong_password):
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


def test_killed_worker_blocks_sign_in_briefly(transactional_db, cloud):
    begun = time.monotonic()
    digest = clouds.credentials_digest(CLOUD)
    SignInAttempt.begin(digest, cloud=CLOUD, longest=timedelta(seconds=1))
    assert "answers" in another_worker_tries()
    assert logins() == 1
    assert time.monotonic() - begun >= 1


def test_a_success_makes_the_refusals_forgotten(transactional_db, cloud):
    refused(retry_at=timezone.now(), refusals=5)
    assert "answers" in another_worker_tries()
    attempt = SignInAttempt.objects.get()
    assert (attempt.refusals, attempt.retry_at, attempt.locked_until) == (0, None, None)


@pytest.mark.parametrize("field", ["retry_at", "locked_until"])
def test_a_time_beyond_any_pause_does_not_brake(transactional_db, cloud, field):
    refused(**{field: timezone.now() + timedelta(hours=1)}, refusals=1)
    assert "answers" in another_worker_tries()


def refused(**fields):
    digest = clouds.credentials_digest(CLOUD)
    return SignInAttempt.objects.create(
        credentials=digest, cloud=CLOUD, tried_at=timezone.now(), **fields
    )


def correct(wrong_password):
    """As a restart does it: the settings are read again."""
    wrong_password.undo()
    clouds.forget()


def test_corrected_credentials_are_tried_at_once(transactional_db, cloud, wrong_password):
    assert isinstance(another_worker_tries(), LoginFailed)
    correct(wrong_password)
    assert "answers" in another_worker_tries()
    assert logins() == 2


@pytest.mark.parametrize(
    "part", ["username", "password", "user_domain_name", "project_name", "auth_url"]
)
def test_each_corrected_credential_changes_the_digest(settings, monkeypatch, part):
    before = clouds.config_of(CLOUD)
    digest = clouds.credentials_digest(CLOUD)
    auth = replace(before.auth, **{part: "https://corrected.example/v3"})
    monkeypatch.setattr(clouds, "config_of", lambda _cloud: replace(before, auth=auth))
    assert clouds.credentials_digest(CLOUD) != digest


def test_digest_needs_the_portals_key_and_shows_no_secret(settings):
    digest = clouds.credentials_digest(CLOUD)
    settings.SECRET_KEY = "another key of the portal"
    assert clouds.credentials_digest(CLOUD) != digest
    assert len(digest) == 64


def test_going_back_to_refused_credentials_is_braked(transactional_db, cloud, wrong_password):
    another_worker_tries()
    correct(wrong_password)
    another_worker_tries()
    wrong_password.setattr(sandbox_account, "PASSWORD", "wrong-password-planted")
    error = another_worker_tries()
    assert isinstance(error, LoginFailed)
    assert 50 < error.retry_after <= 60
    assert logins() == 2


def test_waiting_request_is_sent_at_once_by_corrected_worker(loop, ask, wrong_password):
    operation = ask("reports")
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    assert (operation.due_at - timezone.now()).total_seconds() < 5
    correct(wrong_password)
    corrected = Loop()
    corrected._enlist()
    until(lambda: corrected.run_until_idle() or is_sent(operation), seconds=10)
    assert CloudHealth.objects.get().retry_at is None
    assert CloudHealth.objects.get().refused_credentials == ""
    corrected._pool.shutdown()


def is_sent(operation):
    operation.refresh_from_db()
    return operation.state in {OperationState.ACCEPTED, OperationState.SUCCEEDED}


def test_worker_with_other_wrong_credentials_opens_the_breaker_again(
    loop, ask, wrong_password, sandbox
):
    operation = ask("reports")
    loop.run_until_idle()
    first = CloudHealth.objects.get()
    wrong_password.setattr(sandbox_account, "PASSWORD", "another-wrong-password-planted")
    clouds.forget()
    Loop()._enlist()
    let_time_pass(operation, 10)
    loop.run_until_idle()
    second = CloudHealth.objects.get()
    assert logins() == 2
    assert closed_off_clouds() == [CLOUD]
    assert second.refused_credentials != first.refused_credentials
    assert second.fails == 1


def test_cloud_says_when_refused_credentials_are_tried_next(loop, ask, wrong_password):
    ask("reports")
    loop.run_until_idle()
    health, attempt = CloudHealth.objects.get(), SignInAttempt.objects.get()
    assert abs(health.retry_at - attempt.retry_at) < timedelta(seconds=2)


def test_credentials_not_tried_for_a_month_are_forgotten(db):
    row = {"cloud": CLOUD, "refusals": 1}
    now = timezone.now()
    old, soon = now - timedelta(days=31), now + timedelta(minutes=1)
    SignInAttempt.objects.create(credentials="old", tried_at=old, **row)
    SignInAttempt.objects.create(credentials="new", tried_at=now, **row)
    SignInAttempt.objects.create(credentials="in hand", tried_at=old, locked_until=soon, **row)
    SignInAttempt.prune()
    rows = SignInAttempt.objects.values_list("credentials", flat=True)
    assert sorted(rows) == ["in hand", "new"]


def test_a_restarted_worker_does_not_probe_sooner(transactional_db, cloud):
    cloud_failed(CLOUD, LoginFailed("x"))
    Duty.objects.filter(kind="probe").delete()
    for _ in range(3):
        Loop()._enlist()
    assert Duty.objects.get(kind="probe").due_at == CloudHealth.objects.get().retry_at
