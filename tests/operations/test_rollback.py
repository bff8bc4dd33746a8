"""Rolling a volume back: looked at before, sent once, and never called what nobody knows."""

import dataclasses
import uuid

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from snapshots import clouds
from snapshots.models import Exchange, Operation, OperationKind, Volume
from snapshots.operations.asking import OperationArguments, ask_again, ask_for_operation
from snapshots.operations.messages import label_of, outcome_sentence, sentences_of
from snapshots.operations.rights import NotAllowedError
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in

FAILS = "trouble: rollback fails"


@pytest.fixture
def roll_back(helen):
    def roll_back(snapshot, *, person=helen, needs=None):
        arguments = OperationArguments(
            kind=OperationKind.ROLLBACK,
            volume=Volume.objects.get(volume_id=snapshot.volume_id),
            target_snapshot=snapshot,
            needs=needs,
        )
        return ask_for_operation(requester=person, key=uuid.uuid4(), arguments=arguments)[0]

    return roll_back


@pytest.fixture
def as_cinder(cloud, monkeypatch):
    """The sandbox as a plain Cinder, which has a revert instead of a rollback."""
    config = dataclasses.replace(clouds._sandbox_config(), dialect="native-v3")
    monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
    clouds.forget()


def fault(sandbox, **plan):
    plan = {"times": 1, "path": "/os-vendor-snapshots/[^/]+/rollback", "body": "<html>", **plan}
    control(sandbox, "POST", "faults", json=plan)


def outcome(operation):
    operation.refresh_from_db()
    return operation.state, outcome_sentence(operation)


def finish(loop, operation, clock, seconds=60):
    """The cloud has had time, and so has the portal."""
    clock.move(seconds)
    let_time_pass(operation, seconds)
    Operation.objects.filter(pk=operation.pk).update(state_at=operation.asked_at)
    look_again(loop)


def settle(loop, operation):
    for _ in range(5):
        let_time_pass(operation, 70)
        loop.run_until_idle()


def sent(operation):
    return [line for line in exchanges_of(operation) if line.startswith("rollback")]


def set_volume(sandbox, snapshot, **columns):
    control(sandbox, "POST", f"volumes/{snapshot.volume_id}", json=columns)


def set_snapshot(sandbox, snapshot, **columns):
    control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json=columns)


def test_rollback_is_watched_to_its_end(loop, make, roll_back, clock):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    assert label_of(operation) == "Rolling back"
    look_again(loop)
    assert outcome(operation)[0] == "accepted"
    snapshot.refresh_from_db()
    assert snapshot.status == "rollbacking"
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "succeeded"
    assert "holds the data of the snapshot" in sentence
    assert exchanges_of(operation) == ["check GET 200", "check GET 200", "rollback POST 202"]
    assert Exchange.objects.get(purpose="rollback").target_id == snapshot.snapshot_id
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.gone_at) == ("available", None)


def test_quick_look_does_not_believe_the_status_from_before(loop, make, roll_back, clock):
    operation = roll_back(make())
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    assert outcome(operation)[0] == "accepted"


def test_failed_rollback_may_be_asked_for_once_more(loop, make, roll_back, clock):
    snapshot = make(FAILS)
    first = roll_back(snapshot)
    loop.run_until_idle()
    finish(loop, first, clock)
    state, sentence = outcome(first)
    assert state == "failed"
    assert "Roll the volume back again" in sentence
    assert "error_rollbacking" in sentence
    second = roll_back(snapshot)
    loop.run_until_idle()
    finish(loop, second, clock)
    assert outcome(second)[0] == "succeeded"


def test_unknown_status_is_watched_on(loop, make, roll_back, clock, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="rollback-verifying")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "accepted"


def test_attached_at_once_is_done(loop, make, roll_back, clock, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="in-use")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"


def test_volume_deleted_meanwhile_is_said(loop, make, roll_back, clock, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    control(sandbox, "DELETE", f"volumes/{snapshot.volume_id}")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "accepted"
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "was deleted in the cloud" in sentence


# --- not sent at all -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thing", "columns", "words"),
    [
        ("snapshot", {"status": "backing-up"}, "“backing-up”; only an available snapshot"),
        ("volume", {"status": "in-use"}, "stop the server and detach the volume"),
        ("volume", {"status": "error"}, "“error”; it must be available"),
        ("volume", {"name": "another name"}, "another name"),
    ],
)
def test_what_is_not_as_seen_is_left_alone(loop, make, roll_back, sandbox, thing, columns, words):
    snapshot = make()
    operation = roll_back(snapshot)
    (set_snapshot if thing == "snapshot" else set_volume)(sandbox, snapshot, **columns)
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert words in sentence
    assert "Nothing was rolled back" in sentence
    assert sent(operation) == []


@pytest.mark.parametrize("path", ["snapshots", "volumes"])
def test_gone_from_the_cloud_is_refused(loop, make, roll_back, sandbox, path):
    snapshot = make()
    operation = roll_back(snapshot)
    ident = snapshot.snapshot_id if path == "snapshots" else snapshot.volume_id
    control(sandbox, "DELETE", f"{path}/{ident}")
    loop.run_until_idle()
    assert outcome(operation)[0] == "refused"
    assert sent(operation) == []


def test_unreadable_cloud_is_asked_later(loop, make, roll_back, sandbox):
    operation = roll_back(make())
    plan = {"times": 1, "method": "GET", "path": "/volumes/[^/]+", "status": 500, "body": "<html>"}
    control(sandbox, "POST", "faults", json=plan)
    settle(loop, operation)
    assert outcome(operation)[0] == "accepted"
    assert exchanges_of(operation)[:2] == ["check GET 200", "check GET 500"]
    assert len(sent(operation)) == 1


def test_fresh_snapshot_comes_first(loop, make, ask, roll_back, clock, sandbox):
    snapshot = make()
    fresh = ask("reports", name="just before")
    operation = roll_back(snapshot, needs=fresh)
    loop.run_until_idle()
    assert outcome(operation)[0] == "queued"
    assert len(snapshots_in(sandbox)) >= 2
    clock.move(60)
    look_again(loop)
    loop.run_until_idle()
    assert outcome(fresh)[0] == "succeeded"
    assert outcome(operation)[0] == "accepted"
    finish(loop, operation, clock)
    assert "is in the snapshot “just before”" in " ".join(sentences_of(_again(operation)))


def test_failed_fresh_snapshot_keeps_the_volume_as_it_is(
    loop, make, ask, roll_back, sandbox, clock
):
    snapshot = make()
    control(sandbox, "POST", "faults", json={"times": 1, "trouble": "ends in error"})
    fresh = ask("reports", name="just before")
    operation = roll_back(snapshot, needs=fresh)
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    loop.run_until_idle()
    assert outcome(fresh)[0] == "failed"
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "fresh snapshot of the volume could not be taken" in sentence
    assert sent(operation) == []


def _again(operation):
    return Operation.objects.get(pk=operation.pk)


# --- who may ---------------------------------------------------------------------------------


def test_staff_need_the_right(loop, make, roll_back, alice):
    snapshot = make()
    with pytest.raises(NotAllowedError, match="role does not include"):
        roll_back(snapshot, person=alice)
    assert not Operation.objects.filter(kind="rollback").exists()
    alice.user_permissions.add(Permission.objects.get(codename="roll_back_volume"))
    assert roll_back(snapshot, person=type(alice).objects.get(pk=alice.pk))


def test_failed_rollback_is_not_asked_again_by_one_click(loop, make, roll_back, clock, helen):
    operation = roll_back(make(FAILS))
    loop.run_until_idle()
    finish(loop, operation, clock)
    operation.refresh_from_db()
    with pytest.raises(NotAllowedError, match="fill in a new form"):
        ask_again(operation=operation, person=helen, key=uuid.uuid4())


# --- sent once -------------------------------------------------------------------------------


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
    assert "cannot tell whether the volume was rolled back" in sentence
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
    assert _again(operation).looks == 0


def test_answer_about_another_volume_is_not_believed(loop, make, roll_back, sandbox):
    operation = roll_back(make())
    body = {"rollback": {"volume_id": "another"}}
    fault(sandbox, status=202, made=True, body=body)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"


def test_killed_worker_s_rollback_is_not_sent_again(loop, make, roll_back):
    operation = roll_back(make())
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="sending", sent_at=now, due_at=now)
    settle(loop, operation)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "cannot tell" in sentence
    assert sent(operation) == []


def test_worker_killed_before_sending_looks_again(loop, make, roll_back):
    operation = roll_back(make())
    Operation.objects.filter(pk=operation.pk).update(state="sending", due_at=timezone.now())
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    assert len(sent(operation)) == 1


# --- a plain Cinder --------------------------------------------------------------------------


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


def test_failed_revert_names_the_way_out(as_cinder, loop, make, roll_back, clock):
    operation = roll_back(make(FAILS))
    loop.run_until_idle()
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "Restore the snapshot into a new volume" in sentence
    assert "again" not in sentence
