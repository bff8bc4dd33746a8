"""Whether a request may still be sent: asked again at the moment when it would leave the portal."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, User

from snapshots.database.transactions import share_in_order, share_rows
from snapshots.models import GrantScope, Operation, OutcomeCode, Volume
from snapshots.rights.grants import grants_of, naming
from snapshots.rights.policy import Right, may
from snapshots.rights.rules import Rule, VolumeFacts


class RightLostError(Exception):
    """The person who asked may not have it sent any more. Nothing has left the portal."""

    def __init__(self, code: OutcomeCode) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderFacts:
    """What the person who asked may do by now."""

    is_active: bool
    may_request: bool
    has_right_of_kind: bool
    may_use_volume: bool


def lost_right(facts: SenderFacts) -> OutcomeCode | None:
    """Which right the person has lost since they asked; None: it may be sent."""
    rights = (
        (facts.is_active, OutcomeCode.SHUT_OUT),
        (facts.may_request, OutcomeCode.ROLE_LOST),
        (facts.may_use_volume, OutcomeCode.GRANT_LOST),
        (facts.has_right_of_kind, OutcomeCode.RIGHT_LOST),
    )
    return next((code for is_there, code in rights if not is_there), None)


def facts_of_sender(operation: Operation, right: Right) -> SenderFacts:
    """`right` is that of the operation's kind.

    Within a transaction, what the answer rests on stays as it is until the transaction ends. So a
    person is either shut out before a sending is noted, and nothing is sent, or it had left the
    portal when they were.
    """
    people = User.objects.filter(pk=operation.requester_id)
    share_rows(people)
    person = people.get()  # with nothing that was read before
    memberships = User.groups.through.objects.filter(user=person)
    share_rows(memberships)
    groups = memberships.values("group_id")
    share_rows(Group.objects.filter(pk__in=groups))  # a role is a group's name
    share_rows(Group.permissions.through.objects.filter(group_id__in=groups))
    share_rows(User.user_permissions.through.objects.filter(user=person))
    return SenderFacts(
        is_active=person.is_active,
        may_request=may(person, Right.REQUEST),
        has_right_of_kind=may(person, right),
        may_use_volume=may(person, Right.REQUEST_FOR_OTHERS) or _is_granted(operation, person),
    )


def _is_granted(operation: Operation, person: User) -> bool:
    """By the rules themselves, not by the table of what they matched.

    What a rule asks of the volume is as it was read last. A reading that is stored at this moment
    is not waited for: nobody has taken anything from the person by that.
    """
    grants = grants_of(person)
    if share_in_order(grants.filter(naming(operation.cloud, operation.volume_id))):
        return True
    rules = grants.filter(scope=GrantScope.RULE, cloud=operation.cloud)
    if not share_in_order(rules):
        return False
    volumes = Volume.objects.filter(cloud=operation.cloud, volume_id=operation.volume_id)
    facts = [VolumeFacts.of(volume) for volume in volumes]
    return any(Rule.of(grant).covers(volume) for volume in facts for grant in rules)


def check_sender(operation: Operation, right: Right) -> None:
    """Raises `RightLostError`."""
    if code := lost_right(facts_of_sender(operation, right)):
        raise RightLostError(code)
