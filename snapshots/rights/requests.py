"""Who may do what with a request that was asked for."""

from django.contrib.auth.models import User

from snapshots.models import Operation
from snapshots.rights.policy import Right, may


def has_share(person: User, operation: Operation) -> bool:
    """Whether they may ask for it again: who asked for it, and the helpdesk."""
    is_own = operation.requester_id == person.pk and may(person, Right.REQUEST)
    return is_own or may(person, Right.REQUEST_FOR_OTHERS)


def may_cancel(person: User, operation: Operation) -> bool:
    """Whether they may cancel it while it waits: administrators may, whosever it is."""
    is_theirs = has_share(person, operation) or may(person, Right.ADMINISTER)
    return may(person, Right.CANCEL) and is_theirs
