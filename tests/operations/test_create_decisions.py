"""What follows from the facts about a snapshot, row by row, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from snapshots.evs.types import CloudSnapshot, snapshot_from
from snapshots.models import (
    MARKER,
    AnomalyKind,
    AnomalyMessage,
    OperationState,
    OutcomeCode,
    Snapshot,
)
from snapshots.operations.decisions import Absent, Decision, Unclear, _store_facts
from snapshots.operations.kinds.create import ReadingFacts, adopted, decide_reading
from snapshots.operations.kinds.create_facts import Candidate, Facts, SnapshotFound, decide
from snapshots.operations.outcomes import Meaning, Verdict
from snapshots.operations.perform import ErrorFacts, move_after_error
from snapshots.operations.settle import decision_after
from snapshots.operations.transitions import Outcome, Tries
from tests import factories

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def snapshot(number=1, status="creating", **fields) -> CloudSnapshot:
    row = {"id": f"s-{number}", "volume_id": "v", "status": status, "size": 1, "name": "n"}
    return snapshot_from(row | {"created_at": "2026-11-28T12:00:00.0", "metadata": {}} | fields)


FIRST, SECOND = Candidate(snapshot(1), None), Candidate(snapshot(2), None)
WRONG = Candidate(snapshot(3), AnomalyKind.OTHER_VOLUME)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), Absent()),
        (Facts(keeps_metadata=False), Absent()),
        (Facts(marked=(FIRST,)), SnapshotFound(FIRST.snapshot, bears_mark=True)),
        (Facts(marked=(FIRST, SECOND)), AnomalyKind.SEVERAL_MARKED),
        (Facts(marked=(WRONG,)), AnomalyKind.OTHER_VOLUME),
        (
            Facts(marked=(FIRST,), unreadable_ids=("x",)),
            SnapshotFound(FIRST.snapshot, bears_mark=True),
        ),
        (Facts(unreadable_ids=("x",)), AnomalyKind.UNREADABLE),
        (Facts(unreadable_ids=("",), alike=(FIRST,)), AnomalyKind.UNREADABLE),
        (
            Facts(alike=(FIRST,), keeps_metadata=False),
            SnapshotFound(FIRST.snapshot, bears_mark=False),
        ),
        (Facts(alike=(FIRST, SECOND), keeps_metadata=False), AnomalyKind.SEVERAL_ALIKE),
        (Facts(alike=(WRONG,), keeps_metadata=False), AnomalyKind.OTHER_VOLUME),
        (Facts(alike=(FIRST,), keeps_metadata=True), Absent()),
        (Facts(alike=(FIRST,), keeps_metadata=None), Absent()),
        (Facts(alike=(FIRST,), perhaps_ours=(FIRST,)), AnomalyKind.UNMARKED),
        (
            Facts(alike=(FIRST,), perhaps_ours=(FIRST,), keeps_metadata=False, is_dated=False),
            AnomalyKind.UNMARKED,
        ),
        (Facts(alike=(FIRST,), keeps_metadata=False, is_dated=False), Absent()),
    ],
)
def test_a_list_is_judged_by_its_facts(facts, expected):
    finding = decide(facts)
    if isinstance(expected, AnomalyKind):
        assert isinstance(finding, Unclear)
        assert finding.anomaly is expected
    else:
        assert finding == expected


def reading(**facts) -> Decision:
    return decide_reading(ReadingFacts(watched_id="s-1", **{"snapshot": snapshot()} | facts))


@pytest.mark.parametrize(
    ("facts", "state", "outcome"),
    [
        ({}, None, None),
        ({"has_outcome": True}, "accepted", OutcomeCode.NONE),
        ({"snapshot": snapshot(status="Available")}, "succeeded", OutcomeCode.READY),
        ({"snapshot": snapshot(status="error_deleting")}, "failed", OutcomeCode.UNUSABLE),
        ({"snapshot": snapshot(status="never seen")}, None, None),
        ({"contradiction": AnomalyKind.OTHER_VOLUME}, "accepted", OutcomeCode.IN_DOUBT),
        ({"marked": (snapshot(2),), "marked_fits": False}, "accepted", OutcomeCode.IN_DOUBT),
        ({"marked": (snapshot(1),), "bears_mark": True}, None, None),
        ({"snapshot": None}, None, None),
        ({"snapshot": None, "missed": 2}, "failed", OutcomeCode.GONE),
        ({"snapshot": None, "missed": 2, "may_still_come": True}, None, None),
        ({"snapshot": None, "answered_with_another": True}, "accepted", OutcomeCode.IN_DOUBT),
        (
            {"snapshot": None, "missed": 2, "marked": (snapshot(2, status="available"),)}
            | {"marked_fits": True},
            "succeeded",
            OutcomeCode.READY,
        ),
    ],
)
def test_a_reading_is_judged_by_its_facts(facts, state, outcome):
    move = reading(**facts).move
    assert (move and move.to.value, move and move.outcome.code) == (state, outcome)


def test_the_marked_snapshot_replaces_the_named_one():
    decision = reading(marked=(snapshot(2),), marked_fits=True)
    assert decision.snapshot.id == "s-2"
    assert decision.anomaly.message is AnomalyMessage.MARK_WATCHED


def test_first_reading_tells_whether_metadata_is_kept():
    assert reading(is_first=True).keeps_metadata is False
    assert reading(is_first=True, snapshot=snapshot(metadata={MARKER: "x"})).keeps_metadata is True
    assert reading().keeps_metadata is None


def test_missing_reading_is_counted_and_nothing_else():
    assert reading(snapshot=None, missed=1) == Decision(missed=1)


def test_finished_snapshot_is_adopted_and_done_at_once():
    decision = adopted(snapshot(status="available"))
    assert decision.move.to is OperationState.SUCCEEDED
    assert decision.keeps_metadata is False


REFUSE, RETRY, WAIT, UNKNOWN = Verdict.REFUSE, Verdict.RETRY, Verdict.WAIT, Verdict.UNKNOWN
EARLIER = NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("verdict", "overdue", "state", "fails", "since"),
    [
        (REFUSE, False, "refused", None, None),
        (UNKNOWN, False, "unknown", 0, EARLIER),
        (RETRY, False, "queued", 4, EARLIER),
        (RETRY, True, "failed", None, None),
        (WAIT, False, "queued", 4, None),
        (WAIT, True, "queued", 4, None),
    ],
)
def test_an_error_is_judged_by_its_meaning(verdict, overdue, state, fails, since):
    facts = ErrorFacts(
        meaning=Meaning(verdict, OutcomeCode.BUSY),
        outcome=Outcome(code=OutcomeCode.BUSY),
        tries=Tries(fails=3, failing_since=EARLIER),
        is_overdue=overdue,
        pause=timedelta(seconds=7),
    )
    move = move_after_error(facts, now=NOW)
    assert move.to.value == state
    if fails is not None:
        assert (move.tries.fails, move.tries.failing_since) == (fails, since)
    if state == "queued":
        assert move.due_at == NOW + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("looks", "waited", "state"),
    [(0, 0.0, "unknown"), (2, 1.0, "unknown"), (1, 1e6, "unknown"), (2, 1e6, "not_created")],
)
def test_absence_is_proof_after_looks_and_time(settings, looks, waited, state):
    settings.EVSPORTAL_SETTLE_SECONDS = 4
    decision = decision_after(Absent(), Tries(looks=looks), waited=waited, now=NOW)
    assert decision.move.to.value == state
    assert decision.move.tries.looks == looks + 1


@pytest.mark.parametrize(("fails", "is_told"), [(0, False), (3, False), (4, True)])
def test_unreadable_rows_are_told_after_five_looks(fails, is_told):
    unclear = Unclear(
        anomaly=AnomalyKind.UNREADABLE,
        outcome=OutcomeCode.UNREADABLE,
        snapshot_ids=("s-9",),
        is_readable=False,
    )
    decision = decision_after(unclear, Tries(fails=fails), waited=0.0, now=NOW)
    assert (decision.anomaly is not None) is is_told
    assert decision.move.tries.fails == fails + 1


@pytest.mark.django_db
def test_repeated_transaction_stores_the_snapshot_once(settings):
    person = factories.person("alice")
    operation = factories.operation(person, factories.volume(), state="sending", owner="w")
    with pytest.raises(RuntimeError), transaction.atomic():
        _store_facts(operation, adopted(snapshot()), NOW)
        raise RuntimeError  # as when the database asks to repeat
    _store_facts(operation, adopted(snapshot()), NOW)
    assert [row.snapshot_id for row in Snapshot.objects.filter(operation=operation)] == ["s-1"]
