"""Rolling back in a plain Cinder, whose revert has rules of its own."""

import pytest

from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in
from tests.operations.rolling_back import (
    FAILS,
    aged,
    fault,
    finish,
    outcome,
    sent,
    set_snapshot,
    set_volume,
    settle,
)


def test_revert_is_watched_to_its_end(as_cinder, loop, make, roll_back, clock):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    look_again(loop)
    snapshot.refresh_from_db()
    assert (outcome(operation)[0], snapshot.status) == ("accepted", "restoring")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"
    assert exchanges_of(operation) == [*["check GET 200"] * 3, "rollback POST 202"]


def test_older_snapshot_is_not_reverted_to(as_cinder, loop, make, roll_back):
    older = make(name="older")
    make(name="newer")
    operation = roll_back(older)
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "Restore the snapshot into a new volume instead" in sentence
    assert sent(operation) == []


def test_unavailable_snapshot_never_hangs_the_volume(as_cinder, loop, make, roll_back, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    set_snapshot(sandbox, snapshot, status="backing-up")
    loop.run_until_idle()
    assert outcome(operation)[0] == "refused"
    assert sent(operation) == []


def test_failed_revert_names_the_way_out(as_cinder, loop, make, roll_back, clock, sandbox):
    operation = roll_back(make(FAILS))
    loop.run_until_idle()
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "Restore the snapshot into a new volume" in sentence
    assert "again" not in sentence
    copies = [row["name"] for row in snapshots_in(sandbox) if row["name"].startswith("[revert]")]
    assert len(copies) == 1
    assert f"“{copies[0]}”, it holds what was on the volume before: do not delete it" in sentence


REFUSED_BY_STATUS = '{"conflictingRequest": {"code": 409, "message": "status must be available"}}'


@pytest.fixture
def left_reverting(as_cinder, loop, make, roll_back, sandbox):
    """A rollback whose snapshot somebody deletes between the check and the request."""
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, path="/volumes/[^/]+/action", status=409, made=False, body=REFUSED_BY_STATUS)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="reverting")
    control(sandbox, "DELETE", f"snapshots/{snapshot.snapshot_id}")
    return operation


def test_volume_left_reverting_is_said_and_nothing_sentnow_of(loop, left_reverting):
    let_time_pass(left_reverting, 70)
    loop.run_until_idle()
    assert outcome(left_reverting)[0] == "queued"
    settle(loop, left_reverting)
    state, sentence = outcome(left_reverting)
    assert state == "failed"
    assert "must set its status back" in sentence
    assert "stop the server" not in sentence
    assert len(sent(left_reverting)) == 1


def test_revert_of_somebody_else_is_not_called_stuck(as_cinder, loop, make, roll_back, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, path="/volumes/[^/]+/action", status=409, made=False, body=REFUSED_BY_STATUS)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="reverting")
    set_snapshot(sandbox, snapshot, status="restoring")
    settle(loop, operation)
    assert outcome(operation)[0] == "refused"
    assert len(sent(operation)) == 1


def test_volume_that_is_reverted_already_needs_no_server_stopped(
    as_cinder, loop, make, roll_back, sandbox
):
    snapshot = make()
    operation = roll_back(snapshot)
    set_volume(sandbox, snapshot, status="reverting")
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "is rolling it back for somebody else, or stopped" in sentence
    assert "stop the server" not in sentence


# A plain Cinder may have reverted before anybody looks: the statuses are those from before.


def test_revert_that_nobody_saw_at_work_is_told_by_its_snapshot(
    as_cinder, loop, make, roll_back, clock
):
    operation = roll_back(make())
    loop.run_until_idle()
    clock.move(60)
    aged(operation, 6)
    look_again(loop)
    assert outcome(operation)[0] == "succeeded"


def test_revert_whose_answer_was_lost_is_told_by_its_snapshot(
    as_cinder, loop, make, roll_back, clock, sandbox
):
    operation = roll_back(make())
    fault(sandbox, status=502, made=True, path="/volumes/[^/]+/action")
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    clock.move(60)
    let_time_pass(operation, 70)
    loop.run_until_idle()
    aged(operation, 6)
    look_again(loop)
    assert outcome(operation)[0] == "succeeded"


@pytest.mark.parametrize("change", [{}, {"name": "renamed by others"}, {"metadata": {"a": "b"}}])
def test_what_others_change_is_no_sign_of_a_revert(
    change, as_cinder, loop, make, roll_back, clock, sandbox, settings
):
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, status=202, made=False, body="", path="/volumes/[^/]+/action")
    loop.run_until_idle()
    clock.move(60)
    if change:
        set_snapshot(sandbox, snapshot, **change)
    aged(operation, settings.EVSPORTAL_SETTLE_SECONDS + 1)
    look_again(loop)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "never seen to work on it" in sentence


def test_backup_of_its_snapshot_is_no_sign_of_a_revert(
    as_cinder, loop, make, roll_back, clock, sandbox
):
    snapshot = make()
    operation = roll_back(snapshot)
    fault(sandbox, status=502, made=False, path="/volumes/[^/]+/action")
    loop.run_until_idle()
    for status in ("backing-up", "available"):
        clock.move(60)
        set_snapshot(sandbox, snapshot, status=status)
    let_time_pass(operation, 70)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
