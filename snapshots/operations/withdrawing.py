"""Requests of people who lost the right to them before they were sent: cancelled by the portal."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.models import GrantScope, Operation, OperationState, OutcomeCode, VolumeGrant
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
    waiting = Operation.objects.filter(
        state=OperationState.QUEUED, sent_at__isnull=True, requester__in=list(people)
    )
    return waiting.order_by("asked_at", "id")


def hold_people(people: Iterable[User]) -> None:
    """Lock these people until the transaction ends. Who takes a grant or a permission calls this
    first: everybody locks people before what was given to them.
    """
    lock_rows(User.objects.filter(pk__in=[person.pk for person in people]))


def withdraw_requests(people: Iterable[User]) -> list[Operation]:
    """Cancel what these people may not ask for any more, and was not sent yet. Returns it.

    What a worker is about to send just now is not among it, and what an earlier try may have done
    something to: the worker asks for itself.
    """
    people = list(people)

    def withdraw() -> list[Operation]:
        hold_people(people)
        waiting = waiting_requests(people).filter(start_status__isnull=True)
        lock_rows(waiting)
        lost: dict[tuple[object, ...], OutcomeCode | None] = {}
        return [operation for operation in waiting if _withdraw(operation, lost)]

    return in_transaction(withdraw)


def withdraw_passed_requests() -> list[Operation]:
    """Cancel what waits for a right that has passed by itself: a grant came to its end, or a volume
    matches its rule no more. Returns it.
    """
    waiting = Operation.objects.filter(state=OperationState.QUEUED).values("requester")
    passing = VolumeGrant.objects.filter(Q(scope=GrantScope.RULE) | Q(until__isnull=False))
    holds_one = Q(volume_grants__in=passing) | Q(groups__volume_grants__in=passing)
    people = User.objects.filter(holds_one, pk__in=waiting).distinct().order_by("pk")
    return [operation for person in people for operation in withdraw_requests([person])]


def _withdraw(operation: Operation, lost: dict[tuple[object, ...], OutcomeCode | None]) -> bool:
    """`lost` remembers the answers: most requests of a person need the same rights."""
    right = kind_of(operation).right
    needed = operation.requester_id, operation.cloud, operation.volume_id, right
    if needed not in lost:
        lost[needed] = lost_right(facts_of_sender(operation, right))
    code = lost[needed]
    if code is None:
        return False
    done = write_unclaimed_move(operation, _move(operation, code), now=timezone.now())
    if done:
        record_withdrawal(operation, code)
    return done


def _move(operation: Operation, code: OutcomeCode) -> Move:
    outcome = Outcome(code=code, values={"person": operation.requester_name})
    return Move(to=OperationState.CANCELLED, outcome=outcome)
