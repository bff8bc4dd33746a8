"""Renaming a snapshot: from the click to the cloud, whatever happens between."""

import json
import uuid

import pytest
from django.utils import timezone

from snapshots.models import Action, Exchange, Operation, OperationKind, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_again, ask_for_operation
from snapshots.operations.messages import label_of, outcome_sentence
from snapshots.operations.refusals import NotAllowedError
from snapshots.operations.stopping import cancel_operation
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in


@pytest.fixture
def snapshot(loop, ask, clock):
    ask("reports", name="before")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    return Snapshot.objects.get()


@pytest.fixture
def rename(alice, snapshot):
    def rename(name="after", description="Kept for the audit."):
        snapshot.refresh_from_db()
        arguments = OperationArguments(
            kind=OperationKind.RENAME,
            volume=Volume.objects.get(volume_id=snapshot.operation.volume_id),
            target_snapshot=snapshot,
            name=name,
            description=description,
        )
        return ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)[0]

    return rename


def fault(sandbox, **plan):
    path = f"/snapshots/{Snapshot.objects.get().snapshot_id}"
    plan = {"times": 1, "method": "PUT", "path": path, **plan}
    control(sandbox, "POST", "faults", json=plan)


def outcome(operation):
    operation.refresh_from_db()
    return operation.state, outcome_sentence(operation)


def names_in(sandbox):
    return [row["name"] for row in snapshots_in(sandbox)]


def test_rename_reaches_cloud_mirror_and_trail(loop, rename, sandbox, snapshot):
    operation = rename()
    loop.run_until_idle()
    assert outcome(operation) == ("succeeded", "The snapshot has its new name and description.")
    assert names_in(sandbox) == ["after"]
    snapshot.refresh_from_db()
    assert (snapshot.name, snapshot.description) == ("after", "Kept for the audit.")
    assert snapshot.operation_id != operation.pk
    assert exchanges_of(operation) == ["check GET 200", "rename PUT 200"]
    sent = Exchange.objects.get(purpose="rename")
    assert (sent.target_kind, sent.target_id, sent.target_name) == (
        "snapshot",
        snapshot.snapshot_id,
        "before",
    )
    asked = Action.objects.get(operation=operation)
    assert (asked.target_kind, asked.target_id) == ("snapshot", snapshot.snapshot_id)


def test_unicode_and_blank_texts_arrive_as_asked(loop, rename, sandbox):
    operation = rename(name="günlük yedek 测试", description=None)
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"
    assert names_in(sandbox) == ["günlük yedek 测试"]


@pytest.mark.parametrize(
    ("texts", "body"),
    [
        ({"description": None}, {"name": "after"}),
        ({"name": "before"}, {"description": "Kept for the audit."}),
    ],
)
def test_only_the_text_that_changes_is_sent(loop, rename, texts, body):
    operation = rename(**texts)
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"
    assert json.loads(Exchange.objects.get(purpose="rename").body) == {"snapshot": body}


def put(sandbox, snapshot, **columns):
    control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json=columns)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"name": "theirs"}, "has changed since the request was made (theirs)"),
        ({"description": "their words"}, "has changed since the request was made (their words)"),
        ({"metadata": {"__system__x": "1"}}, "belongs to the cloud or its backup service"),
        ({"name": "autobk_snapshot_1"}, "belongs to the cloud or its backup service"),
    ],
)
def test_what_was_written_since_is_not_overwritten(loop, rename, sandbox, snapshot, columns, words):
    operation = rename()
    put(sandbox, snapshot, **columns)
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert words in sentence
    assert exchanges_of(operation) == ["check GET 200"]
    snapshot.refresh_from_db()
    for column, text in columns.items():
        assert getattr(snapshot, column) == text


def test_second_of_two_who_rename_at_once_is_told(loop, rename, sandbox):
    first, second = rename(name="before"), rename(name="after", description=None)
    loop.run_until_idle()
    assert outcome(first)[0] == "succeeded"
    assert outcome(second)[0] == "refused"
    assert "Kept for the audit." in outcome(second)[1]
    assert names_in(sandbox) == ["before"]


def test_same_rename_twice_is_sent_once(loop, rename):
    first, second = rename(), rename()
    loop.run_until_idle()
    assert (outcome(first)[0], outcome(second)[0]) == ("succeeded", "succeeded")
    assert Exchange.objects.filter(purpose="rename").count() == 1


def test_refused_for_a_change_is_not_asked_again_unseen(loop, rename, alice, sandbox, snapshot):
    operation = rename()
    put(sandbox, snapshot, description="their words")
    loop.run_until_idle()
    operation.refresh_from_db()
    with pytest.raises(NotAllowedError, match="fill in a new form"):
        ask_again(operation=operation, person=alice, key=uuid.uuid4())


@pytest.mark.parametrize("made", [True, False])
def test_lost_answer_is_settled_by_reading(loop, rename, sandbox, made):
    fault(sandbox, status=502, made=made, body="<html>")
    operation = rename()
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    for _ in range(4):
        let_time_pass(operation, 70)
        loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == ("succeeded" if made else "not_created")
    assert names_in(sandbox) == (["after"] if made else ["before"])
    assert label_of(operation) == ("Renamed" if made else "Not renamed")
    if not made:
        assert "Nothing was changed. You may ask again." in sentence
    assert sum("PUT" in line for line in exchanges_of(operation)) == 1


def test_snapshot_deleted_in_the_cloud_is_said(loop, rename, sandbox, snapshot):
    control(sandbox, "DELETE", f"snapshots/{snapshot.snapshot_id}")
    operation = rename()
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "no longer knows this snapshot" in sentence


def test_snapshot_gone_after_a_lost_answer_is_said(loop, rename, sandbox, snapshot):
    fault(sandbox, status=502, made=False, body="<html>")
    operation = rename()
    loop.run_until_idle()
    control(sandbox, "DELETE", f"snapshots/{snapshot.snapshot_id}")
    let_time_pass(operation, 70)
    loop.run_until_idle()
    assert outcome(operation) == (
        "failed",
        "The snapshot is gone from the cloud: it or its volume was deleted there.",
    )


def test_throttled_rename_is_sent_again(loop, rename, sandbox):
    fault(sandbox, status=429, made=False, body='{"overLimit": {"code": 429, "message": "x"}}')
    operation = rename()
    loop.run_until_idle()
    assert outcome(operation)[0] == "queued"
    assert "Nothing was changed." in outcome(operation)[1]
    let_time_pass(operation, 70)
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"


def test_rename_of_killed_worker_is_not_sent_again(loop, rename, sandbox):
    operation = rename()
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="sending", sent_at=now, due_at=now)
    for _ in range(5):
        loop.run_until_idle()
        let_time_pass(operation, 70)
    assert outcome(operation)[0] == "not_created"
    assert not [line for line in exchanges_of(operation) if "PUT" in line]


def test_one_change_at_a_time_on_a_volume(loop, ask, rename):
    operation = rename()
    create = ask("reports", name="second")
    Operation.objects.filter(pk=operation.pk).update(state="unknown", due_at=None)
    loop.run_until_idle()
    create.refresh_from_db()
    assert create.state == "queued"


def test_waiting_rename_is_cancelled_and_asked_again(loop, rename, alice, sandbox):
    operation = rename()
    assert cancel_operation(operation=operation, person=alice)
    assert outcome(operation) == (
        "cancelled",
        "Cancelled by alice before it was sent. Nothing was changed.",
    )
    again, is_new = ask_again(operation=operation, person=alice, key=uuid.uuid4())
    loop.run_until_idle()
    assert is_new
    assert (again.kind, outcome(again)[0], names_in(sandbox)) == ("rename", "succeeded", ["after"])


def test_refused_rename_ignores_volume_state_when_repeated(loop, rename, alice, sandbox):
    fault(sandbox, status=400, made=False, body='{"badRequest": {"code": 400, "message": "x"}}')
    operation = rename()
    loop.run_until_idle()
    assert outcome(operation)[0] == "refused"
    Volume.objects.update(status="error_extending")
    again, _ = ask_again(operation=operation, person=alice, key=uuid.uuid4())
    loop.run_until_idle()
    assert outcome(again)[0] == "succeeded"
