"""Deleting a snapshot: only what people saw, once, and done when the cloud holds it no more."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.models import Exchange, Maker, Operation, OperationKind, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.operations.messages import label_of, outcome_sentence
from snapshots.operations.refusals import NotAllowedError
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in


@pytest.fixture
def delete(alice):
    def delete(snapshot):
        arguments = OperationArguments(
            kind=OperationKind.DELETE,
            volume=Volume.objects.get(volume_id=snapshot.volume_id),
            target_snapshot=snapshot,
        )
        return ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)[0]

    return delete


def fault(sandbox, snapshot, **plan):
    path = f"/snapshots/{snapshot.snapshot_id}"
    plan = {"times": 1, "method": "DELETE", "path": path, **plan}
    control(sandbox, "POST", "faults", json=plan)


def outcome(operation):
    operation.refresh_from_db()
    return operation.state, outcome_sentence(operation)


def finish(loop, clock, seconds=60):
    clock.move(seconds)
    look_again(loop)


def deletes_of(operation):
    return [line for line in exchanges_of(operation) if " DELETE " in line]


def test_deleted_snapshot_is_gone_from_cloud_and_mirror(loop, make, delete, sandbox, clock):
    snapshot = make()
    operation = delete(snapshot)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    assert label_of(operation) == "Deleting"
    finish(loop, clock)
    assert outcome(operation) == ("succeeded", "The cloud has deleted the snapshot.")
    assert snapshots_in(sandbox) == []
    snapshot.refresh_from_db()
    assert snapshot.gone_at is not None
    assert exchanges_of(operation) == ["check GET 200", "delete DELETE 202"]
    assert Exchange.objects.get(purpose="delete").target_id == snapshot.snapshot_id


def test_deletion_reads_one_page_of_the_list(loop, make, delete, by_hand, clock, monkeypatch):
    """What is gone is on none of them."""
    monkeypatch.setattr("snapshots.operations.watch.PAGE_ROWS", 1)
    snapshot = make()
    for name in ("web-01-logs", "build-cache"):
        by_hand(name)
    operation = delete(snapshot)
    loop.run_until_idle()
    before = Exchange.objects.filter(purpose="watch").count()
    clock.move(60)
    look_again(loop)
    assert outcome(operation)[0] == "succeeded"
    assert Exchange.objects.filter(purpose="watch").count() == before + 2


def test_deleting_what_is_gone_already_sends_nothing(loop, make, delete, sandbox):
    snapshot = make()
    operation = delete(snapshot)
    control(sandbox, "DELETE", f"snapshots/{snapshot.snapshot_id}")
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "succeeded"
    assert "deleted before" in sentence
    assert deletes_of(operation) == []
    assert Snapshot.objects.get().gone_at is not None


def test_deleting_twice_is_one_deletion(loop, make, delete, clock):
    snapshot = make()
    first, second = delete(snapshot), delete(snapshot)
    loop.run_until_idle()
    finish(loop, clock)
    loop.run_until_idle()
    assert (outcome(first)[0], outcome(second)[0]) == ("succeeded", "succeeded")
    assert len(deletes_of(first) + deletes_of(second)) == 1


@pytest.mark.parametrize("made", [True, False])
def test_lost_answer_is_settled_by_reading(loop, make, delete, sandbox, clock, made):
    snapshot = make()
    fault(sandbox, snapshot, status=502, made=made, body="<html>")
    operation = delete(snapshot)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    clock.move(60)
    for _ in range(4):
        let_time_pass(operation, 70)
        loop.run_until_idle()
    assert outcome(operation)[0] == ("succeeded" if made else "not_created")
    assert len(snapshots_in(sandbox)) == (0 if made else 1)
    assert len(deletes_of(operation)) == 1
    assert label_of(operation) == ("Deleted" if made else "Not deleted")


def test_lost_answer_while_it_is_deleted_is_watched(loop, make, delete, sandbox, clock):
    snapshot = make("trouble: delete takes long")
    fault(sandbox, snapshot, status=502, made=True, body="<html>")
    operation = delete(snapshot)
    loop.run_until_idle()
    let_time_pass(operation, 70)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    finish(loop, clock)
    assert outcome(operation)[0] == "succeeded"


def test_snapshot_that_the_cloud_keeps_is_not_called_deleted(loop, make, delete, clock, sandbox):
    operation = delete(make("trouble: snapshot in use"))
    loop.run_until_idle()
    look_again(loop)
    finish(loop, clock)
    assert outcome(operation)[0] == "accepted"
    look_again(loop)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "something still depends on it" in sentence
    assert len(snapshots_in(sandbox)) == 1


def shown_by_list(sandbox, snapshot):
    """The next list has it as it was before, while its own address tells the truth."""
    row = next(one for one in snapshots_in(sandbox) if one["id"] == snapshot.snapshot_id)
    row = {**row, "status": "available", "created_at": "2026-11-28T10:00:00"}
    plan = {"times": 1, "method": "GET", "path": "/snapshots/detail", "status": 200}
    control(sandbox, "POST", "faults", json={**plan, "body": {"snapshots": [row]}})


def test_list_that_is_behind_does_not_call_a_deletion_given_up(loop, make, delete, clock, sandbox):
    snapshot = make("trouble: delete takes long")
    operation = delete(snapshot)
    loop.run_until_idle()
    look_again(loop)
    for _ in range(3):
        shown_by_list(sandbox, snapshot)
        look_again(loop)
        assert outcome(operation)[0] == "accepted"
        snapshot.refresh_from_db()
        assert snapshot.status == "deleting"
    finish(loop, clock)
    assert outcome(operation)[0] == "succeeded"


def test_one_answer_does_not_call_a_deletion_given_up(loop, make, delete, clock, sandbox):
    snapshot = make("trouble: delete takes long")
    operation = delete(snapshot)
    loop.run_until_idle()
    look_again(loop)
    for status in ("available", "deleting", "available"):
        control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json={"status": status})
        look_again(loop)
        assert outcome(operation)[0] == "accepted"
    look_again(loop)
    assert outcome(operation)[0] == "failed"


def test_deletion_that_never_began_is_given_up_after_the_settle_time(
    loop, make, delete, sandbox, settings
):
    snapshot = make()
    fault(sandbox, snapshot, status=202, made=False)
    operation = delete(snapshot)
    loop.run_until_idle()
    look_again(loop)
    look_again(loop)
    assert outcome(operation)[0] == "accepted"
    long_ago = timezone.now() - timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS + 1)
    Operation.objects.filter(pk=operation.pk).update(state_at=long_ago)
    look_again(loop)
    assert outcome(operation)[0] == "accepted"
    look_again(loop)
    assert outcome(operation)[0] == "failed"


def test_failed_deletion_says_who_can_help(loop, make, delete, clock):
    operation = delete(make("trouble: delete fails"))
    loop.run_until_idle()
    finish(loop, clock)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "people who run the cloud account" in sentence
    assert Snapshot.objects.get().status == "error_deleting"


def test_renamed_since_the_page_was_opened_is_not_deleted(loop, make, delete, sandbox):
    snapshot = make()
    operation = delete(snapshot)
    control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json={"name": "keep me"})
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "has changed since" in sentence
    assert "keep me" in sentence
    assert deletes_of(operation) == []
    snapshot.refresh_from_db()
    assert snapshot.name == "keep me"


def test_snapshot_in_another_state_is_not_deleted(loop, make, delete, sandbox):
    snapshot = make()
    operation = delete(snapshot)
    control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json={"status": "backing-up"})
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "“backing-up” does not allow it" in sentence
    assert deletes_of(operation) == []


def test_system_s_snapshot_is_refused_at_once(make, delete):
    snapshot = make()
    Snapshot.objects.update(maker=Maker.SYSTEM)
    snapshot.refresh_from_db()
    with pytest.raises(NotAllowedError, match="backup service"):
        delete(snapshot)
    assert not Operation.objects.filter(kind="delete").exists()


def test_right_to_one_volume_deletes_no_snapshot_of_another(alice, make, ask):
    snapshot = make()
    other = ask("build-cache")
    arguments = OperationArguments(
        kind=OperationKind.DELETE,
        volume=Volume.objects.get(volume_id=other.volume_id),
        target_snapshot=snapshot,
    )
    with pytest.raises(NotAllowedError, match="may not use this volume"):
        ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)
    assert not Operation.objects.filter(kind="delete").exists()


def test_gone_snapshot_is_refused_at_once(make, delete):
    snapshot = make()
    Snapshot.objects.update(gone_at=timezone.now())
    snapshot.refresh_from_db()
    with pytest.raises(NotAllowedError):
        delete(snapshot)


def test_unreadable_cloud_before_sending_sends_nothing(loop, make, delete, sandbox):
    snapshot = make()
    path = f"/snapshots/{snapshot.snapshot_id}"
    plan = {"times": 1000, "method": "GET", "path": path, "status": 500, "body": "<html>"}
    control(sandbox, "POST", "faults", json=plan)
    operation = delete(snapshot)
    loop.run_until_idle()
    assert outcome(operation)[0] == "queued"
    assert deletes_of(operation) == []
    control(sandbox, "DELETE", "faults")
    let_time_pass(operation, 70)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"


def test_killed_worker_s_delete_is_not_sent_again(loop, make, delete, sandbox):
    operation = delete(make())
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="sending", sent_at=now, due_at=now)
    for _ in range(5):
        loop.run_until_idle()
        let_time_pass(operation, 70)
    assert outcome(operation)[0] == "not_created"
    assert deletes_of(operation) == []
    assert len(snapshots_in(sandbox)) == 1
