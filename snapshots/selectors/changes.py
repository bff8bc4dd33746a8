"""Whether a person may ask for a change of a snapshot now, and why not."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from snapshots.models import (
    OPEN,
    Maker,
    Operation,
    OperationKind,
    Snapshot,
    Volume,
    status_word,
)
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import volumes_usable_by


class Hindrance(models.TextChoices):
    """Why nothing can be asked for a snapshot, in a sentence for its page."""

    NO_ROLE = "no_role", _("Staff and the helpdesk may change snapshots; you may look at this one.")
    GONE = "gone", _("It was deleted in the cloud, so there is nothing left to change.")
    MISSING = (
        "missing",
        _("The cloud's list does not have it any more. The portal checks whether it was deleted."),
    )
    SYSTEMS = (
        "systems",
        _("The cloud or its backup service made it and manages it. It is only shown here."),
    )
    BEING_MADE = "being_made", _("The cloud is still making it. Wait until it is available.")
    VOLUME_GONE = (
        "volume_gone",
        _("The cloud no longer lists its volume, so the portal cannot change it."),
    )
    NOT_USABLE = (
        "not_usable",
        _("You may not use its volume. An administrator of the portal can grant it to you."),
    )


def hindrance_of(snapshot: Snapshot, user: User) -> Hindrance | None:
    """None: the person may ask for changes of it."""
    return hindrance_by_state(snapshot, user) or _hindrance_by_volume(snapshot, user)


def hindrance_by_state(snapshot: Snapshot, user: User) -> Hindrance | None:
    """As `hindrance_of`, but for its volume."""
    operation = snapshot.operation
    is_being_made = operation is not None and not operation.is_final
    reasons = (
        (not may(user, Right.REQUEST), Hindrance.NO_ROLE),
        (snapshot.gone_at is not None, Hindrance.GONE),
        (snapshot.is_systems, Hindrance.SYSTEMS),
        (snapshot.missing_since is not None, Hindrance.MISSING),
        (is_being_made or status_word(snapshot.status) == "creating", Hindrance.BEING_MADE),
    )
    for is_so, hindrance in reasons:
        if is_so:
            return hindrance
    return None


def usable_volume_of(snapshot: Snapshot, user: User) -> Volume | None:
    """The snapshot's volume, if the person may use it."""
    columns = {"cloud": snapshot.cloud, "volume_id": snapshot.volume_id}
    return volumes_usable_by(user).filter(**columns).first()


def hindrances_of(
    snapshots: Sequence[Snapshot], user: User
) -> tuple[dict[int, Hindrance], dict[int, Volume]]:
    """By the snapshots' keys, the hindrances and the volumes of those that have none. As many
    queries for a hundred as for one.
    """
    volume_ids = {snapshot.volume_id for snapshot in snapshots}
    of_them = Q(cloud__in={row.cloud for row in snapshots}, volume_id__in=volume_ids)
    usable = {_pair(volume): volume for volume in volumes_usable_by(user).filter(of_them)}
    listed = set(
        Volume.objects.filter(of_them, gone_at__isnull=True).values_list("cloud", "volume_id")
    )
    hindrances: dict[int, Hindrance] = {}
    for snapshot in snapshots:
        hindrance = hindrance_by_state(snapshot, user)
        if hindrance is None and _pair(snapshot) not in usable:
            is_there = _pair(snapshot) in listed
            hindrance = Hindrance.NOT_USABLE if is_there else Hindrance.VOLUME_GONE
        if hindrance is not None:
            hindrances[snapshot.pk] = hindrance
    volumes = {row.pk: usable[_pair(row)] for row in snapshots if row.pk not in hindrances}
    return hindrances, volumes


def volumes_left_with_none(snapshots: Sequence[Snapshot]) -> set[tuple[str, str]]:
    """The volumes that have nothing to go back to without these: no other snapshot that is listed
    and available, that people keep, and that nobody has asked to delete.
    """
    volumes = {_pair(row) for row in snapshots}
    deletions = Operation.objects.filter(
        target_snapshot=OuterRef("pk"), kind=OperationKind.DELETE, state__in=sorted(OPEN)
    )
    others = Snapshot.objects.filter(
        ~Exists(deletions),
        cloud__in={cloud for cloud, _volume_id in volumes},
        volume_id__in={volume_id for _cloud, volume_id in volumes},
        gone_at__isnull=True,
        missing_since__isnull=True,
    )
    others = others.exclude(pk__in=[row.pk for row in snapshots]).exclude(maker=Maker.SYSTEM)
    statuses = others.order_by().values_list("cloud", "volume_id", "status").distinct()
    return volumes - {
        (cloud, volume_id)
        for cloud, volume_id, status in statuses
        if status_word(status) == "available"
    }


def _pair(row: Snapshot | Volume) -> tuple[str, str]:
    return row.cloud, row.volume_id


def _hindrance_by_volume(snapshot: Snapshot, user: User) -> Hindrance | None:
    columns = {"cloud": snapshot.cloud, "volume_id": snapshot.volume_id}
    if volumes_usable_by(user).filter(**columns).exists():
        return None
    is_there = Volume.objects.filter(**columns, gone_at__isnull=True).exists()
    return Hindrance.NOT_USABLE if is_there else Hindrance.VOLUME_GONE
