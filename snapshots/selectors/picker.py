"""What the form offers to choose from, and what a person used last."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.contrib.auth.models import User
from django.db.models import (
    Case,
    Count,
    Exists,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone

from snapshots.models import Maker, Operation, Snapshot, Volume
from snapshots.models.folding import fold, fold_words
from snapshots.selectors.volumes import volumes_matching

MOST_OFFERED = 20
MOST_RECENT = 5
_LOOKED_AT_FOR_RECENT = 50  # of a person's own requests
REMEMBERED_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Offered:
    """A volume, and what helps to choose it."""

    volume: Volume
    manual: int  # snapshots that no service of the cloud made
    last_snapshot_at: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """Volumes of one server, by its id; without one, those that a person used last, or not attached
    ones. Several servers may have one name.
    """

    server: str
    name: str
    is_recent: bool
    rows: list[Offered]


@dataclass(frozen=True, slots=True)
class Offers:
    """The best of what matches, and how many match."""

    groups: list[Group]
    total: int

    @property
    def rows(self) -> list[Offered]:
        return [row for group in self.groups for row in group.rows]

    @property
    def has_more(self) -> bool:
        return self.total > len(self.rows)


def offers_among(
    volumes: QuerySet[Volume], person: User, *, text: str = "", server: str = ""
) -> Offers:
    """The volumes that match, grouped by server; without a text, those of one server (its id or its
    name), or those used last before the others.
    """
    if server and not text:
        volumes = volumes.filter(pk__in=on_server(volumes, server))
    matching = volumes_matching(volumes, text=text)
    recent = [] if text or server else _recent(volumes, person)
    others = _best_first(matching.exclude(pk__in=[row.pk for row in recent]), text)
    rows = list(others[: MOST_OFFERED - len(recent) + 1])
    is_all = len(rows) <= MOST_OFFERED - len(recent)
    total = len(recent) + len(rows) if is_all else matching.count()
    rows = rows[: MOST_OFFERED - len(recent)]
    offered = {row.volume.pk: row for row in _with_snapshots([*recent, *rows])}
    groups: dict[str, Group] = {}
    for row in rows:
        key, name = _server_of(row, server)
        group = groups.setdefault(key, Group(key, name, is_recent=False, rows=[]))
        group.rows.append(offered[row.pk])
    used = [offered[row.pk] for row in recent]
    first = [Group("", "", is_recent=True, rows=used)] if recent else []
    return Offers([*first, *groups.values()], total)


def _server_of(volume: Volume, server: str) -> tuple[str, str]:
    """The id and the name of the server that was asked for, else of its first."""
    servers = list(volume.servers.items()) or [("", "")]
    return next((pair for pair in servers if server and server in pair), servers[0])


def on_server(volumes: QuerySet[Volume], server: str) -> list[int]:
    """The keys of the volumes that are attached to a server of this id or this name."""
    # What a text says is narrowed by the database, what is true of it is compared here.
    says_name = Q(server_names__isnull=False)
    for word in fold_words(json.dumps(server)).split()[:8]:  # spelled as in the column
        says_name &= Q(folded__contains=word)
    near = volumes.filter(Q(attached_to__contains=server) | says_name)
    rows = near.only("pk", "server_ids", "server_names")
    return [row.pk for row in rows if server in {*row.servers, *row.servers.values()}]


def _best_first(volumes: QuerySet[Volume], text: str) -> QuerySet[Volume]:
    """By name; of a search, what is called so before what only begins so, and before the rest."""
    word = fold(text).strip()
    if not word:
        return volumes.order_by("name", "volume_id", "id")
    rank = Case(
        When(Q(volume_id=word) | Q(folded__startswith=f"{word}\n"), then=Value(0)),
        When(folded__startswith=word, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return volumes.order_by(rank, "name", "volume_id", "id")


def _recent(volumes: QuerySet[Volume], person: User) -> list[Volume]:
    own = Operation.objects.filter(requester=person).order_by("-asked_at", "-id")
    pairs = own.values_list("cloud", "volume_id")[:_LOOKED_AT_FOR_RECENT]
    recent_pairs = list(dict.fromkeys(pairs))[:MOST_RECENT]
    recent_volumes = volumes.filter(volume_id__in=[volume_id for _cloud, volume_id in recent_pairs])
    rows = {(row.cloud, row.volume_id): row for row in recent_volumes}
    return [rows[pair] for pair in recent_pairs if pair in rows]


def _with_snapshots(volumes: Sequence[Volume]) -> list[Offered]:
    present = Snapshot.objects.present().filter(
        cloud__in={row.cloud for row in volumes}, volume_id__in=[row.volume_id for row in volumes]
    )
    counted = (
        present.order_by()
        .values_list("cloud", "volume_id")
        .annotate(manual=Count("pk", filter=~Q(maker=Maker.SYSTEM)), last=Max("listed_at"))
    )
    held = {(cloud, volume): (manual, last) for cloud, volume, manual, last in counted}
    return [Offered(row, *held.get((row.cloud, row.volume_id), (0, None))) for row in volumes]


# --- the same again --------------------------------------------------------------------------


def remembered(person: User) -> Operation | None:
    """The last request of a person, if it was for somebody or with a reason, and not long ago."""
    last = Operation.objects.filter(requester=person).order_by("-asked_at", "-id").first()
    if last is None or not (last.ticket or last.on_behalf_of or last.reason):
        return None
    return last if timezone.now() - last.asked_at <= REMEMBERED_FOR else None


def next_volumes(volumes: QuerySet[Volume], operation: Operation, *, most: int = 5) -> list[Volume]:
    """The other volumes of its volume's servers, less those of the same ticket."""
    same_cloud = volumes.filter(cloud=operation.cloud)
    here = same_cloud.filter(volume_id=operation.volume_id).first()
    servers = here.servers if here is not None else {}
    keys = {key for server in servers for key in on_server(same_cloud, server)}
    rows = same_cloud.filter(pk__in=keys).exclude(volume_id=operation.volume_id)
    if operation.ticket:
        of_ticket = Operation.objects.filter(
            cloud=OuterRef("cloud"), volume_id=OuterRef("volume_id"), ticket=operation.ticket
        )
        rows = rows.exclude(Exists(of_ticket))
    ready = (row for row in rows.order_by("name", "volume_id") if row.takes_snapshot)
    return list(islice(ready, most))
