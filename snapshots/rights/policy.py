"""What each role may do. Everything that is allowed to some people only asks here."""

from collections.abc import Mapping
from enum import StrEnum

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from snapshots.models.people import Role, standing_of, type_of_user


class Right(StrEnum):
    """Something that not everybody may do."""

    SEE_LISTS = "see_lists"
    SEE_ALL = "see_all"
    REQUEST = "request"
    REQUEST_FOR_OTHERS = "request_for_others"
    ROLL_BACK = "roll_back"
    RESTORE = "restore"
    CANCEL = "cancel"
    END_HANGING = "end_hanging"
    AUDIT = "audit"
    ADMINISTER = "administer"


ALL_ROLES = frozenset(Role)

POLICY: Mapping[Right, frozenset[Role]] = {
    # Requests, snapshots and volumes, as far as they are theirs to see.
    Right.SEE_LISTS: ALL_ROLES,
    # Those of everybody.
    Right.SEE_ALL: frozenset({Role.HELPDESK, Role.AUDITOR, Role.ADMINISTRATOR}),
    # Of the volumes that were granted to them.
    Right.REQUEST: frozenset({Role.STAFF, Role.HELPDESK}),
    # Of any volume, with a ticket and a name.
    Right.REQUEST_FOR_OTHERS: frozenset({Role.HELPDESK}),
    # A snapshot is put back onto its volume, whose data is lost by that.
    Right.ROLL_BACK: frozenset({Role.HELPDESK}),
    # A new volume is made, which costs money.
    Right.RESTORE: frozenset({Role.HELPDESK}),
    # What was not sent yet: staff their own, the others anybody's (`rights/requests.py`).
    Right.CANCEL: frozenset({Role.STAFF, Role.HELPDESK, Role.ADMINISTRATOR}),
    # What the cloud accepted and leaves unfinished. They are told of it.
    Right.END_HANGING: frozenset({Role.HELPDESK, Role.ADMINISTRATOR}),
    Right.AUDIT: frozenset({Role.AUDITOR}),
    # People, grants, the system's state, and what the portal cannot find out.
    Right.ADMINISTER: frozenset({Role.ADMINISTRATOR}),
}

# What a group may be given besides its members' roles.
PERMISSIONS: Mapping[Right, str] = {
    Right.ROLL_BACK: "snapshots.roll_back_volume",
    Right.RESTORE: "snapshots.restore_volume",
}


def administrators() -> QuerySet[User]:
    """Who may sign in and administer the portal."""
    role = Q(groups__name=Role.ADMINISTRATOR)
    return User.objects.filter(role | Q(is_superuser=True), is_active=True)


def may(user: type_of_user, right: Right) -> bool:
    """Whether the person has the right: by a role, or by a permission of a group. Nobody has any
    who is shut out.
    """
    standing = standing_of(user)
    is_by_role = bool(standing.roles & POLICY[right])
    return is_by_role or PERMISSIONS.get(right) in standing.permissions
