"""Whether a request may still be sent: asked again at the moment when it would leave the portal."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q

from snapshots.database.transactions import share_in_order
from snapshots.models import Operation, OutcomeCode, VolumeGrant
from snapshots.rights.policy import Right, may


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
    """`right` is that of the operation's kind. Call it in the transaction that notes the sending.

    What the answer depends on stays as it is until that transaction ends: so a person is either
    shut out before, and nothing is sent, or it had left the portal when they were.
    """
    people = User.objects.filter(pk=operation.requester_id)
    memberships = User.groups.through.objects.filter(user_id=operation.requester_id)
    share_in_order(people)
    share_in_order(memberships)
    person = people.get()  # with nothing that was read before
    groups = memberships.values("group_id")
    grants = VolumeGrant.objects.filter(
        Q(volume_id="") | Q(volume_id=operation.volume_id),
        Q(user_id=person.pk) | Q(group_id__in=groups),
        cloud=operation.cloud,
    )
    return SenderFacts(
        is_active=person.is_active,
        may_request=may(person, Right.REQUEST),
        has_right_of_kind=may(person, right),
        may_use_volume=may(person, Right.REQUEST_FOR_OTHERS) or bool(share_in_order(grants)),
    )
