"""What the questions need to know of the moment when somebody asks: it is written down then."""

from django.conf import settings

from snapshots.models import FORCE_STATUSES, Operation, Role, roles_of, status_word
from snapshots.models.folding import fold
from snapshots.questions.hours import read_hours


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


def _is_for_nobody_else(operation: Operation) -> bool:
    """A request that is asked again is for the same person as the first one."""
    first: Operation | None = operation
    while first is not None:
        name = first.on_behalf_of.strip() or first.requester_name
        if fold(name) != fold(operation.requester_name):
            return False
        first = None if first.on_behalf_of else first.again_for
    return True
