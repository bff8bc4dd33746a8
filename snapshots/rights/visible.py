"""What a person may see and use of each table. A list or a page that shows rows asks here."""

from collections.abc import Set as AbstractSet
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from snapshots.models import (
    Action,
    Anomaly,
    Entry,
    Exchange,
    GrantMatch,
    GrantScope,
    Operation,
    Snapshot,
    Volume,
    VolumeGrant,
)
from snapshots.rights.grants import granted, grants_of, is_granted
from snapshots.rights.policy import Right, may

Row = TypeVar("Row", bound=Model)


def operations_visible_to(user: User) -> QuerySet[Operation]:
    """Staff see their own; helpdesk, auditors and administrators see all; strangers none."""
    operations = Operation.objects.select_related("snapshot")
    if may(user, Right.SEE_ALL):
        return operations
    if may(user, Right.REQUEST):
        # Their own, and what the helpdesk asked again for them.
        return operations.filter(Q(requester=user) | Q(again_for__requester=user))
    return operations.none()


def snapshots_visible_to(user: User) -> QuerySet[Snapshot]:
    """Staff see those of the volumes they may use, and those that their own requests made;
    helpdesk, auditors and administrators see all; strangers none.
    """
    if may(user, Right.SEE_ALL):
        return Snapshot.objects.all()
    if not may(user, Right.REQUEST):
        return Snapshot.objects.none()
    own = Operation.objects.filter(Q(requester=user) | Q(again_for__requester=user))
    visible = Q(operation__in=own.values("pk"))
    grants = grants_of(user).order_by()
    scopes: dict[str, set[str]] = {}
    for cloud, scope in grants.values_list("cloud", "scope").distinct():
        scopes.setdefault(cloud, set()).add(scope)
    for cloud, of_cloud in scopes.items():
        visible |= _of_cloud(cloud, grants.filter(cloud=cloud), of_cloud)
    return Snapshot.objects.filter(visible)


def _of_cloud(cloud: str, grants: QuerySet[VolumeGrant], scopes: AbstractSet[str]) -> Q:
    """The snapshots of the volumes that these grants in a cloud cover. The table is not asked for
    scopes that nobody was given.
    """
    if GrantScope.CLOUD in scopes:
        return Q(cloud=cloud)
    covered = Q(pk__in=())
    if GrantScope.VOLUME in scopes:
        named = grants.filter(scope=GrantScope.VOLUME)
        covered |= Q(volume_id__in=named.values("volume_id"))
    if GrantScope.RULE in scopes:
        rules = grants.filter(scope=GrantScope.RULE).values("pk")
        matched = GrantMatch.objects.filter(grant__in=rules)
        covered |= Q(volume_id__in=matched.values("volume__volume_id"))
    return Q(cloud=cloud) & covered


def volumes_visible_to(user: User) -> QuerySet[Volume]:
    """Staff see the volumes they may use; helpdesk, auditors and administrators see all."""
    return all_volumes_visible_to(user).filter(gone_at__isnull=True)


def all_volumes_visible_to(user: User) -> QuerySet[Volume]:
    """With those that the cloud no longer lists: their snapshots may still be there."""
    volumes = Volume.objects.all()
    if may(user, Right.SEE_ALL):
        return volumes
    return granted(volumes, user) if may(user, Right.REQUEST) else volumes.none()


def volumes_usable_by(user: User) -> QuerySet[Volume]:
    """The volumes a person may ask a snapshot of, in any status."""
    volumes = Volume.objects.filter(gone_at__isnull=True)
    if may(user, Right.REQUEST_FOR_OTHERS):
        return volumes
    return granted(volumes, user) if may(user, Right.REQUEST) else volumes.none()


def exchanges_visible_to(user: User) -> QuerySet[Exchange]:
    """Every exchange for auditors, none for anybody else."""
    exchanges = Exchange.objects.select_related("answer", "operation")
    return exchanges if may(user, Right.AUDIT) else exchanges.none()


def actions_visible_to(user: User) -> QuerySet[Action]:
    """Every action for auditors, none for anybody else."""
    actions = Action.objects.select_related("operation")
    return actions if may(user, Right.AUDIT) else actions.none()


def anomalies_visible_to(user: User) -> QuerySet[Anomaly]:
    """What should never happen and did, newest first; for auditors."""
    anomalies = Anomaly.objects.select_related("operation")
    return anomalies if may(user, Right.AUDIT) else anomalies.none()


def entries_visible_to(user: User) -> QuerySet[Entry]:
    """What a search of the audit trail goes through: all for auditors, none for anybody else."""
    return Entry.objects.all() if may(user, Right.AUDIT) else Entry.objects.none()


def people_visible_to(user: User) -> QuerySet[User]:
    """Everybody for administrators; superusers for superusers alone. None for anybody else."""
    if not may(user, Right.ADMINISTER):
        return User.objects.none()
    return User.objects.all() if user.is_superuser else User.objects.filter(is_superuser=False)


def grants_visible_to(user: User) -> QuerySet[VolumeGrant]:
    """Of groups and of the people whom an administrator sees, ended ones too; else none."""
    grants = VolumeGrant.objects.select_related("user", "group")
    if not may(user, Right.ADMINISTER):
        return grants.none()
    return grants.filter(Q(user=None) | Q(user__in=people_visible_to(user)))


def may_use(volume: Volume, user: User) -> bool:
    """Whether somebody who sees the volume may ask for snapshots of it."""
    if volume.gone_at is not None or not may(user, Right.REQUEST):
        return False
    # Staff who have no other role see only what was granted to them.
    is_plain_staff = not may(user, Right.SEE_ALL)
    return may(user, Right.REQUEST_FOR_OTHERS) or is_plain_staff or is_granted(volume, user)
