"""The judge must be able to fail: each planted wrong is found, and nothing else."""

from dataclasses import replace

import pytest

from tests.faults.facts import (
    INTENT,
    MARKER,
    TOUCH,
    Content,
    Facts,
    Made,
    MadeVolume,
    Mirrored,
    Outside,
    Row,
    Sent,
    Shown,
    Span,
    Told,
)
from tests.faults.judge import judge

CREATE = "/v2/p/snapshots"


def made(number: int, *, marker: str = "", intent: str = "", status: str = "available") -> Made:
    operation = marker or f"o{number}"
    metadata = {MARKER: operation, INTENT: intent or f"i{number}"}
    return Made(f"s{number}", f"v{number}", status, metadata)


def told(number: int, state: str = "succeeded") -> Told:
    snapshot_id = f"s{number}" if state == "succeeded" else None
    return Told(f"o{number}", f"i{number}", state, f"v{number}", snapshot_id)


def sent(number: int, at: float | None = None, **facts) -> Sent:
    return Sent(number if at is None else at, "POST", CREATE, marker=f"o{number}", **facts)


def row(number: int, at: float | None = None) -> Row:
    at = number - 0.01 if at is None else at
    return Row(at, "POST", CREATE, operation=f"o{number}", is_marked=True)


@pytest.fixture
def healthy() -> Facts:
    """Three operations: two made their snapshots, of the third provably nothing became."""
    return Facts(
        operations=[told(1), told(2), told(3, "not_created")],
        snapshots=[made(1), made(2)],
        acknowledged={f"i{number}": {f"o{number}"} for number in (1, 2, 3)},
        sent=[sent(1), sent(2), sent(3)],
        rows=[row(1), row(2), row(3)],
        at_cloud=[("POST", CREATE)] * 2,
    )


def wrongs(facts: Facts) -> dict[str, int]:
    return {kind: count for kind, count in judge(facts).counts().items() if count}


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
    ],
)
def test_what_was_seen_of_the_engine_counts_as_wrong(healthy, seen, kind):
    assert wrongs(replace(healthy, **seen)) == {kind: 1}


# --- changes of snapshots --------------------------------------------------------------------


def change(kind: str, state: str = "succeeded", *, of: int = 1, asked: int = 9, **content) -> Told:
    operation = f"{kind}-{asked}"
    return Told(operation, "", state, f"v{of}", f"s{of}", kind=kind, asked=asked, **content)


def with_changes(facts: Facts, *changes: Told, snapshots: list[Made]) -> Facts:
    return replace(facts, operations=[*facts.operations, *changes], snapshots=snapshots)


def delete_sent(number: int, at: float) -> Sent:
    return Sent(at, "DELETE", f"{CREATE}/s{number}")


def with_rows(facts: Facts) -> Facts:
    rows = [Row(one.at - 0.01, one.method, one.target) for one in facts.sent if not one.marker]
    return replace(facts, rows=[*facts.rows, *rows])


def test_deleted_snapshot_is_not_lost(healthy):
    assert wrongs(with_changes(healthy, change("delete"), snapshots=[made(2)])) == {}


def test_deletion_that_is_said_and_not_done_is_false(healthy):
    facts = with_changes(healthy, change("delete"), snapshots=[made(1), made(2)])
    assert wrongs(facts) == {"false": 1}


@pytest.mark.parametrize("state", ["not_created", "refused", "failed", "cancelled"])
def test_deletion_that_is_done_and_denied_was_not_asked(healthy, state):
    facts = with_changes(healthy, change("delete", state), snapshots=[made(2)])
    assert wrongs(facts) == {"deleted_unasked": 1}


def test_second_deletion_of_one_request_is_found(healthy):
    facts = with_changes(healthy, change("delete"), snapshots=[made(2)])
    once = with_rows(replace(facts, sent=[*facts.sent, delete_sent(1, 20.0)]))
    assert wrongs(once) == {}
    twice = replace(facts, sent=[*facts.sent, delete_sent(1, 20.0), delete_sent(1, 21.0)])
    assert wrongs(with_rows(twice)) == {"deletes_sent_twice": 1}


def test_deletion_that_nobody_asked_for_is_found(healthy):
    facts = with_rows(replace(healthy, sent=[*healthy.sent, delete_sent(2, 20.0)]))
    assert wrongs(facts) == {"deletes_sent_twice": 1}


@pytest.mark.parametrize(("kind", "what"), [("rename", "name"), ("metadata", "touch")])
def test_last_change_that_was_done_holds(healthy, kind, what):
    changes = [change(kind, asked=number, **{what: f"n{number}"}) for number in (10, 11)]
    changes.append(change(kind, "not_created", asked=12, **{what: "n12"}))
    first = made(1)
    right = replace(first, name="n11", metadata={**first.metadata, TOUCH: "n11"})
    assert wrongs(with_changes(healthy, *changes, snapshots=[right, made(2)])) == {}
    wrong = replace(first, name="n10", metadata={**first.metadata, TOUCH: "n10"})
    assert wrongs(with_changes(healthy, *changes, snapshots=[wrong, made(2)])) == {"false": 1}


@pytest.mark.parametrize(
    "rows",
    [
        [Mirrored("s1", "available", "")],
        [Mirrored("s1", "available", ""), Mirrored("s2", "creating", "")],
        [Mirrored("s1", "available", ""), Mirrored("s2", "available", "old name")],
        [Mirrored("s1", "available", ""), Mirrored("s2", "available", "", is_gone=True)],
        [Mirrored(f"s{number}", "available", "") for number in (1, 2, 3)],
    ],
)
def test_row_that_differs_from_the_cloud_is_mirrored_wrongly(healthy, rows):
    assert wrongs(replace(healthy, mirrored=rows)) == {"mirrored_wrongly": 1}


# --- rollbacks and restores ------------------------------------------------------------------


def rollback_sent(at: float, *, is_done: bool = True, number: int = 1, **facts) -> Sent:
    done_at = at + 0.01 if is_done else None
    target = f"/v2/p/os-vendor-snapshots/s{number}/rollback"
    return Sent(at, "POST", target, rolled_back=f"s{number}", executed_at=done_at, **facts)


def with_rollbacks(facts: Facts, *states: str, sent: list[Sent]) -> Facts:
    changes = [change("rollback", state, asked=9 + n) for n, state in enumerate(states)]
    operations = [*facts.operations, *changes]
    return with_rows(replace(facts, operations=operations, sent=[*facts.sent, *sent]))


@pytest.mark.parametrize(
    ("states", "sent"),
    [
        (["succeeded"], [rollback_sent(20.0)]),
        (["failed"], [rollback_sent(20.0)]),
        (["failed"], [rollback_sent(20.0, is_done=False)]),
        (["succeeded", "refused"], [rollback_sent(20.0)]),
        (
            ["succeeded"],
            [rollback_sent(20.0, is_done=False, proves_nothing_made=True), rollback_sent(21.0)],
        ),
    ],
)
def test_rollbacks_that_are_told_are_clean(healthy, states, sent):
    assert wrongs(with_rollbacks(healthy, *states, sent=sent)) == {}


@pytest.mark.parametrize(
    ("states", "sent"),
    [
        (["succeeded"], [rollback_sent(20.0), rollback_sent(21.0)]),
        (["succeeded"], [rollback_sent(20.0, is_done=False), rollback_sent(21.0)]),
        (["refused"], [rollback_sent(20.0)]),
        (["not_created"], [rollback_sent(20.0)]),
        ([], [rollback_sent(20.0)]),
    ],
)
def test_rollback_more_than_is_told_is_found(healthy, states, sent):
    assert wrongs(with_rollbacks(healthy, *states, sent=sent)) == {"rolled_back_twice": 1}


def test_rollback_that_is_said_and_not_done_is_false(healthy):
    facts = with_rollbacks(healthy, "succeeded", sent=[rollback_sent(20.0, is_done=False)])
    assert wrongs(facts) == {"false": 1}


def with_restore(facts: Facts, state: str, made_volume_id: str, *volumes: str) -> Facts:
    told = change("restore", state, made_volume_id=made_volume_id)
    held = [MadeVolume(one, marker=told.id) for one in volumes]
    return replace(facts, operations=[*facts.operations, told], volumes=[MadeVolume("old"), *held])


@pytest.mark.parametrize(
    ("state", "told", "held", "expected"),
    [
        ("succeeded", "w1", ["w1"], {}),
        ("not_created", "", [], {}),
        ("succeeded", "w1", ["w1", "w2"], {"restored_twice": 1, "false": 1}),
        ("not_created", "", ["w1"], {"orphans": 1}),
        ("failed", "", ["w1"], {"orphans": 1}),
        ("succeeded", "old", ["w1"], {"false": 1}),
        ("succeeded", "w1", [], {"lost": 1}),
    ],
)
def test_volume_of_a_restore_is_its_requests(healthy, state, told, held, expected):
    assert wrongs(with_restore(healthy, state, told, *held)) == expected


def test_volume_of_no_request_is_an_orphan(healthy):
    volumes = [MadeVolume("w1", marker="nobody")]
    assert wrongs(replace(healthy, volumes=volumes)) == {"orphans": 1}


# --- what somebody else did in the cloud -----------------------------------------------------


def test_what_somebody_else_did_is_nobodys_fault(healthy):
    other = Made("x1", "v1", "error", {}, "by hand")
    outside = Outside(
        made={"x1": [Content(Span(1, 2), "by hand", "error")]},
        renamed={"s2"},
        deleted={"s1": Span(5, 6)},
    )
    renamed = replace(made(2), name="by hand")
    changes = [change("rename", of=2, name="ours"), change("metadata", "refused", of=1)]
    facts = with_changes(healthy, *changes, snapshots=[renamed, other])
    assert wrongs(replace(facts, outside=outside)) == {}
    assert wrongs(facts) == {"orphans": 1, "lost": 1, "false": 1, "deleted_unasked": 1}


def test_snapshots_of_a_removed_volume_are_nobodys_fault(healthy):
    outside = Outside(removed_volumes={"v1": Span(5, 6)})
    facts = replace(healthy, snapshots=[made(2)], outside=outside)
    assert wrongs(with_changes(facts, change("rename", "failed"), snapshots=[made(2)])) == {}


def shown(ident: str = "x1", *, at: float, read_at: float, **facts) -> Shown:
    content = {"volume_id": "v1", "name": "a", "status": "available"} | facts
    return Shown(ident, at=at, read_at=read_at, **content)


MADE_AND_RENAMED = [
    Content(Span(1, 2), "a", "available"),
    Content(Span(5, 6), "b", "available"),
]
OUTSIDE = Outside(
    made={"x1": MADE_AND_RENAMED},
    deleted={"s1": Span(8, 8.5)},
    removed_volumes={"v3": Span(8, 8.5)},
)


SHOWN_WRONGLY = {"shown_wrongly": 1}


@pytest.mark.parametrize(
    "one",
    [
        shown(at=4, read_at=3),
        shown(at=9, read_at=5.5),  # read before the change was done, shown after it
        shown(at=9, read_at=6.5, name="b"),
        shown(at=9, read_at=4, name="b"),
        shown("s1", at=9, read_at=7.5),  # deleted after it was read
        shown("s1", at=9, read_at=7, is_gone=True),
        shown("gone with v3", volume_id="v3", at=9, read_at=7, is_gone=True),
        shown("never touched", at=9, read_at=7, name="whatever"),
    ],
)
def test_what_was_so_when_it_was_read_is_shown_rightly(healthy, one):
    assert wrongs(replace(healthy, outside=OUTSIDE, shown=[one])) == {}


@pytest.mark.parametrize(
    "one",
    [
        shown(at=9, read_at=6.5),
        shown(at=9, read_at=6.5, name="b", status="error"),
        shown(at=4, read_at=3, name="b"),
        shown(at=9, read_at=7, is_gone=True),
        shown("s1", at=7, read_at=6, is_gone=True),  # before it was deleted
        shown("s1", at=9, read_at=8.6),
        shown("of v3", volume_id="v3", at=9, read_at=8.6),
        shown("never touched", at=9, read_at=7, is_gone=True),
    ],
)
def test_what_was_not_so_when_it_was_read_is_shown_wrongly(healthy, one):
    facts = replace(healthy, outside=OUTSIDE, shown=[one])
    assert wrongs(facts) == SHOWN_WRONGLY


@pytest.mark.parametrize(("kind", "expected"), [("rollback", {}), ("metadata", SHOWN_WRONGLY)])
def test_status_may_be_another_while_the_portal_rolls_back(healthy, kind, expected):
    operations = [*healthy.operations, replace(change(kind, "refused"), snapshot_id="x1")]
    made_outside = Made("x1", "v1", "available", {}, "b")
    facts = replace(healthy, operations=operations, snapshots=[*healthy.snapshots, made_outside])
    one = shown(at=9, read_at=6.5, name="b", status="rollbacking")
    assert wrongs(replace(facts, outside=OUTSIDE, shown=[one])) == expected


def test_deletion_by_the_portal_is_known_from_its_request(healthy):
    deleted = replace(delete_sent(1, 20.0), executed_at=20.5)
    facts = with_changes(healthy, change("delete"), snapshots=[made(2)])
    facts = with_rows(replace(facts, sent=[*facts.sent, deleted]))
    right = [shown("s1", at=21, read_at=20.2), shown("s1", at=21, read_at=20.6, is_gone=True)]
    assert wrongs(replace(facts, shown=right)) == {}
    late = [shown("s1", at=21, read_at=20.6), shown("s1", at=19, read_at=18, is_gone=True)]
    assert wrongs(replace(facts, shown=late)) == {"shown_wrongly": 2}
