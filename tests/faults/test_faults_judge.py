"""The judge must be able to fail: each planted wrong is found, and nothing else."""

from dataclasses import replace

import pytest

from tests.faults.facts import Made, Row, Sent
from tests.faults.judge import judge
from tests.faults.planted import CREATE, made, row, sent, told, wrongs


def test_healthy_facts_are_clean(healthy):
    assert wrongs(healthy) == {}
    assert judge(healthy).is_clean


def test_second_snapshot_of_an_operation_is_a_duplicate(healthy):
    second = replace(made(9, marker="o1", intent="i1"), volume_id="v1")
    assert wrongs(replace(healthy, snapshots=[*healthy.snapshots, second])) == {"duplicates": 1}


def test_second_snapshot_of_an_intent_is_a_duplicate_whatever_its_operation(healthy):
    again = [*healthy.operations, told(4)]
    twice = [*healthy.snapshots, made(4, intent="i1")]
    assert wrongs(replace(healthy, operations=again, snapshots=twice)) == {"duplicates": 1}


def test_submits_of_one_form_that_made_two_operations_are_a_duplicate(healthy):
    acknowledged = {**healthy.acknowledged, "i1": {"o1", "o2"}}
    assert wrongs(replace(healthy, acknowledged=acknowledged)) == {"duplicates": 1}


@pytest.mark.parametrize("state", ["not_created", "refused", "failed", "cancelled"])
def test_snapshot_whose_operation_denies_it_is_an_orphan(healthy, state):
    operations = [told(1), told(2), told(3, state)]
    snapshots = [*healthy.snapshots, made(3)]
    facts = replace(healthy, operations=operations, snapshots=snapshots)
    assert wrongs(facts) == {"orphans": 1}


def test_snapshot_of_no_operation_is_an_orphan(healthy):
    assert wrongs(replace(healthy, snapshots=[*healthy.snapshots, made(8)])) == {"orphans": 1}


def test_snapshot_without_marker_is_an_orphan(healthy):
    bare = Made("s8", "v1", "available", {})
    assert wrongs(replace(healthy, snapshots=[*healthy.snapshots, bare])) == {"orphans": 1}


def test_success_without_snapshot_is_lost(healthy):
    assert wrongs(replace(healthy, snapshots=[made(1)])) == {"lost": 1}


def test_acknowledged_submit_without_row_is_lost(healthy):
    acknowledged = {**healthy.acknowledged, "i7": {"o7"}}
    assert wrongs(replace(healthy, acknowledged=acknowledged)) == {"lost": 1}


@pytest.mark.parametrize("state", ["queued", "sending", "unknown", "accepted"])
def test_operation_that_is_not_final_is_unsettled(healthy, state):
    operations = [told(1), told(2), replace(told(3), state=state, snapshot_id="s3")]
    facts = replace(healthy, operations=operations, snapshots=[*healthy.snapshots, made(3)])
    assert wrongs(facts) == {"unsettled": 1}


def test_success_with_a_snapshot_still_creating_is_false(healthy):
    snapshots = [made(1), made(2, status="creating")]
    assert wrongs(replace(healthy, snapshots=snapshots)) == {"false": 1}


def test_cancelled_operation_that_was_carried_out_is_false(healthy):
    assert wrongs(replace(healthy, cancelled={"o1"})) == {"false": 1}
    assert wrongs(replace(healthy, cancelled=set())) == {}


def test_request_without_row_is_unrecorded(healthy):
    assert wrongs(replace(healthy, rows=[row(1), row(2)])) == {"unrecorded": 1}


def test_row_written_after_its_request_arrived_is_no_record(healthy):
    assert wrongs(replace(healthy, rows=[row(1), row(2), row(3, at=3.5)])) == {"unrecorded": 1}


def test_each_request_needs_a_row_of_its_own(healthy):
    reads = [Sent(at, "GET", "/v2/p/snapshots/detail?limit=200") for at in (5.0, 6.0)]
    read = Row(4.9, "GET", "/v2/p/snapshots/detail?limit=200")
    facts = replace(healthy, sent=[*healthy.sent, *reads], rows=[*healthy.rows, read])
    assert wrongs(facts) == {"unrecorded": 1}


def test_row_of_a_create_stands_for_no_other_operations_create(healthy):
    rows = [row(1), row(2), row(2, at=0.5)]
    assert wrongs(replace(healthy, rows=rows)) == {"unrecorded": 1}


def test_request_that_only_the_cloud_counted_is_unrecorded(healthy):
    at_cloud = [("POST", CREATE)] * 4
    assert wrongs(replace(healthy, at_cloud=at_cloud)) == {"unrecorded": 1}


def test_create_after_an_unknown_outcome_was_sent_twice(healthy):
    facts = replace(
        healthy, sent=[*healthy.sent, sent(1, at=7.0)], rows=[*healthy.rows, row(1, at=6.9)]
    )
    assert wrongs(facts) == {"creates_sent_twice": 1}


def test_create_after_a_clear_no_is_allowed(healthy):
    first = sent(1, at=0.5, proves_nothing_made=True)
    facts = replace(healthy, sent=[first, *healthy.sent], rows=[*healthy.rows, row(1, at=0.4)])
    assert wrongs(facts) == {}


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (
            {"left_lying": ["watch:sandbox, token 3: held by a killed worker for 5.2 s"]},
            "left_lying",
        ),
        ({"broke_off": ["worker-1.log: Duty 3 broke off."]}, "broke_off"),
        ({"deadlocks": 1}, "deadlocks"),
        ({"sent_without_right": ["exchange 7"]}, "sent_without_right"),
    ],
)
def test_what_was_seen_of_the_engine_counts_as_wrong(healthy, seen, kind):
    assert wrongs(replace(healthy, **seen)) == {kind: 1}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"broke_off": ["a step"]}, False),
        ({"left_lying": ["a row"]}, False),
        ({"deadlocks": 1}, True),
    ],
)
def test_a_missing_guard_is_not_shown_by_steps_that_broke_off(healthy, seen, expected):
    judgment = judge(replace(healthy, **seen))
    assert (judgment.is_clean, judgment.is_wrong_about_the_cloud) == (False, expected)
