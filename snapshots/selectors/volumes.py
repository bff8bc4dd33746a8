"""Volumes a person may see or use."""

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from snapshots.models import (
    Role,
    Volume,
    VolumeGrant,
    may_request,
    may_request_for_others,
    roles_of,
    sees_every_operation,
)
from snapshots.models.folding import fold
from snapshots.models.ids import LEAST_OF_ID
from snapshots.selectors.pages import Page


def volumes_visible_to(user: User) -> QuerySet[Volume]:
    """Staff see the volumes they may use; helpdesk, auditors and administrators see all."""
    return all_volumes_visible_to(user).filter(gone_at__isnull=True)


def all_volumes_visible_to(user: User) -> QuerySet[Volume]:
    """With those that the cloud no longer lists: their snapshots may still be there."""
    volumes = Volume.objects.all()
    if sees_every_operation(user):
        return volumes
    return _granted(volumes, user) if may_request(user) else volumes.none()


def volumes_usable_by(user: User) -> QuerySet[Volume]:
    """The volumes a person may ask a snapshot of, whatever their status."""
    volumes = Volume.objects.filter(gone_at__isnull=True)
    if may_request_for_others(user):
        return volumes
    return _granted(volumes, user) if Role.STAFF in roles_of(user) else volumes.none()


def volumes_matching(volumes: QuerySet[Volume], *, text: str) -> QuerySet[Volume]:
    """Narrowed by free text: name, id, status, type, zone, what it is attached to."""
    for word in fold(text).split()[:8]:
        says = Q(folded__contains=word)
        if len(word) >= LEAST_OF_ID:
            says |= Q(volume_id__icontains=word)
        volumes = volumes.filter(says)
    return volumes


def volumes_page(volumes: QuerySet[Volume], *, after: str = "", size: int = 100) -> Page[Volume]:
    """By name. `after` is the `next` of the page before; nonsense starts at the top."""
    volumes = volumes.order_by("name", "volume_id", "id")
    is_number = after.isdecimal() and len(after) < 19
    last = Volume.objects.filter(pk=int(after)).first() if is_number else None
    if last is not None:
        volumes = volumes.filter(
            Q(name__gt=last.name)
            | Q(name=last.name, volume_id__gt=last.volume_id)
            | Q(name=last.name, volume_id=last.volume_id, id__gt=last.pk)
        )
    rows = list(volumes[: size + 1])
    return Page(rows[:size], str(rows[size - 1].pk) if len(rows) > size else None)


def grants_of(user: User) -> QuerySet[VolumeGrant]:
    """What was granted to a person, alone or by a group."""
    return VolumeGrant.objects.filter(Q(user=user) | Q(group__in=user.groups.all()))


def _granted(volumes: QuerySet[Volume], user: User) -> QuerySet[Volume]:
    grants = grants_of(user).filter(
        Q(volume_id="") | Q(volume_id=OuterRef("volume_id")), cloud=OuterRef("cloud")
    )
    return volumes.filter(Exists(grants))


def may_use(volume: Volume, user: User) -> bool:
    """Whether somebody who sees the volume may ask for snapshots of it."""
    if volume.gone_at is not None or not may_request(user):
        return False
    # Staff who have no other role see only what was granted to them.
    is_plain_staff = not sees_every_operation(user)
    return may_request_for_others(user) or is_plain_staff or is_granted(volume, user)


def is_granted(volume: Volume, user: User) -> bool:
    """Whether the volume was given to this person, alone or with others or all of its cloud."""
    return _granted(Volume.objects.filter(pk=volume.pk), user).exists()
