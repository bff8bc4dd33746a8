"""The steps of an operation, in people's words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from snapshots.models import Operation, OperationState


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened (`at`), happens now (`now`), or is still to come."""

    words: str
    at: datetime | None = None
    since_before: timedelta | None = None
    tone: str = "quiet"
    now: bool = False


_NOW = {
    OperationState.QUEUED: "Waiting to be sent",
    OperationState.SENDING: "Being sent",
    OperationState.UNKNOWN: "Looking for it in the cloud",
    OperationState.ACCEPTED: "The cloud is making it",
}
_END = {
    OperationState.SUCCEEDED: "Available",
    OperationState.FAILED: "Failed in the cloud",
    OperationState.REFUSED: "Refused by the cloud",
    OperationState.NOT_CREATED: "Not created",
    OperationState.CANCELLED: "Cancelled",
}


def _end(operation: Operation, accepted_at: datetime | None) -> str:
    # Its answer may be in an archive; what the cloud made of it is still here.
    reached = accepted_at is not None or hasattr(operation, "snapshot")
    if operation.status is OperationState.FAILED and not reached:
        return "Given up"
    return _END.get(operation.status, "")


def timeline_of(operation: Operation, *, accepted_at: datetime | None) -> list[Step]:
    """From the click to the end, or to what is going on and what is to come."""
    state = operation.status
    done: list[tuple[str, datetime | None, str]] = [
        ("Asked", operation.asked_at, "good"),
        ("Sent to the cloud", operation.sent_at, "good"),
        ("Accepted by the cloud", accepted_at, "good"),
        (_end(operation, accepted_at), operation.finished_at, state.tone),
    ]
    steps: list[Step] = []
    for words, at, tone in done:
        if at is not None and words:
            before = steps[-1].at if steps else None
            steps.append(Step(words, at, at - before if before else None, tone))
    if not operation.is_final:
        steps.append(Step(_NOW[state], tone=state.tone, now=True))
        steps.append(Step("Available"))
    return steps
