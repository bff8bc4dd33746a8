"""What was asked beside what the cloud kept: nothing is claimed that is not known."""

import hashlib
import json
import uuid
from datetime import UTC, datetime

import pytest

from snapshots.audit.record.comparison import MOST_ROWS, compare
from snapshots.models import Answer, Exchange, Snapshot

SEEN_AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
ASKED = {
    "volume_id": "v-1",
    "name": "n",
    "description": None,
    "force": True,
    "metadata": {"team": "payroll"},
}


def digest(body):
    return hashlib.sha256(body.encode()).hexdigest()


def asked(snapshot=ASKED, **details):
    body = details.pop("body", json.dumps({"snapshot": snapshot}))
    return Exchange(**{"body": body, "body_sha256": digest(body)} | details)


def answered(snapshot=None, *, status=202, **details):
    body = details.pop("body", json.dumps({"snapshot": snapshot}))
    return Answer(**{"status": status, "body": body, "body_sha256": digest(body)} | details)


def seen(**details):
    facts = {"snapshot_id": "s-1", "name": "n", "metadata": {"team": "payroll"}, "seen_at": SEEN_AT}
    return Snapshot(**facts | details)


def labels(comparison):
    return {row.field: row.verdict.label for row in comparison.rows}


def test_a_faithful_cloud_shows_no_difference():
    stored = {"id": "s-1", "volume_id": "v-1", "name": "n", "description": "", "status": "creating"}
    result = compare(
        asked(), answer=answered(stored | {"metadata": {"team": "payroll"}}), seen=seen()
    )
    assert labels(result) == {
        "volume_id": "as asked",
        "name": "as asked",
        "description": "as asked",
        "force": "not reported by the cloud",
        "metadata team": "as asked",
    }
    assert (result.differing, result.notes) == (0, ())


def test_every_kind_of_difference_has_its_word():
    stored = {"volume_id": "v-2", "name": "", "description": "made", "force": False}
    stored["metadata"] = {"team": "sales", "__system__": "1"}
    result = compare(asked(), answer=answered(stored), seen=None)
    assert labels(result) == {
        "volume_id": "differs",
        "name": "not kept",
        "description": "added by the cloud",
        "force": "differs",
        "metadata team": "differs",
        "metadata __system__": "added by the cloud",
    }
    assert result.differing == 6


@pytest.mark.parametrize("metadata", [{}, {"other": "x"}])
def test_metadata_that_was_dropped_is_not_kept(metadata):
    result = compare(asked(), answer=answered({"name": "n", "metadata": metadata}), seen=None)
    assert labels(result)["metadata team"] == "not kept"


def test_unanswered_metadata_is_not_called_dropped():
    result = compare(asked(), answer=answered({"name": "n"}), seen=None)
    assert labels(result)["metadata team"] == "not reported by the cloud"


def test_what_was_changed_after_the_answer_shows():
    stored = {"id": "s-1", "name": "n"}
    result = compare(asked(), answer=answered(stored), seen=seen(name="renamed", metadata={}))
    row = next(row for row in result.rows if row.field == "name")
    assert (row.asked, row.answered, row.seen) == ("n", "n", "renamed")
    assert labels(result)["name"] == "differs"
    assert labels(result)["metadata team"] == "not kept"
    assert result.seen_at == SEEN_AT


def test_rename_compares_only_what_it_asked():
    change = asked({"name": "n", "description": "d"}, method="PUT")
    stored = {"id": "s-1", "name": "n", "description": "d", "status": "available", "size": 40}
    result = compare(change, answer=answered(stored, status=200), seen=seen(description="d"))
    assert labels(result) == {"name": "as asked", "description": "as asked"}


def test_present_state_after_a_later_request_is_not_compared():
    stored = {"id": "s-1", "name": "n", "metadata": {"team": "payroll"}}
    result = compare(asked(), answer=answered(stored), seen=None, is_later=True)
    assert "A later request has changed the snapshot" in result.notes[0]
    assert labels(result)["name"] == "as asked"


def test_a_lost_answer_leaves_what_was_read_later():
    result = compare(asked(), answer=None, seen=seen())
    assert result.notes == ("No answer was recorded.",)
    assert not result.has_answer
    assert labels(result)["name"] == "as asked"


def test_an_answer_about_another_snapshot_is_told():
    result = compare(asked(), answer=answered({"id": "s-2", "name": "n"}), seen=seen())
    assert "another snapshot than this answer named: s-2" in result.notes[0]


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (None, "No answer was recorded."),
        (Answer(status=None, error="Timeout"), "The cloud did not answer."),
        (answered(status=400, body='{"badRequest": {}}'), "The cloud answered 400"),
        (answered(body='{"snapshot": {"na', body_cut=True), "The body of the answer was cut"),
        (answered(body="<html>"), "The body of the answer is not readable"),
        (answered(body=""), "The body of the answer is not readable"),
        (answered(body="[" * 100_000), "The body of the answer is not readable"),
        (answered(body='{"a": ' * 100_000), "The body of the answer is not readable"),
        (answered(body="1" * 10_000), "The body of the answer is not readable"),
        (answered(body="[1]"), "has no snapshot in it"),
        (answered(body="null"), "has no snapshot in it"),
        (answered(body='{"snapshots": []}'), "has no snapshot in it"),
        (answered([]), "has no snapshot in it"),
        (answered("s-1"), "has no snapshot in it"),
    ],
    ids=range(14),
)
def test_nothing_to_compare_gives_a_reason(answer, note):
    result = compare(asked(), answer=answer, seen=None)
    assert result.rows == ()
    assert note in result.notes[0]
    assert result.notes[-1].endswith("there is nothing to compare.")


@pytest.mark.parametrize(
    ("exchange", "note"),
    [
        (asked(body_cut=True), "The body of the request was cut"),
        (asked(body="no JSON"), "The body of the request is not readable"),
        (asked(body='{"os-extend": 1}'), "The body of the request has no snapshot"),
    ],
    ids=range(3),
)
def test_unreadable_request_is_not_compared(exchange, note):
    result = compare(exchange, answer=answered({"name": "n"}), seen=seen())
    assert result.rows == ()
    assert note in result.notes[0]


@pytest.mark.parametrize(
    "value",
    [1, 1.5, float("nan"), True, [], {"a": 1}, "\ud800", "\x00", "\u202eabc", "x" * 100_000, None],
    ids=range(11),
)
def test_strange_values_are_compared_as_texts(value):
    stored = {
        "id": value,
        "name": value,
        "volume_id": value,
        "metadata": {"team": value, "": value},
    }
    result = compare(asked(), answer=answered(stored), seen=None)
    assert labels(result)["name"] in {"differs", "not kept"}
    for row in result.rows:
        for text in (row.field, row.asked, row.answered):
            assert len((text or "").encode()) < 1000
            assert "\x00" not in (text or "")


@pytest.mark.parametrize("metadata", ["x", [["team", "payroll"]], 1])
def test_metadata_of_another_shape_is_not_told(metadata):
    result = compare(asked(), answer=answered({"name": "n", "metadata": metadata}), seen=None)
    assert labels(result)["metadata team"] == "not reported by the cloud"


def test_numbers_and_booleans_in_words_are_the_same():
    stored = {"force": "true", "metadata": {"team": "payroll", "n": 1}}
    sent = ASKED | {"metadata": {"team": "payroll", "n": "1"}}
    result = compare(asked(sent), answer=answered(stored), seen=None)
    assert (labels(result)["force"], labels(result)["metadata n"]) == ("as asked", "as asked")


def test_endless_metadata_is_bounded():
    stored = {"metadata": {f"k{number}": "v" for number in range(5000)}}
    result = compare(asked(), answer=answered(stored), seen=None)
    assert len(result.rows) == MOST_ROWS
    assert result.more == 5000 + 5 - MOST_ROWS
    assert result.rows[0].field == "volume_id"


def test_masked_values_are_not_compared():
    masked = ASKED | {"metadata": {"token": "***"}}
    original = compare(asked(masked), answer=answered({"metadata": {"token": "***"}}), seen=None)
    assert labels(original)["metadata token"] == "as asked"  # stars, and nothing struck out
    struck = asked(masked, body_sha256=str(uuid.uuid4()))
    result = compare(struck, answer=answered({"metadata": {"token": "other"}}), seen=None)
    assert labels(result)["metadata token"] == "hidden in the record, not compared"
    assert result.differing == 0
