"""The state machine: which state may follow which, and what a move writes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from snapshots.models import BUSY, FINAL, OPEN, Operation, OperationState, OutcomeCode
from snapshots.operations import transitions
from snapshots.operations.transitions import (
    ALLOWED,
    ForbiddenMoveError,
    Move,
    Outcome,
    Tries,
    columns_of,
    prepared_move,
)
from tests import factories

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ALL_MOVES = [(before, after) for before in OperationState for after in OperationState]


def test_every_state_has_a_row():
    assert set(ALLOWED) == set(OperationState)


def test_final_states_lead_nowhere():
    assert {state for state, followers in ALLOWED.items() if not followers} == FINAL


def test_every_state_is_reached_from_queued():
    reached, pending = {OperationState.QUEUED}, [OperationState.QUEUED]
    while pending:
        followers = ALLOWED[pending.pop()] - reached
        reached |= followers
        pending += followers
    assert reached == set(OperationState)


def test_nothing_sent_returns_unproven_to_the_queue():
    before_queue = {state for state, followers in ALLOWED.items() if "queued" in followers}
    assert before_queue == {OperationState.QUEUED, OperationState.SENDING}
    assert BUSY < OPEN


@pytest.mark.parametrize(("before", "after"), ALL_MOVES)
def test_a_move_outside_the_table_is_refused(before, after):
    move = Move(to=after)
    if after in ALLOWED[before]:
        assert set(columns_of(move, before=before, now=NOW)) <= {
            "state",
            "state_at",
            "finished_at",
            "sent_at",
            "fails",
        }
    else:
        with pytest.raises(ForbiddenMoveError, match=before.value):
            columns_of(move, before=before, now=NOW)


def test_staying_in_a_state_keeps_its_time():
    move = Move(to=OperationState.UNKNOWN)
    assert columns_of(move, before=OperationState.UNKNOWN, now=NOW) == {}


def test_final_move_writes_end_and_outcome():
    outcome = Outcome(code=OutcomeCode.REFUSED, error_code="E" * 100, request_id="r" * 200)
    move = Move(to=OperationState.REFUSED, outcome=outcome, tries=Tries(fails=2))
    columns = columns_of(move, before=OperationState.SENDING, now=NOW)
    assert (columns["finished_at"], columns["state_at"]) == (NOW, NOW)
    assert (columns["code"], columns["request_id"]) == ("E" * 80, "r" * 120)
    assert columns["fails"] == 2


def test_failed_tries_are_not_counted_as_readings():
    move = Move(to=OperationState.ACCEPTED)
    assert columns_of(move, before=OperationState.SENDING, now=NOW)["fails"] == 0
    assert "fails" not in columns_of(move, before=OperationState.ACCEPTED, now=NOW)


def test_back_to_queue_may_be_sent_again():
    columns = columns_of(Move(to=OperationState.QUEUED), before=OperationState.SENDING, now=NOW)
    assert columns["sent_at"] is None


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (Operation, transitions.OperationColumns),
    ],
)
def test_written_columns_are_fields(model, columns):
    fields = {field.name for field in model._meta.get_fields()}
    assert set(columns.__annotations__) <= fields


def test_the_document_has_the_same_table():
    text = Path("docs/architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]+\|([^|]*)\|$", text, re.MULTILINE))
    documented = {state: set(re.findall(r"`(\w+)`", cell)) for state, cell in rows.items()}
    expected = {
        state.value: {after.value for after in followers - {state}}
        for state, followers in ALLOWED.items()
    }
    assert documented == expected


@pytest.mark.django_db
def test_repeated_transaction_writes_the_whole_move():
    person = factories.person("alice")
    operation = factories.operation(person, factories.volume(), state="sending", owner="w")
    write = prepared_move(operation, Move(to=OperationState.UNKNOWN), now=NOW)
    with pytest.raises(RuntimeError), transaction.atomic():
        write()
        raise RuntimeError  # as when the database asks to repeat
    write()
    operation.refresh_from_db()
    assert (operation.state, operation.state_at, operation.owner) == ("unknown", NOW, "")
