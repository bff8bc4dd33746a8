"""Restoring a snapshot into a new volume: sent once, and found again by its mark."""

import json
import uuid

import pytest
import requests
from django.contrib.auth.models import Permission
from django.utils import timezone

from snapshots.models import (
    MARKER,
    Anomaly,
    CloudHealth,
    Exchange,
    Operation,
    OperationKind,
    Snapshot,
    Volume,
)
from snapshots.operations.asking import OperationArguments, ask_again, ask_for_operation
from snapshots.operations.messages import anomaly_sentence, outcome_sentence, sentences_of
from snapshots.operations.refusals import NotAllowedError
from snapshots.sandbox import scenarios
from tests.operations.conftest import (
    console_headers,
    control,
    exchanges_of,
    let_time_pass,
    look_again,
)


@pytest.fixture
def snapshot(loop, ask, clock):
    operation = ask("reports", name="before")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    seed = scenarios.volume_named("reports")
    Volume.objects.update(availability_zone=seed.az, volume_type=seed.type)
    return Snapshot.objects.get(operation=operation)


@pytest.fixture
def restore(helen, snapshot):
    def restore(*, person=helen, **columns):
        arguments = OperationArguments(
            kind=OperationKind.RESTORE,
            volume=Volume.objects.get(volume_id=snapshot.volume_id),
            target_snapshot=snapshot,
            **{"name": "copy", "size_gb": 20, **columns},
        )
        return ask_for_operation(requester=person, key=uuid.uuid4(), arguments=arguments)[0]

    return restore


def fault(sandbox, **plan):
    plan = {"times": 1, "path": "/volumes", "body": "<html>", **plan}
    control(sandbox, "POST", "faults", json=plan)


def outcome(operation):
    operation.refresh_from_db()
    return operation.state, outcome_sentence(operation)


def settle(loop, operation, rounds=5):
    for _ in range(rounds):
        let_time_pass(operation, 70)
        loop.run_until_idle()


def finish(loop, operation, clock, seconds=60):
    clock.move(seconds)
    let_time_pass(operation, seconds)
    Operation.objects.filter(pk=operation.pk).update(state_at=operation.asked_at)
    look_again(loop)


def sent(operation):
    return [line for line in exchanges_of(operation) if line.startswith("restore")]


def volumes_in(sandbox):
    rows = requests.get(f"{sandbox.url}/_sandbox/volumes", timeout=5).json()["volumes"]
    return [row for row in rows if row["snapshot_id"]]


def copy_of(operation, sandbox, *, marked=True, **columns):
    """A volume as the operation would have made it, made by other hands."""
    seed = scenarios.volume_named("reports")
    body = {
        "snapshot_id": operation.target.id,
        "size": operation.size_gb,
        "name": operation.name,
        "availability_zone": seed.az,
        "metadata": {MARKER: str(operation.pk)} if marked else {},
        **columns,
    }
    made = requests.post(
        f"{sandbox.url}/v2/{scenarios.PROJECT_ID}/volumes",
        json={"volume": body},
        headers=console_headers(sandbox),
        timeout=5,
    )
    assert made.status_code == 202, made.text
    return made.json()["volume"]["id"]


def test_new_volume_is_made_and_watched(loop, restore, sandbox, clock):
    operation = restore(description="For the audit.")
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    (made,) = volumes_in(sandbox)
    assert operation.made_volume_id == made["id"]
    assert made["metadata"] == {MARKER: str(operation.pk)}
    assert (made["name"], made["size"], made["description"]) == ("copy", 20, "For the audit.")
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "succeeded"
    assert "not attached" in sentence
    assert made["id"] in " ".join(sentences_of(operation))
    assert exchanges_of(operation) == ["restore POST 202"]
    body = json.loads(Exchange.objects.get(purpose="restore").body)
    assert body["volume"]["volume_type"] == "SAS"


def test_larger_volume_without_a_name_is_made(loop, restore, sandbox):
    operation = restore(name=None, size_gb=30)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    assert volumes_in(sandbox)[0]["size"] == 30


def test_volume_in_error_is_named_for_deletion(loop, restore, sandbox, clock):
    operation = restore()
    loop.run_until_idle()
    control(sandbox, "POST", f"volumes/{operation_volume(operation)}", json={"status": "error"})
    finish(loop, operation, clock, seconds=0)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert operation.made_volume_id in sentence
    assert "delete it in the cloud" in sentence


def operation_volume(operation):
    operation.refresh_from_db()
    return operation.made_volume_id


def test_volume_deleted_while_it_is_made_is_said(loop, restore, sandbox, clock):
    operation = restore()
    loop.run_until_idle()
    control(sandbox, "DELETE", f"volumes/{operation_volume(operation)}")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "accepted"
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "it was deleted there" in sentence


def test_snapshot_deleted_meanwhile_does_not_matter(loop, restore, snapshot, sandbox, clock):
    operation = restore()
    loop.run_until_idle()
    control(sandbox, "DELETE", f"snapshots/{snapshot.snapshot_id}")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"


# --- refused ---------------------------------------------------------------------------------


def test_unavailable_snapshot_is_refused(loop, restore, snapshot, sandbox):
    operation = restore()
    path = f"snapshots/{snapshot.snapshot_id}"
    control(sandbox, "POST", path, json={"status": "backing-up"})
    loop.run_until_idle()
    assert outcome(operation)[0] == "refused"
    assert volumes_in(sandbox) == []


def test_used_up_quota_is_said(loop, restore, sandbox):
    operation = restore(size_gb=900_000)
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "quota of the cloud project is used up" in sentence
    assert "Who can help" in sentence


def test_staff_need_the_right(restore, alice):
    with pytest.raises(NotAllowedError, match="role does not include"):
        restore(person=alice)
    alice.user_permissions.add(Permission.objects.get(codename="restore_volume"))
    assert restore(person=type(alice).objects.get(pk=alice.pk))


def test_refused_restore_wants_a_new_form(loop, restore, helen):
    operation = restore(size_gb=900_000)
    loop.run_until_idle()
    operation.refresh_from_db()
    with pytest.raises(NotAllowedError, match="fill in a new form"):
        ask_again(operation=operation, person=helen, key=uuid.uuid4())


# --- sent once -------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [True, False])
def test_lost_answer_is_settled_by_the_mark(loop, restore, sandbox, clock, made):
    operation = restore()
    fault(sandbox, status=502, made=made)
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    clock.move(60)
    settle(loop, operation)
    assert outcome(operation)[0] == ("succeeded" if made else "not_created")
    assert len(volumes_in(sandbox)) == (1 if made else 0)
    assert len(sent(operation)) == 1
    if made:
        assert operation.made_volume_id == volumes_in(sandbox)[0]["id"]


def test_lost_answer_of_a_running_restore_is_watched(loop, restore, sandbox, clock):
    operation = restore()
    fault(sandbox, status=502, made=True)
    loop.run_until_idle()
    settle(loop, operation, rounds=1)
    assert outcome(operation)[0] == "accepted"
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"


def test_several_marked_volumes_are_left_to_people(loop, restore, sandbox, clock):
    operation = restore()
    fault(sandbox, status=502, made=True)
    loop.run_until_idle()
    second = copy_of(operation, sandbox)
    settle(loop, operation)
    state, sentence = outcome(operation)
    assert state == "unknown"
    assert "More than one volume" in sentence
    assert second in sentence
    assert operation.made_volume_id == ""
    assert "Volumes: " in anomaly_sentence(Anomaly.objects.get())


def test_unmarked_volume_is_taken_where_no_mark_stays(loop, restore, sandbox, clock):
    operation = restore()
    CloudHealth.objects.update_or_create(cloud="sandbox", defaults={"keeps_metadata": False})
    fault(sandbox, status=502, made=False)
    loop.run_until_idle()
    ours = copy_of(operation, sandbox, marked=False)
    copy_of(operation, sandbox, marked=False, name="another's")
    clock.move(60)
    settle(loop, operation, rounds=2)
    assert outcome(operation)[0] == "succeeded"
    assert operation.made_volume_id == ours


@pytest.mark.parametrize("keeps_metadata", [True, None])
def test_unmarked_volume_is_left_to_people_elsewhere(loop, restore, sandbox, keeps_metadata):
    operation = restore()
    health = {"keeps_metadata": keeps_metadata}
    CloudHealth.objects.update_or_create(cloud="sandbox", defaults=health)
    fault(sandbox, status=502, made=False)
    loop.run_until_idle()
    copy_of(operation, sandbox, marked=False)
    settle(loop, operation, rounds=2)
    assert outcome(operation)[0] == "unknown"
    assert "it is not certain" in outcome(operation)[1]


def test_unreadable_row_proves_no_absence(loop, restore, sandbox):
    operation = restore()
    fault(sandbox, status=502, made=False)
    loop.run_until_idle()
    body = {"volumes": [{"id": "strange"}]}
    fault(sandbox, times=20, method="GET", path="/volumes/detail", status=200, body=body)
    settle(loop, operation, rounds=7)
    state, sentence = outcome(operation)
    assert state == "unknown"
    assert "cannot be read" in sentence
    assert "strange" in sentence


def test_answer_about_another_volume_is_not_believed(loop, restore, sandbox, clock):
    operation = restore()
    other = {"id": "x", "status": "creating", "metadata": {MARKER: str(uuid.uuid4())}}
    fault(sandbox, status=202, made=True, body={"volume": other})
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    clock.move(60)
    settle(loop, operation, rounds=1)
    assert outcome(operation)[0] == "succeeded"
    assert operation.made_volume_id == volumes_in(sandbox)[0]["id"]


def test_killed_worker_s_restore_is_not_sent_again(loop, restore, sandbox):
    operation = restore()
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="sending", sent_at=now, due_at=now)
    settle(loop, operation)
    assert outcome(operation)[0] == "not_created"
    assert volumes_in(sandbox) == []


def test_two_at_once_make_two_volumes_in_turn(loop, restore, sandbox, clock):
    first, second = restore(name="one"), restore(name="two")
    loop.run_until_idle()
    assert len(volumes_in(sandbox)) == 1
    finish(loop, first, clock)
    loop.run_until_idle()
    finish(loop, second, clock)
    assert (outcome(first)[0], outcome(second)[0]) == ("succeeded", "succeeded")
    assert len(volumes_in(sandbox)) == 2
