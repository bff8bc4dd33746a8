"""Giving grants of volumes and ending them, with what waits for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.models import RULE_COLUMNS, GrantScope, Operation, VolumeGrant
from snapshots.operations.withdrawing import hold_people, withdraw_requests
from snapshots.rights.matches import matching_together


@dataclass(frozen=True, slots=True)
class Given:
    """How many grants are new, got another end, and were there just so before. And the requests
    that waited for a right that is over, and were cancelled.
    """

    new: int
    changed: int
    unchanged: int
    withdrawn: list[Operation]


def give_grants(grants: Sequence[VolumeGrant]) -> Given:
    """Store these grants, all or none. One that is there already gets the end of the new one.

    Raises `IntegrityError` for a grant that says nothing, or nobody.
    """

    def give() -> Given:
        people = holders_of(grants)
        hold_people(people)
        with matching_together():
            outcomes = [_give(grant) for grant in grants]
        return Given(
            new=outcomes.count("new"),
            changed=outcomes.count("changed"),
            unchanged=outcomes.count("unchanged"),
            withdrawn=withdraw_requests(people),  # a right may have passed by itself
        )

    return in_transaction(give)


def _give(grant: VolumeGrant) -> str:
    before = the_same_as(grant).first()
    if before is None:
        grant.pk = None  # the transaction may be repeated
        grant.save(force_insert=True)
        return "new"
    if before.until == grant.until:
        return "unchanged"
    before.until = grant.until
    before.save()
    return "changed"


def the_same_as(grant: VolumeGrant) -> QuerySet[VolumeGrant]:
    """The stored grant of the same to the same, whenever it ends or ended."""
    holder = Q(user=grant.user_id, group=grant.group_id)
    covered = Q(cloud=grant.cloud, scope=grant.scope)
    if grant.scope == GrantScope.RULE:
        covered &= Q(**{name: getattr(grant, name) for name in RULE_COLUMNS})
    else:
        covered &= Q(volume_id=grant.volume_id)
    return VolumeGrant.objects.filter(holder, covered).order_by("pk")


def end_grant(grant: VolumeGrant) -> list[Operation]:
    """End a grant now. Returns the requests that waited for it and were cancelled."""

    def end() -> list[Operation]:
        people = holders_of([grant])
        hold_people(people)
        lock_rows(VolumeGrant.objects.filter(pk=grant.pk))
        stored = VolumeGrant.objects.get(pk=grant.pk)
        if not stored.has_ended():
            stored.until = timezone.now()
            stored.save()
        return withdraw_requests(people)

    return in_transaction(end)


def holders_of(grants: Iterable[VolumeGrant]) -> list[User]:
    """The people who have something by these grants, alone or in a group."""
    users = [grant.user_id for grant in grants if grant.user_id is not None]
    groups = [grant.group_id for grant in grants if grant.group_id is not None]
    people = User.objects.filter(Q(pk__in=users) | Q(groups__in=groups))
    return list(people.distinct().order_by("pk"))
