"""Cancelling what was not sent yet, and ending what the portal alone cannot."""

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.utils import timezone

from snapshots.audit.record import actions
from snapshots.database.transactions import in_transaction
from snapshots.models import ActionCode, Operation, OperationState, OutcomeCode
from snapshots.operations.refusals import Refusal, refused
from snapshots.operations.transitions import Move, Outcome, write_unclaimed_move
from snapshots.rights.policy import Right, may
from snapshots.rights.requests import may_cancel
from snapshots.selectors.hanging import may_end
from snapshots.selectors.operations import is_stuck


def cancel_operation(*, operation: Operation, person: User) -> bool:
    """Cancel an operation that was not sent yet; False when it is too late.

    Raises `NotAllowedError` for somebody else's operation, unless the helpdesk or an administrator
    does it.
    """
    if not may_cancel(person, operation):
        raise refused(ActionCode.OPERATION_CANCEL_REFUSED, operation, person, Refusal.NOT_YOURS)
    outcome = Outcome(code=OutcomeCode.CANCELLED, values={"person": person.get_username()})
    move = Move(to=OperationState.CANCELLED, outcome=outcome)

    def cancel() -> bool:
        # A worker may hold it already, a moment from sending: its claim is taken away.
        done = operation.can_be_cancelled and write_unclaimed_move(
            operation, move, now=timezone.now()
        )
        code = ActionCode.OPERATION_CANCELLED if done else ActionCode.OPERATION_CANCEL_REFUSED
        _record(code, operation, person, {} if done else {"why": Refusal.ALREADY_SENT.value})
        return done

    return in_transaction(cancel)


def end_operation(*, operation: Operation, person: User, why: str) -> bool:
    """Somebody has looked in the cloud and ends what the portal cannot: it counts as failed, and
    its volume is free for the next. False when it has ended by itself. The cloud may still finish
    it: the mirror goes on showing what is there.

    Raises `NotAllowedError` for anybody else than `may_end` says.
    """
    if not may_end(person, operation):
        is_for_administrators = is_stuck(operation) or not may(person, Right.END_HANGING)
        refusal = Refusal.NOT_ADMINISTRATOR if is_for_administrators else Refusal.NOT_STUCK
        raise refused(ActionCode.OPERATION_END_REFUSED, operation, person, refusal)
    values = {"person": person.get_username(), "why": why}
    outcome = Outcome(code=OutcomeCode.ENDED, values=values)
    move = Move(to=OperationState.FAILED, outcome=outcome)

    def end() -> bool:
        # A worker may be looking for it: its claim is taken away.
        done = write_unclaimed_move(operation, move, now=timezone.now())
        code = ActionCode.OPERATION_ENDED if done else ActionCode.OPERATION_END_REFUSED
        _record(code, operation, person, {"why": why if done else Refusal.HAS_ENDED.value})
        return done

    return in_transaction(end)


def _record(
    code: ActionCode, operation: Operation, person: User, details: Mapping[str, str]
) -> None:
    actions.record(
        code, actor=person, operation=operation, subject=str(operation.pk), details=dict(details)
    )
