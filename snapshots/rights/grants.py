"""Which volumes were given to whom."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from snapshots.models import GrantMatch, GrantScope, Volume, VolumeGrant

# Up to so many rules of a person, all that they cover is read. With more, many rules cover the
# same volumes, so each volume is asked for a rule that covers it: it ends at the first.
FEW_RULES = 10

Scopes = dict[str, Counter[str]]
_scopes: ContextVar[dict[int, Scopes] | None] = ContextVar("_scopes", default=None)


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


@contextmanager
def answering_once() -> Iterator[None]:
    """While a web request is answered, it is asked once which scopes a person's grants have. What
    they cover is asked each time.
    """
    token = _scopes.set({})
    try:
        yield
    finally:
        _scopes.reset(token)


def scopes_of(user: User) -> Scopes:
    """How many grants of each scope a person has, by cloud."""
    scopes = _scopes.get()
    if scopes is None:
        return _ask_for_scopes(user)
    if user.pk not in scopes:
        scopes[user.pk] = _ask_for_scopes(user)
    return scopes[user.pk]


def _ask_for_scopes(user: User) -> Scopes:
    grants = grants_of(user).order_by().values("cloud", "scope").annotate(count=Count("pk"))
    scopes: Scopes = {}
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
    grants = grants_of(user).order_by().filter(cloud=cloud, scope=GrantScope.RULE).values("pk")
    if rules <= FEW_RULES:
        return Q(pk__in=GrantMatch.objects.filter(grant__in=grants).values("volume"))
    # The sum keeps databases from looking once for each grant: they read the matches of a volume,
    # one after the other, until one is the person's.
    matches = GrantMatch.objects.annotate(key=F("grant_id") + 0).filter(key__in=grants)
    return Q(Exists(matches.filter(volume=OuterRef("pk"))))


def is_granted(volume: Volume, user: User) -> bool:
    """Whether the volume was given to this person, alone or with others or all of its cloud."""
    return granted(Volume.objects.filter(pk=volume.pk), user).exists()


def grants_covering(volume: Volume) -> QuerySet[VolumeGrant]:
    """Everybody's grants of a volume, by its id, by its cloud or by a rule, that have not ended."""
    by_rule = GrantMatch.objects.filter(volume=volume, grant=OuterRef("pk"))
    covering = naming(volume.cloud, volume.volume_id) | Q(Exists(by_rule))
    return VolumeGrant.objects.filter(covering).in_force()
