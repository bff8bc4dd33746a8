"""Grants and people, as administrators look for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet

from snapshots.models import GrantScope, Server, Volume, VolumeGrant
from snapshots.models.folded import Fold
from snapshots.models.folding import fold
from snapshots.selectors.keyset import Order, keyset_page
from snapshots.selectors.pages import Page

NEWEST_FIRST = Order("given_at", is_descending=True, holds=datetime)
BY_NAME = Order("username")
SHUT_OUT = "shut-out"
ACTIVE = "active"
NOBODY = "nobody"  # no state of an account: for what a form refused
ENDED = "ended"
_GRANT_TEXTS = ("user__username", "group__name", "volume_id", "name_pattern", "cloud")
_PERSON_TEXTS = ("username", "first_name", "last_name", "email")
_MOST_WORDS = 8


def grants_matching(
    grants: QuerySet[VolumeGrant], *, text: str, ended: bool
) -> QuerySet[VolumeGrant]:
    """Those in force, or those that have ended, narrowed by words of the holder's name, the
    volume's id, the pattern or the cloud.
    """
    chosen = grants.ended() if ended else grants.in_force()  # type: ignore[attr-defined]
    return _narrowed(chosen, text, _GRANT_TEXTS)


def grants_page(grants: QuerySet[VolumeGrant], *, after: str) -> Page[VolumeGrant]:
    return keyset_page(grants, NEWEST_FIRST, after=after)


def people_matching(people: QuerySet[User], *, text: str, group: str, state: str) -> QuerySet[User]:
    """Narrowed by words of their names and address, by a role or group, by whether they may sign
    in. Nonsense matches nothing.
    """
    people = _narrowed(people, text, _PERSON_TEXTS)
    if group:
        people = people.filter(groups__name=group)
    if state:
        states = {ACTIVE: Q(is_active=True), SHUT_OUT: Q(is_active=False)}
        people = people.filter(states.get(state, Q(pk__in=())))
    return people


def people_page(people: QuerySet[User], *, after: str) -> Page[User]:
    return keyset_page(people.prefetch_related("groups"), BY_NAME, after=after)


def groups_page(people: QuerySet[User], *, text: str, after: str) -> Page[Group]:
    """Roles and groups by name, each with `members`: how many of these people are in it."""
    groups = _narrowed(Group.objects.all(), text, ("name",))
    members = Count("user", filter=Q(user__in=people.values("pk")))
    groups = groups.annotate(members=members).prefetch_related("permissions")
    return keyset_page(groups, Order("name"), after=after)


def _narrowed(rows: QuerySet, text: str, names: Iterable[str]) -> QuerySet:  # type: ignore[type-arg]
    names = tuple(names)
    rows = rows.alias(**{f"folded_{name}": Fold(name) for name in names})
    for word in fold(text).split()[:_MOST_WORDS]:
        says = Q()
        for name in names:
            says |= Q(**{f"folded_{name}__contains": word})
        rows = rows.filter(says)
    return rows


@dataclass(frozen=True, slots=True)
class Names:
    """The names of what grants name by an id, by cloud and id."""

    volumes: Mapping[tuple[str, str], str]
    servers: Mapping[tuple[str, str], str]


def names_in(grants: Sequence[VolumeGrant]) -> Names:
    ids = {grant.volume_id for grant in grants if grant.scope == GrantScope.VOLUME}
    volumes = Volume.objects.filter(volume_id__in=ids)
    rows = volumes.values_list("cloud", "volume_id", "name")
    server_ids = {grant.server_id for grant in grants if grant.server_id}
    servers = Server.objects.filter(server_id__in=server_ids)
    return Names(
        volumes={(cloud, key): name for cloud, key, name in rows},
        servers={(row.cloud, row.server_id): row.label for row in servers},
    )


def volumes_with_ids(cloud: str, ids: Iterable[str]) -> list[Volume]:
    """Those that the cloud lists, by name."""
    rows = Volume.objects.filter(cloud=cloud, gone_at__isnull=True, volume_id__in=list(ids))
    return list(rows.order_by("name", "volume_id"))
