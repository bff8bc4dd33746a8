"""Which volumes were given to whom."""

from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from snapshots.models import GrantMatch, GrantScope, Volume, VolumeGrant


def end_of_day(day: date) -> datetime:
    """The moment when this day is over, in UTC. Raises `OverflowError` for the last of all days."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def grants_of(user: User) -> QuerySet[VolumeGrant]:
    """What was granted to a person, alone or by a group, and has not ended."""
    holders = Q(user=user) | Q(group__in=user.groups.all())
    return VolumeGrant.objects.filter(holders).in_force()


def naming(cloud: str | OuterRef, volume_id: str | OuterRef) -> Q:
    """The grants that cover this volume and need no look at it: those of its id or its cloud."""
    is_named = Q(scope=GrantScope.VOLUME, volume_id=volume_id)
    return Q(is_named | Q(scope=GrantScope.CLOUD), cloud=cloud)


def granted(volumes: QuerySet[Volume], user: User) -> QuerySet[Volume]:
    grants = grants_of(user).order_by()
    # Three questions, each with an index of its own; what rules cover is read once, not per volume.
    of_clouds = grants.filter(scope=GrantScope.CLOUD).values("cloud")
    by_id = grants.filter(
        scope=GrantScope.VOLUME, cloud=OuterRef("cloud"), volume_id=OuterRef("volume_id")
    )
    rules = grants.filter(scope=GrantScope.RULE).values("pk")
    by_rule = GrantMatch.objects.filter(grant__in=rules).values("volume")
    return volumes.filter(Q(cloud__in=of_clouds) | Exists(by_id) | Q(pk__in=by_rule))


def is_granted(volume: Volume, user: User) -> bool:
    """Whether the volume was given to this person, alone or with others or all of its cloud."""
    return granted(Volume.objects.filter(pk=volume.pk), user).exists()


def grants_covering(volume: Volume) -> QuerySet[VolumeGrant]:
    """Everybody's grants of a volume, by its id, by its cloud or by a rule, that have not ended."""
    by_rule = GrantMatch.objects.filter(volume=volume, grant=OuterRef("pk"))
    covering = naming(volume.cloud, volume.volume_id) | Q(Exists(by_rule))
    return VolumeGrant.objects.filter(covering).in_force()
