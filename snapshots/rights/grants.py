"""Which volumes were given to whom."""

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from snapshots.models import Volume, VolumeGrant


def grants_of(user: User) -> QuerySet[VolumeGrant]:
    """What was granted to a person, alone or by a group."""
    return VolumeGrant.objects.filter(Q(user=user) | Q(group__in=user.groups.all()))


def covering(cloud: str | OuterRef, volume_id: str | OuterRef) -> Q:
    """The grants of this volume, alone or with all of its cloud."""
    return Q(Q(volume_id="") | Q(volume_id=volume_id), cloud=cloud)


def granted(volumes: QuerySet[Volume], user: User) -> QuerySet[Volume]:
    grants = grants_of(user).filter(covering(OuterRef("cloud"), OuterRef("volume_id")))
    return volumes.filter(Exists(grants))


def is_granted(volume: Volume, user: User) -> bool:
    """Whether the volume was given to this person, alone or with others or all of its cloud."""
    return granted(Volume.objects.filter(pk=volume.pk), user).exists()
