"""The state machine of operations: which state may follow which, and the only writers of a state.

A step decides a `Move`. `prepared_move` is written through the worker's claim,
`write_unclaimed_move` for people and for readings of many snapshots, which hold no claim.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypedDict

from django.db import transaction

from snapshots.jobs.claims import release, take_away, write
from snapshots.models import FINAL, Operation, OperationState, OutcomeCode
from snapshots.tallies import count_operation

ALLOWED: Mapping[OperationState, frozenset[OperationState]] = {
    OperationState.QUEUED: frozenset(
        {OperationState.QUEUED, OperationState.SENDING, OperationState.CANCELLED}
    ),
    OperationState.SENDING: frozenset(
        {
            OperationState.QUEUED,
            OperationState.UNKNOWN,
            OperationState.ACCEPTED,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
            OperationState.REFUSED,
            OperationState.CANCELLED,  # while nothing has left the portal
        }
    ),
    OperationState.UNKNOWN: frozenset(
        {
            OperationState.UNKNOWN,
            OperationState.ACCEPTED,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
            OperationState.NOT_CREATED,
        }
    ),
    OperationState.ACCEPTED: frozenset(
        {OperationState.ACCEPTED, OperationState.SUCCEEDED, OperationState.FAILED}
    ),
    **{state: frozenset() for state in FINAL},
}


class ForbiddenMoveError(Exception):
    """The state machine knows no such move: a fault in the code. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the cloud showed right before sending: the volume's status, and `mark`, by which the
    kind can tell later that the cloud has worked; "" for none.
    """

    status: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened, for people: a code, the values its sentence needs, what the cloud named."""

    code: OutcomeCode = OutcomeCode.NONE
    values: Mapping[str, str] = field(default_factory=dict)
    error_code: str = ""  # the cloud's own, of an error
    request_id: str = ""  # the cloud's, to quote to its support


NO_OUTCOME = Outcome()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How often the portal has tried or looked: what the next pause and the proof depend on."""

    fails: int = 0  # in a row
    failing_since: datetime | None = None  # the first of the failures that provably did nothing
    looks: int = 0  # that answered whether it is there
    waited_seconds: float = 0.0  # the pauses between those looks, added up


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a step decided about an operation: the only thing that changes its state.

    `due_at` is when a worker takes the next step; None: none does. An outcome or tries of None stay
    as they are.
    """

    to: OperationState
    due_at: datetime | None = None
    outcome: Outcome | None = None
    tries: Tries | None = None


class OperationColumns(TypedDict, total=False):
    """What a move writes."""

    state: OperationState
    state_at: datetime
    finished_at: datetime
    sent_at: datetime | None
    outcome_code: OutcomeCode
    outcome_values: dict[str, str]
    code: str
    request_id: str
    fails: int
    failing_since: datetime | None
    looks: int
    waited_seconds: float
    long_unknown: bool


def tries_of(operation: Operation) -> Tries:
    return Tries(
        fails=operation.fails,
        failing_since=operation.failing_since,
        looks=operation.looks,
        waited_seconds=operation.waited_seconds,
    )


def columns_of(move: Move, *, before: OperationState, now: datetime) -> OperationColumns:
    """The columns that the move writes. Raises `ForbiddenMoveError`."""
    if move.to not in ALLOWED[before]:
        raise ForbiddenMoveError(f"{before.value} may not become {move.to.value}.")
    columns = OperationColumns()
    if move.to is not before:
        columns["state"], columns["state_at"] = move.to, now
    if move.to in FINAL:
        columns["finished_at"] = now
    if move.to is OperationState.ACCEPTED and move.to is not before:
        columns["fails"] = 0  # of tries and looks; what is counted now is of readings
    if move.to is OperationState.QUEUED and before is OperationState.SENDING:
        columns["sent_at"] = None  # provably nothing was executed: it may be sent again
    if move.outcome is not None:
        columns["outcome_code"] = move.outcome.code
        columns["outcome_values"] = dict(move.outcome.values)
        columns["code"] = move.outcome.error_code[:80]
        columns["request_id"] = move.outcome.request_id[:120]
    if move.tries is not None:
        columns["fails"] = move.tries.fails
        columns["failing_since"] = move.tries.failing_since
        columns["looks"] = move.tries.looks
        columns["waited_seconds"] = move.tries.waited_seconds
    return columns


def prepared_move(operation: Operation, move: Move, *, now: datetime) -> Callable[[], None]:
    """What writes the move through the worker's claim, which ends with it, but on entering
    `sending`. Raises `ForbiddenMoveError`.

    The columns are made now, from the state before: a transaction that the database asks to repeat
    calls the result again, when the operation in memory already has its new state. Calling it
    raises `LostClaimError` when another worker holds the claim, and `IntegrityError` when another
    operation is on the volume; then nothing is written.
    """
    columns = _columns_for(operation, move, now)

    def write_it() -> None:
        if move.to is OperationState.SENDING:
            write(operation, columns)
        else:
            release(operation, due_at=move.due_at, columns=columns)
        _count_end(operation, move)

    return write_it


def write_unclaimed_move(operation: Operation, move: Move, *, now: datetime) -> bool:
    """Write the move unless the operation has left its state, and take away any worker's claim.

    False when it has left it: then nothing is written. Raises `ForbiddenMoveError`.
    """
    columns = _columns_for(operation, move, now)
    unmoved = Operation.objects.filter(pk=operation.pk, state=operation.state)
    if take_away(unmoved, due_at=move.due_at, columns=columns) != 1:
        return False
    _count_end(operation, move)
    return True


def _count_end(operation: Operation, move: Move) -> None:
    if move.to in FINAL:
        transaction.on_commit(partial(count_operation, kind=operation.kind, state=move.to.value))


def _columns_for(operation: Operation, move: Move, now: datetime) -> OperationColumns:
    if move.to is OperationState.CANCELLED and operation.sent_at is not None:
        raise ForbiddenMoveError("What was sent is not cancelled.")
    columns = columns_of(move, before=operation.status, now=now)
    if move.to is not operation.status and operation.is_long_unknown(now):
        columns["long_unknown"] = True
    return columns


def mark_as_sent(operation: Operation, *, start: Start | None, now: datetime) -> None:
    """Note that the first byte may leave now, and what the cloud showed before it. Raises
    `LostClaimError`.
    """
    status, mark = (start.status, start.mark) if start is not None else (None, "")
    write(operation, {"sent_at": now, "start_status": status, "start_mark": mark})
