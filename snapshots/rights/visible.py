"""What a person may see and use of each table. A list or a page that shows rows asks here."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from snapshots.models import (
    Action,
    Anomaly,
    Entry,
    Exchange,
    GrantScope,
    Operation,
    Snapshot,
    Volume,
    VolumeGrant,
)
from snapshots.rights.grants import granted, is_granted, matched, named, scopes_of
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
    for cloud, scopes in scopes_of(user).items():
        visible |= Q(cloud=cloud) & _of_cloud(cloud, scopes, user)
    return Snapshot.objects.filter(visible)


def _of_cloud(cloud: str, scopes: Counter[str], user: User) -> Q:
    """The snapshots of the volumes that a person's grants cover in a cloud."""
    if scopes[GrantScope.CLOUD]:
        return Q()
    covered = Q(pk__in=())
    if scopes[GrantScope.VOLUME]:
        covered |= Q(volume_id__in=named(cloud, user))
    if scopes[GrantScope.RULE]:
        volumes = Volume.objects.filter(matched(cloud, scopes[GrantScope.RULE], user), cloud=cloud)
        covered |= Q(volume_id__in=volumes.values("volume_id"))
    return covered


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


def usable_among(volumes: Sequence[Volume], user: User) -> set[int]:
    """The keys of those that a person may ask a snapshot of, of present volumes that they see."""
    keys = {volume.pk for volume in volumes}
    if not may(user, Right.REQUEST):
        return set()
    # Staff who have no other role see only what was granted to them.
    if may(user, Right.REQUEST_FOR_OTHERS) or not may(user, Right.SEE_ALL):
        return keys
    return set(granted(Volume.objects.filter(pk__in=keys), user).values_list("pk", flat=True))


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
