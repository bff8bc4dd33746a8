"""Requests of people who lost the right to them before they were sent: cancelled by the portal."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.models import Operation, OperationState, OutcomeCode
from snapshots.operations.decisions import Decision, record_withdrawal
from snapshots.operations.kinds import kind_of
from snapshots.operations.transitions import Move, Outcome, write_unclaimed_move
from snapshots.rights.sending import facts_of_sender, lost_right


def withdrawal(operation: Operation, code: OutcomeCode, *, now: datetime) -> Decision:
    """What follows when a worker that would send it finds a right lost."""
    if operation.sent_at is not None:  # the cloud asked for another token, and executed nothing
        return Decision(move=Move(to=OperationState.QUEUED, due_at=now))
    return Decision(move=_move(operation, code), is_withdrawn=True)


def waiting_requests(people: Iterable[User]) -> QuerySet[Operation]:
    """What these people asked for and was not sent yet, oldest first."""
    waiting = Operation.objects.filter(state=OperationState.QUEUED, requester__in=list(people))
    return waiting.order_by("asked_at", "id")


def withdraw_requests(people: Iterable[User]) -> list[Operation]:
    """Cancel what these people may not ask for any more, and was not sent yet. Returns it.

    What a worker is about to send just now is not among it: the worker asks for itself.
    """

    def withdraw() -> list[Operation]:
        waiting = waiting_requests(people)
        lock_in_order(waiting)
        return [operation for operation in waiting if _withdraw(operation)]

    return in_transaction(withdraw)


def _withdraw(operation: Operation) -> bool:
    code = lost_right(facts_of_sender(operation, kind_of(operation).right))
    if code is None:
        return False
    done = write_unclaimed_move(operation, _move(operation, code), now=timezone.now())
    if done:
        record_withdrawal(operation, code)
    return done


def _move(operation: Operation, code: OutcomeCode) -> Move:
    outcome = Outcome(code=code, values={"person": operation.requester_name})
    return Move(to=OperationState.CANCELLED, outcome=outcome)
