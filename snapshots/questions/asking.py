"""What the questions need to know of the moment when somebody asks: it is written down then."""

from datetime import timedelta

from django.conf import settings

from snapshots.models import (
    FORCE_STATUSES,
    Operation,
    OperationKind,
    Role,
    Snapshot,
    roles_of,
    status_word,
)
from snapshots.models.folding import fold
from snapshots.questions.hours import read_hours

YOUNG = timedelta(days=1)


def note_circumstances(operation: Operation, *, volume_status: str, is_own_volume: bool) -> None:
    """Set the columns of a new operation that the questions read. Nothing is saved.

    `volume_status`: as the portal last read it; an empty one counts as in use.
    `is_own_volume`: whether the volume is granted to the requester.
    """
    was_in_use = not volume_status or status_word(volume_status) in FORCE_STATUSES
    # Only the helpdesk's form has a field for whom it is.
    is_by_helpdesk = Role.HELPDESK in roles_of(operation.requester) or bool(operation.on_behalf_of)
    hours = read_hours(settings.EVSPORTAL_WORKING_HOURS)
    operation.forced_in_use = operation.force and not operation.ticket.strip() and was_in_use
    operation.for_own_volume = is_by_helpdesk and (is_own_volume or _is_for_nobody_else(operation))
    operation.out_of_hours = not hours.has(operation.asked_at)
    if operation.kind == OperationKind.DELETE and operation.target_snapshot is not None:
        operation.deletes_young = _is_young(operation, operation.target_snapshot)
        operation.deletes_others = _is_of_somebody_else(operation, operation.target_snapshot)


def _is_for_nobody_else(operation: Operation) -> bool:
    """A request that is asked again is for the same person as the first one."""
    first: Operation | None = operation
    while first is not None:
        name = first.on_behalf_of.strip() or first.requester_name
        if fold(name) != fold(operation.requester_name):
            return False
        first = None if first.on_behalf_of else first.again_for
    return True


def _is_young(operation: Operation, snapshot: Snapshot) -> bool:
    """By the cloud's clock, or since it was first read where the cloud does not tell."""
    return operation.asked_at - (snapshot.created_at or snapshot.listed_at) < YOUNG


def _is_of_somebody_else(operation: Operation, snapshot: Snapshot) -> bool:
    """Whether the requester of a deletion neither asked for the snapshot nor had it asked for. What
    no request made has no requester.
    """
    made_by = snapshot.operation
    if made_by is None:
        return False
    while made_by is not None:
        names = {fold(made_by.requester_name), fold(made_by.on_behalf_of)}
        is_own = made_by.requester_id == operation.requester_id
        if is_own or fold(operation.requester_name) in names:
            return False
        made_by = made_by.again_for
    return True
