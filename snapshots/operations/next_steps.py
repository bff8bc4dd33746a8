"""What helps a person whose request did not come to a good end, by the reason."""

from enum import Enum

from snapshots.models import Operation, OperationState, OutcomeCode
from snapshots.operations.messages import fixer_of
from snapshots.operations.texts import Fixer


class NextStep(Enum):
    """The first thing to do. Asking for the same stays possible with each."""

    ASK_AGAIN = "again"
    CHANGE = "change"  # the same would be refused again
    MAKE_ROOM = "room"
    LEAVE_TO_OTHERS = "others"  # nothing the person does helps


_BY_OUTCOME = {
    OutcomeCode.BAD_DESCRIPTION: NextStep.CHANGE,
    OutcomeCode.BAD_NAME: NextStep.CHANGE,
    OutcomeCode.BAD_TAG: NextStep.CHANGE,
    OutcomeCode.BAD_VOLUME_ID: NextStep.CHANGE,
    OutcomeCode.DISASTER_RECOVERY: NextStep.LEAVE_TO_OTHERS,
    OutcomeCode.NOT_AN_EVS_DISK: NextStep.LEAVE_TO_OTHERS,
    OutcomeCode.QUOTA_USED_UP: NextStep.MAKE_ROOM,
    OutcomeCode.TEMPORARY_DISK: NextStep.LEAVE_TO_OTHERS,
    OutcomeCode.VOLUME_GONE: NextStep.LEAVE_TO_OTHERS,
    OutcomeCode.VOLUME_STATE: NextStep.CHANGE,
}


def next_step_of(operation: Operation) -> NextStep | None:
    """None: it did well, or is not over."""
    if not operation.can_be_asked_again:
        return None
    if operation.status is not OperationState.REFUSED:
        return NextStep.ASK_AGAIN
    if operation.outcome in _BY_OUTCOME:
        return _BY_OUTCOME[operation.outcome]
    is_for_others = fixer_of(operation) in {Fixer.CLOUD_ADMIN, Fixer.PORTAL_ADMIN}
    return NextStep.LEAVE_TO_OTHERS if is_for_others else NextStep.ASK_AGAIN
