"""What became of a rollback is told by the statuses, and never called what nobody knows."""

import pytest
from django.utils import timezone

from snapshots.models import Operation
from snapshots.operations.messages import label_of
from tests.operations.conftest import let_time_pass, look_again
from tests.operations.rolling_back import (
    FAILS,
    aged,
    answer_for,
    fault,
    finish,
    now_of,
    outcome,
    sent,
    set_volume,
    settle,
)


def test_two_at_once_run_one_after_the_other(loop, make, roll_back, clock):
    snapshot = make()
    first, second = roll_back(snapshot), roll_back(snapshot)
    loop.run_until_idle()
    assert {outcome(first)[0], outcome(second)[0]} == {"accepted", "queued"}
    assert len(sent(first) + sent(second)) == 1


def test_lost_answer_of_a_running_rollback_is_watched(loop, make, roll_back, sandbox, clock):
    operation = roll_back(make())
    fault(sandbox, status=502, made=True)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    let_time_pass(operation, 70)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"
    assert len(sent(operation)) == 1


@pytest.mark.parametrize("made", [True, False])
def test_lost_answer_with_both_available_proves_nothing(
    loop, make, roll_back, sandbox, clock, made
):
    operation = roll_back(make())
    fault(sandbox, status=502, made=made)
    loop.run_until_idle()
    clock.move(60)
    settle(loop, operation)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "nothing tells whether this request rolled it back" in sentence
    assert label_of(operation) == "Failed"
    assert len(sent(operation)) == 1


def test_lost_answer_of_a_failed_rollback_is_said(loop, make, roll_back, sandbox, clock):
    operation = roll_back(make(FAILS))
    fault(sandbox, status=502, made=True)
    loop.run_until_idle()
    clock.move(60)
    settle(loop, operation)
    assert outcome(operation)[0] == "failed"
    assert "error_rollbacking" in outcome(operation)[1]


def test_strange_status_after_a_lost_answer_concludes_nothing(loop, make, roll_back, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, status=502, made=False)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="rollback-verifying")
    settle(loop, operation)
    assert outcome(operation)[0] == "unknown"
    assert now_of(operation).looks == 0


@pytest.fixture
def failed_before(loop, make, sandbox):
    """A snapshot whose volume is in `error_rollbacking`."""
    snapshot = make()
    set_volume(sandbox, snapshot, status="error_rollbacking")
    return snapshot


def test_status_from_before_is_no_failure_after_a_lost_answer(
    loop, failed_before, roll_back, sandbox
):
    operation = roll_back(failed_before)
    fault(sandbox, status=502, made=False)
    loop.run_until_idle()
    let_time_pass(operation, 3)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    settle(loop, operation)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "Roll the volume back again" not in sentence
    assert "nothing tells whether this request rolled it back" in sentence
    assert "“error_rollbacking”" in sentence


def test_status_from_before_is_no_end_after_an_answer(
    loop, failed_before, roll_back, sandbox, settings
):
    operation = roll_back(failed_before)
    fault(sandbox, status=202, made=False, body=answer_for(failed_before))
    loop.run_until_idle()
    assert now_of(operation).start_status == "error_rollbacking"
    for _ in range(2):
        aged(operation, settings.EVSPORTAL_SETTLE_SECONDS - 1)
        look_again(loop)
        assert outcome(operation)[0] == "accepted"
    aged(operation, settings.EVSPORTAL_SETTLE_SECONDS + 1)
    look_again(loop)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "never seen to work on it" in sentence
    assert "Roll the volume back again" not in sentence


def test_untouched_volume_is_not_called_rolled_back(loop, make, roll_back, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, status=202, made=False, body=answer_for(snapshot))
    loop.run_until_idle()
    aged(operation, 6)
    look_again(loop)
    assert outcome(operation)[0] == "failed"
    assert "cannot tell whether the volume was rolled back" in outcome(operation)[1]


def test_repeated_rollback_that_was_seen_at_work_may_failnow_of(
    loop, failed_before, roll_back, sandbox, clock
):
    operation = roll_back(failed_before)
    loop.run_until_idle()
    look_again(loop)
    assert now_of(operation).start_status is None
    clock.move(60)
    look_again(loop)
    set_volume(sandbox, failed_before, status="error_rollbacking")
    aged(operation, 60)
    look_again(loop)
    assert outcome(operation)[0] == "failed"
    assert "Roll the volume back again" in outcome(operation)[1]


def test_somebody_else_s_rollback_is_not_taken_for_ours(loop, make, roll_back, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, status=502, made=False)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="rollbacking")
    settle(loop, operation)
    assert outcome(operation)[0] == "unknown"
    assert now_of(operation).looks == 0
    set_volume(sandbox, snapshot, status="available")
    settle(loop, operation)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "nothing tells whether this request rolled it back" in sentence


def test_answer_about_another_volume_is_not_believed(loop, make, roll_back, sandbox):
    operation = roll_back(make())
    body = {"rollback": {"volume_id": "another"}}
    fault(sandbox, status=202, made=True, body=body)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"


def test_killed_worker_s_rollback_is_not_sentnow_of(loop, make, roll_back):
    operation = roll_back(make())
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="sending", sent_at=now, due_at=now)
    settle(loop, operation)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "nothing tells" in sentence
    assert sent(operation) == []


def test_worker_killed_before_sending_looksnow_of(loop, make, roll_back):
    operation = roll_back(make())
    Operation.objects.filter(pk=operation.pk).update(state="sending", due_at=timezone.now())
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    assert len(sent(operation)) == 1
