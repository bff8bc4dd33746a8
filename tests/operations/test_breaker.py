"""A cloud that cannot be reached, or does not let us in, is left in peace."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots import clouds, sandbox_account
from snapshots.clouds.health import closed_off_clouds, cloud_answered, cloud_failed
from snapshots.evs.errors import AuthFailed, LoginFailed, NoConnection, ServerFault, Timeout
from snapshots.jobs.claims import LONGEST_PAUSE, bring_near
from snapshots.jobs.duties import start_duty
from snapshots.models import CloudHealth, Duty, Exchange, Operation, OperationState
from snapshots.sandbox.server import SandboxServer
from tests.operations.conftest import control, let_time_pass, look_again

CLOUD = "sandbox"


def probe_now(loop):
    Duty.objects.filter(kind="probe").update(due_at=timezone.now())
    CloudHealth.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    loop.run_until_idle()


def fail(error, times=1):
    for _ in range(times):
        CloudHealth.objects.filter(retry_at__isnull=False).update(
            retry_at=timezone.now() - timedelta(seconds=1)
        )
        cloud_failed(CLOUD, error)
    retry_at = CloudHealth.objects.get().retry_at
    return retry_at and (retry_at - timezone.now()).total_seconds()


@pytest.mark.django_db
def test_one_failure_to_connect_is_not_an_outage():
    assert fail(NoConnection("x"), times=2) is None
    assert closed_off_clouds() == []


@pytest.mark.django_db
def test_repeated_failure_opens_the_breaker_for_growing_pauses():
    assert fail(NoConnection("x"), times=3) == pytest.approx(5, abs=1)
    assert closed_off_clouds() == [CLOUD]
    assert fail(NoConnection("x")) == pytest.approx(10, abs=1)
    assert fail(NoConnection("x"), times=9) == pytest.approx(60, abs=1)


@pytest.mark.django_db
def test_refused_sign_in_is_retried_after_growing_pauses():
    assert fail(LoginFailed("x")) == pytest.approx(60, abs=1)
    assert fail(LoginFailed("x")) == pytest.approx(600, abs=1)


@pytest.mark.django_db
def test_failures_in_flight_when_it_opened_count_once():
    fail(LoginFailed("x"))
    cloud_failed(CLOUD, LoginFailed("x"))
    assert CloudHealth.objects.get().fails == 1


@pytest.mark.django_db
def test_errors_after_sign_in_do_not_open_the_breaker():
    assert fail(ServerFault("x"), times=9) is None
    assert CloudHealth.objects.get().failing_since is not None


@pytest.mark.django_db
def test_lost_connection_after_refused_sign_in_keeps_the_pause():
    fail(LoginFailed("x"))
    assert fail(NoConnection("x")) == pytest.approx(5, abs=1)


@pytest.mark.django_db
def test_a_probe_that_gets_no_answer_keeps_it_open():
    fail(NoConnection("x"), times=3)
    assert fail(Timeout("x")) == pytest.approx(10, abs=1)


@pytest.mark.django_db
def test_clock_set_back_does_not_hide_a_failure():
    fail(NoConnection("x"), times=3)
    CloudHealth.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    cloud_failed(CLOUD, NoConnection("x"))
    assert CloudHealth.objects.get().retry_at < timezone.now() + timedelta(minutes=1)


def test_a_probe_that_hangs_is_no_answer(loop, ask, sandbox):
    operation = ask("reports")
    cloud_failed(CLOUD, LoginFailed("x"))
    fault = {"times": 1, "method": "GET", "path": "/snapshots/detail", "delivery": "never"}
    control(sandbox, "POST", "faults", json=fault)
    probe_now(loop)
    assert closed_off_clouds() == [CLOUD]
    assert CloudHealth.objects.get().failing_since is not None
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    probe_now(loop)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.ACCEPTED


def ask_in_vain(loop, ask, sandbox, **met):
    """Every such POST meets this, until the breaker has opened."""
    control(sandbox, "POST", "faults", json={"times": 99, "method": "POST"} | met)
    operation = ask("reports")
    for _ in range(9):
        loop.run_until_idle()
        let_time_pass(operation, 70)
    assert closed_off_clouds() == [CLOUD]
    return operation


def test_repeated_failed_sign_ins_open_the_breaker(loop, ask, sandbox):
    ask_in_vain(loop, ask, sandbox, path="/auth/tokens", status=503)
    assert Exchange.objects.filter(purpose="login").count() == 3


def test_calls_refused_with_a_new_token_too_open_it(loop, ask, sandbox):
    """As with an access key that is wrong: no sign-in tells."""
    operation = ask_in_vain(loop, ask, sandbox, path=".*/snapshots", status=401)
    assert 3 <= Exchange.objects.filter(purpose="create").count() <= 6  # with a new token again
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    assert fail(AuthFailed("a probe")) is not None  # keeps it open


@pytest.mark.django_db
def test_an_answer_closes_it():
    fail(NoConnection("x"), times=4)
    cloud_answered(CLOUD)
    health = CloudHealth.objects.get()
    assert (health.retry_at, health.fails, health.failing_since) == (None, 0, None)
    assert health.recovered_at is not None


def test_open_breaker_sends_nothing_and_loses_nothing(loop, ask, clock):
    cloud_failed(CLOUD, LoginFailed("x"))
    operation = ask("reports")
    start_duty("inventory", CLOUD, due_at=timezone.now())
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    assert not Exchange.objects.exists()
    probe_now(loop)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.ACCEPTED
    assert Exchange.objects.filter(purpose="ping").count() == 1


def test_only_the_probe_closes_the_breaker(loop, ask, sandbox, clock):
    operation = ask("reports")
    port, options = sandbox.port, sandbox.options
    sandbox.stop()
    for _ in range(3):
        loop.run_until_idle()
        let_time_pass(operation, 100)
    assert closed_off_clouds() == [CLOUD]
    before = Exchange.objects.count()
    let_time_pass(operation, 5000)
    loop.run_until_idle()
    assert Exchange.objects.count() == before
    with SandboxServer(options, port=port):
        probe_now(loop)
        loop.run_until_idle()
        operation.refresh_from_db()
        # An hour of outage does not count against the time in which it is tried again.
        assert operation.state == OperationState.ACCEPTED
        clock.move(60)
        look_again(loop)
    operation.refresh_from_db()
    assert operation.state == OperationState.SUCCEEDED


def test_workers_together_try_wrong_password_once_a_minute(loop, ask, monkeypatch):
    monkeypatch.setattr(sandbox_account, "PASSWORD", "wrong-password-planted")
    operation = ask("reports")
    for _ in range(4):
        clouds.forget()  # as if another worker, or a restarted one, came along
        let_time_pass(operation, 40)
        loop.run_until_idle()
    assert Exchange.objects.filter(purpose="login").count() == 1


@pytest.mark.django_db
def test_clock_set_back_does_not_delay_work(ask):
    operation = ask("reports")
    later = timezone.now() + timedelta(hours=2)
    Operation.objects.update(due_at=later)
    bring_near(Operation.objects.all(), beyond=LONGEST_PAUSE)
    operation.refresh_from_db()
    assert operation.due_at < later - timedelta(hours=1)


@pytest.mark.django_db
def test_what_is_planned_within_the_hour_stays_planned(ask):
    ask("reports")
    soon = timezone.now() + timedelta(minutes=30)
    Operation.objects.update(due_at=soon)
    bring_near(Operation.objects.all(), beyond=LONGEST_PAUSE)
    assert Operation.objects.get().due_at == soon
