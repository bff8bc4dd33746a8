"""The judge of changes, of what somebody else did in the cloud, and of what pages showed."""

from dataclasses import replace

import pytest

from tests.faults.facts import (
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
from tests.faults.planted import CREATE, made, wrongs

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
