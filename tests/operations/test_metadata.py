"""Changing a snapshot's metadata: by key, so that what others set is kept."""

import dataclasses
import uuid

import pytest

from snapshots import clouds
from snapshots.models import OperationKind, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.operations.messages import outcome_sentence
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in


@pytest.fixture
def snapshot(loop, ask, clock):
    ask("reports", metadata={"team": "payroll", "old": "1"})
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    return Snapshot.objects.get()


@pytest.fixture
def change(alice, snapshot):
    def change(removed=(), **metadata):
        arguments = OperationArguments(
            kind=OperationKind.METADATA,
            volume=Volume.objects.get(volume_id=snapshot.volume_id),
            target_snapshot=snapshot,
            metadata=metadata,
            removed_keys=list(removed),
        )
        return ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)[0]

    return change


def outcome(operation):
    operation.refresh_from_db()
    return operation.state, outcome_sentence(operation)


def own_metadata(sandbox):
    (row,) = snapshots_in(sandbox)
    return {key: text for key, text in row["metadata"].items() if key != "evsportal-operation"}


def calls_of(operation):
    return [line for line in exchanges_of(operation) if not line.startswith("check")]


def test_metadata_change_keeps_the_mark(loop, change, sandbox, snapshot):
    operation = change(["old"], team="it", change="CHG-7")
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"
    assert own_metadata(sandbox) == {"team": "it", "change": "CHG-7"}
    assert snapshots_in(sandbox)[0]["metadata"]["evsportal-operation"] == str(snapshot.operation_id)
    snapshot.refresh_from_db()
    assert snapshot.metadata["team"] == "it"
    assert "old" not in snapshot.metadata


def test_only_needed_calls_are_sent(loop, change):
    operation = change(team="it")
    loop.run_until_idle()
    assert calls_of(operation) == ["metadata POST 200", "metadata GET 200"]
    removal = change(["old"])
    loop.run_until_idle()
    assert calls_of(removal) == ["metadata DELETE 200", "metadata GET 200"]


def test_key_of_somebody_else_is_kept(loop, change, sandbox, snapshot):
    control(
        sandbox,
        "POST",
        f"snapshots/{snapshot.snapshot_id}",
        json={"metadata": {"team": "payroll", "theirs": "x"}},
    )
    operation = change(team="it")
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"
    assert own_metadata(sandbox) == {"team": "it", "theirs": "x"}


def test_removing_a_key_that_is_gone_is_done(loop, change, sandbox):
    operation = change(["never there"])
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"


@pytest.mark.parametrize("made", [True, False])
def test_lost_answer_is_settled_by_reading(loop, change, sandbox, snapshot, made):
    path = f"/snapshots/{snapshot.snapshot_id}/metadata"
    plan = {"times": 1, "method": "POST", "path": path, "status": 502, "made": made}
    control(sandbox, "POST", "faults", json={**plan, "body": "<html>"})
    operation = change(team="it")
    loop.run_until_idle()
    assert outcome(operation)[0] == "unknown"
    for _ in range(4):
        let_time_pass(operation, 70)
        loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == ("succeeded" if made else "not_created")
    assert own_metadata(sandbox)["team"] == ("it" if made else "payroll")
    if not made:
        assert "ask again" in sentence


def test_snapshot_deleted_in_the_cloud_is_said(loop, change, sandbox, snapshot):
    control(sandbox, "DELETE", f"snapshots/{snapshot.snapshot_id}")
    operation = change(team="it")
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "no longer has this snapshot" in sentence


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 403, "body": '{"forbidden": {"code": 403, "message": "no"}}'},
        {"status": 429, "body": '{"overLimit": {"code": 429, "message": "x"}}'},
        {"status": 409, "body": '{"conflictingRequest": {"code": 409, "message": "x"}}'},
    ],
)
def test_change_that_was_done_in_part_is_not_called_nothing(
    loop, change, sandbox, snapshot, trouble
):
    path = f"/snapshots/{snapshot.snapshot_id}/metadata/old"
    plan = {"times": 1, "method": "DELETE", "path": path, "made": False, **trouble}
    control(sandbox, "POST", "faults", json=plan)
    operation = change(["old"], team="it")
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "unknown"
    assert "Nothing was changed" not in sentence
    for _ in range(4):
        let_time_pass(operation, 70)
        loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "not_created"
    assert "does not have all of the metadata" in sentence
    assert own_metadata(sandbox) == {"team": "it", "old": "1"}


# --- upper and lower case --------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["native-v2", "native-v3"])
@pytest.mark.parametrize("text", ["payroll", "it"])
def test_key_in_another_case_keeps_its_entry(
    speaks, loop, change, sandbox, snapshot, dialect, text
):
    speaks(dialect)
    operation = change(["team", "old"], Team=text)
    loop.run_until_idle()
    assert outcome(operation)[0] == "succeeded"
    assert own_metadata(sandbox) == {"Team": text}
    snapshot.refresh_from_db()
    assert snapshot.metadata["Team"] == text


@pytest.fixture
def speaks(monkeypatch):
    def speaks(dialect):
        config = dataclasses.replace(clouds._sandbox_config(), dialect=dialect)
        monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
        clouds.forget()

    return speaks


@pytest.mark.parametrize("dialect", ["native-v2", "native-v3"])
def test_key_of_somebody_else_in_another_case_is_not_overwritten(
    speaks, loop, change, sandbox, dialect
):
    speaks(dialect)
    operation = change(TEAM="it")
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "“team”" in sentence
    assert "Nothing was changed" in sentence
    assert own_metadata(sandbox) == {"team": "payroll", "old": "1"}
