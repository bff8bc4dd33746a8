"""Which volumes were given to whom."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from snapshots.models import GrantMatch, GrantScope, Volume, VolumeGrant

# Up to so many rules of a person, all that they cover is read. With more, many rules cover the
# same volumes, so each volume is asked for a rule that covers it: it ends at the first.
FEW_RULES = 10


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


def scopes_of(user: User) -> dict[str, Counter[str]]:
    """How many grants of each scope a person has, by cloud."""
    grants = grants_of(user).order_by().values("cloud", "scope").annotate(count=Count("pk"))
    scopes: dict[str, Counter[str]] = {}
    for row in grants:
        scopes.setdefault(row["cloud"], Counter())[row["scope"]] = row["count"]
    return scopes


def granted(volumes: QuerySet[Volume], user: User) -> QuerySet[Volume]:
    """Those of these volumes that a person's grants cover."""
    covered = Q(pk__in=())
    for cloud, scopes in scopes_of(user).items():
        covered |= Q(cloud=cloud) & _covered(cloud, scopes, user)
    return volumes.filter(covered)


def _covered(cloud: str, scopes: Counter[str], user: User) -> Q:
    """What the grants cover of one cloud. Nothing is asked for scopes that nobody was given."""
    if scopes[GrantScope.CLOUD]:
        return Q()
    covered = Q(pk__in=())
    if scopes[GrantScope.VOLUME]:
        covered |= Q(volume_id__in=named(cloud, user))
    if scopes[GrantScope.RULE]:
        covered |= matched(cloud, scopes[GrantScope.RULE], user)
    return covered


def named(cloud: str, user: User) -> QuerySet[VolumeGrant, Any]:
    """The ids of the volumes that a person's grants name in a cloud."""
    grants = grants_of(user).order_by().filter(cloud=cloud, scope=GrantScope.VOLUME)
    return grants.values("volume_id")


def matched(cloud: str, rules: int, user: User) -> Q:
    """Which volumes so many rules of a person cover in a cloud."""
    if rules <= FEW_RULES:
        grants = grants_of(user).order_by().filter(cloud=cloud, scope=GrantScope.RULE)
        matches = GrantMatch.objects.filter(grant__in=grants.values("pk"))
        return Q(pk__in=matches.values("volume"))
    # Joined to the grants: asked for those of the person, SQLite looks once for each.
    holders = Q(grant__user=user) | Q(grant__group__in=user.groups.all())
    in_force = Q(grant__until__isnull=True) | Q(grant__until__gt=timezone.now())
    return Q(Exists(GrantMatch.objects.filter(holders, in_force, volume=OuterRef("pk"))))


def is_granted(volume: Volume, user: User) -> bool:
    """Whether the volume was given to this person, alone or with others or all of its cloud."""
    return granted(Volume.objects.filter(pk=volume.pk), user).exists()


def grants_covering(volume: Volume) -> QuerySet[VolumeGrant]:
    """Everybody's grants of a volume, by its id, by its cloud or by a rule, that have not ended."""
    by_rule = GrantMatch.objects.filter(volume=volume, grant=OuterRef("pk"))
    covering = naming(volume.cloud, volume.volume_id) | Q(Exists(by_rule))
    return VolumeGrant.objects.filter(covering).in_force()
