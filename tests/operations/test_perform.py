"""From queued to a provably true state: against the sandbox over real HTTP."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from snapshots import clouds, sandbox_account
from snapshots.audit.record.recorder import AuditRecorder
from snapshots.jobs.claims import LostClaimError, claim
from snapshots.models import Answer, CloudHealth, Exchange, Operation, OperationState
from snapshots.operations.messages import outcome_sentence
from snapshots.operations.perform import pause_after, perform
from snapshots.sandbox import scenarios
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in

CREATE = "create POST 202"


def state_of(operation):
    operation.refresh_from_db()
    return operation.state


def in_cloud(sandbox, operation):
    """How many snapshots the cloud holds that bear the operation's marker."""
    return sum(str(operation.pk) in one["metadata"].values() for one in snapshots_in(sandbox))


def claimed(operation, *, lease_seconds=60, owner="test"):
    rows = Operation.objects.filter(pk=operation.pk)
    return claim(rows, owner=owner, lease=timedelta(seconds=lease_seconds))


def test_a_snapshot_is_created_and_watched_until_available(loop, ask, sandbox, clock):
    operation = ask("reports", name="nightly", metadata={"why": "release"})
    loop.run_until_idle()
    assert state_of(operation) == OperationState.ACCEPTED
    clock.move(60)
    look_again(loop)
    assert state_of(operation) == OperationState.SUCCEEDED
    assert operation.snapshot.status == "available"
    assert exchanges_of(operation) == [CREATE]
    assert in_cloud(sandbox, operation) == 1


def test_create_request_sends_all_fields(loop, ask, sandbox):
    operation = ask("db-primary-data", name="n", description="d", force=True, metadata={"k": "v"})
    loop.run_until_idle()
    held = next(one for one in snapshots_in(sandbox) if one["name"] == "n")
    assert held["metadata"] == {"k": "v", "evsportal-operation": str(operation.pk)}
    sent = Exchange.objects.get(purpose="create").body
    assert '"force": true' in sent or '"force":true' in sent


def test_the_sign_in_is_recorded_without_the_password(loop, ask):
    ask("reports")
    loop.run_until_idle()
    login = Exchange.objects.filter(purpose="login").first()
    assert login.answer.status == 201
    rows = str(list(Exchange.objects.values())) + str(list(Answer.objects.values()))
    assert scenarios.PASSWORD not in rows
    assert login.answer.headers["x-subject-token"].startswith("sha256:")


@pytest.mark.parametrize(
    ("volume", "state", "words"),
    [
        ("trouble: quota full", "refused", "quota"),
        ("trouble: ends in error", "failed", "could not make the snapshot"),
        ("trouble: attaching", "refused", "state does not allow"),
        ("trouble: volume in error", "refused", "state does not allow"),
        ("other-project-data", "refused", "no longer knows this volume"),
    ],
)
def test_refusal_of_the_cloud_is_final(loop, ask, clock, volume, state, words):
    operation = ask(volume)
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    assert state_of(operation) == state
    assert words in outcome_sentence(operation)
    assert len(exchanges_of(operation)) == 1


@pytest.mark.parametrize("volume", ["trouble: throttled", "trouble: another snapshot in progress"])
def test_what_was_provably_not_executed_is_sent_again(loop, ask, clock, sandbox, volume):
    operation = ask(volume)
    for _ in range(4):
        loop.run_until_idle()
        let_time_pass(operation, 70)
    clock.move(60)
    look_again(loop)
    assert state_of(operation) == OperationState.SUCCEEDED
    assert in_cloud(sandbox, operation) == 1
    assert exchanges_of(operation)[-1] == CREATE
    assert len(exchanges_of(operation)) > 1


@pytest.mark.parametrize(
    "volume", ["trouble: no answer", "trouble: answer cut", "trouble: error 500"]
)
def test_lost_answer_is_settled_without_sending_again(loop, ask, clock, sandbox, volume):
    operation = ask(volume)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.UNKNOWN
    assert "do not ask again" in outcome_sentence(operation)
    let_time_pass(operation, 3)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.ACCEPTED
    clock.move(60)
    look_again(loop)
    assert state_of(operation) == OperationState.SUCCEEDED
    assert in_cloud(sandbox, operation) == 1
    assert Counter(exchanges_of(operation))["settle GET 200"] == 1


def test_absence_needs_three_looks_and_settle_time(loop, ask, sandbox):
    operation = ask("trouble: error 500, nothing made")
    loop.run_until_idle()
    for _ in range(3):
        let_time_pass(operation, 2.1)
        loop.run_until_idle()
        assert state_of(operation) == OperationState.UNKNOWN
    let_time_pass(operation, 2.1)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.NOT_CREATED
    assert "You may ask again" in outcome_sentence(operation)
    assert in_cloud(sandbox, operation) == 0


def test_a_failed_look_is_no_look(loop, ask, sandbox):
    operation = ask("trouble: error 500, nothing made")
    loop.run_until_idle()
    sandbox.stop()
    let_time_pass(operation, 1000)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.UNKNOWN
    assert operation.looks == 0


@pytest.mark.parametrize(("fails", "limit"), [(0, 1), (1, 2), (5, 32), (6, 60), (99, 60)])
def test_retry_pause_is_drawn_below_a_growing_limit(fails, limit):
    pauses = [pause_after(fails, retry_after=None).total_seconds() for _ in range(300)]
    assert 0 <= min(pauses) < limit / 2 < max(pauses) <= limit


@pytest.mark.parametrize(("asked", "least"), [(20, 20), (899, 899), (5000, 900)])
def test_retry_pause_is_no_shorter_than_the_cloud_asks(asked, least):
    assert least <= pause_after(0, retry_after=asked).total_seconds() <= least + 1


def test_a_cloud_that_is_down_keeps_the_request_safe(loop, ask, sandbox):
    operation = ask("reports")
    sandbox.stop()
    loop.run_until_idle()
    assert state_of(operation) == OperationState.QUEUED
    assert "cannot be reached" in outcome_sentence(operation)
    assert operation.due_at > timezone.now()
    assert CloudHealth.objects.get().failing_since is not None


def test_retrying_ends_at_the_deadline_saying_nothing_was_made(loop, ask, sandbox):
    operation = ask("reports")
    control(sandbox, "POST", "faults", json={"times": 99, "status": 429})
    loop.run_until_idle()
    assert state_of(operation) == OperationState.QUEUED
    let_time_pass(operation, 1000)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.FAILED
    assert "Nothing was made" in outcome_sentence(operation)


def test_wrong_password_sends_no_create(loop, ask, settings, monkeypatch):
    monkeypatch.setattr(sandbox_account, "PASSWORD", "wrong-password-planted")
    clouds.forget()
    operation = ask("reports")
    for _ in range(4):
        loop.run_until_idle()
        let_time_pass(operation, 40)
    assert state_of(operation) == OperationState.QUEUED
    assert "sign-in" in outcome_sentence(operation)
    assert Exchange.objects.filter(purpose="login").count() == 1
    assert not Exchange.objects.filter(purpose="create").exists()
    assert "wrong-password-planted" not in str(list(Exchange.objects.values()))


def test_second_create_on_volume_waits(loop, ask, clock):
    first, second = ask("reports"), ask("reports")
    loop.run_until_idle()
    assert (state_of(first), state_of(second)) == ("accepted", "queued")
    clock.move(60)
    look_again(loop)
    loop.run_until_idle()
    assert (state_of(first), state_of(second)) == ("succeeded", "accepted")


def test_operation_of_killed_sender_is_settled(loop, ask, clock, sandbox, monkeypatch):
    operation = ask("reports")

    def die(_self, request, _answer):
        if request.purpose == "create":
            raise SystemExit  # the answer came, but nobody was left to record it

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(AuditRecorder, "answered", die)
        perform(claimed(operation))
    assert state_of(operation) == OperationState.SENDING
    let_time_pass(operation, 100)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.UNKNOWN
    let_time_pass(operation, 3)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.ACCEPTED
    assert in_cloud(sandbox, operation) == 1
    creates = operation.exchanges.filter(purpose="create")
    assert [hasattr(one, "answer") for one in creates] == [False]


def test_a_worker_killed_before_sending_leaves_work_for_another(loop, ask, sandbox):
    operation = ask("reports")
    claimed(operation)
    Operation.objects.update(state=OperationState.SENDING)
    let_time_pass(operation, 100)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.ACCEPTED
    assert in_cloud(sandbox, operation) == 1


def test_a_frozen_worker_that_wakes_up_sends_nothing(cloud, ask, transactional_db, sandbox):
    operation = ask("reports")
    frozen = claimed(operation)
    let_time_pass(operation, 100)
    perform(claimed(operation, owner="other"))
    with pytest.raises(LostClaimError):
        perform(frozen)
    assert in_cloud(sandbox, operation) == 1
    assert exchanges_of(operation) == [CREATE]


def test_nothing_leaves_when_its_row_cannot_be_written(
    cloud, ask, transactional_db, sandbox, monkeypatch
):
    operation = ask("reports")

    def refuse(*_args, **_kwargs):
        raise DatabaseError("attempt to write a readonly database")

    with monkeypatch.context() as patch, pytest.raises(DatabaseError):
        patch.setattr(Exchange, "save", refuse)
        perform(claimed(operation))
    assert sandbox.requests() == []
    assert state_of(operation) == OperationState.SENDING
    assert operation.sent_at is None
