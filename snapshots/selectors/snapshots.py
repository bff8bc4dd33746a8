"""The snapshots that a person may see, what narrows a list of them, and how old readings are."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from snapshots.models import (
    CloudHealth,
    Operation,
    Snapshot,
    Volume,
)
from snapshots.models.folding import fold
from snapshots.models.ids import LEAST_OF_ID
from snapshots.selectors.keyset import Order, in_both_directions, keyset_page
from snapshots.selectors.pages import Page

ORDERS = in_both_directions(
    {
        "created": Order("listed_at", holds=datetime),
        "name": Order("name"),
        "volume": Order("volume_name"),
        "status": Order("status"),
    }
)
NEWEST_FIRST = "-created"
GONE, PRESENT_AND_GONE = "gone", "all"
AGES = (7, 30, 90)  # days
# Adding up more rows than this would slow the page down: it is left to a part of its own.
MOST_ADDED_UP = 2000
_NOT_LISTED = ("metadata", "progress", "missed", "asked_alone_at", "folded")
_PART_OF_ID = re.compile("[0-9a-f-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed by, as it was typed; what does not exist matches nothing."""

    text: str = ""
    cloud: str = ""
    volume: str = ""
    status: str = ""
    made_by: str = ""
    older: str = ""  # days
    owner: str = ""
    ticket: str = ""
    presence: str = ""  # empty: present

    def __bool__(self) -> bool:
        return self != Filter()


def snapshots_matching(snapshots: QuerySet[Snapshot], chosen: Filter) -> QuerySet[Snapshot]:
    """Narrowed by everything that was chosen."""
    return _narrowed(_by_presence(snapshots, chosen.presence), chosen)


def _narrowed(snapshots: QuerySet[Snapshot], chosen: Filter) -> QuerySet[Snapshot]:
    for word in fold(chosen.text).split()[:8]:
        snapshots = snapshots.filter(Q(folded__contains=word) | _in_an_id(word))
    exact = {
        "cloud": chosen.cloud,
        "volume_id": chosen.volume,
        "status": chosen.status,
        "maker": chosen.made_by,
        "owner_name": chosen.owner,
        "ticket": chosen.ticket,
    }
    snapshots = snapshots.filter(**{column: text for column, text in exact.items() if text})
    if not chosen.older:
        return snapshots
    if chosen.older not in map(str, AGES):
        return snapshots.none()
    return snapshots.filter(listed_at__lt=timezone.now() - timedelta(days=int(chosen.older)))


def _in_an_id(word: str) -> Q:
    """A part of an id, which is hexadecimal; any other id, such as an older cloud may have, whole.
    Each part sought costs a look at every row.
    """
    whole = Q(snapshot_id=word) | Q(volume_id=word)
    if len(word) < LEAST_OF_ID or not _PART_OF_ID.fullmatch(word):
        return whole
    return whole | Q(snapshot_id__icontains=word) | Q(volume_id__icontains=word)


def few_or_all(snapshots: QuerySet[Snapshot], chosen: Filter) -> QuerySet[Snapshot]:
    """The same rows. Where a search by words has few of them, they are sought once in the order of
    the table: in the order of an index, SQLite needs four times as long for what it does not find.
    """
    sought = _narrowed(_in_order_of_table(snapshots, chosen.presence), chosen)
    keys = list(sought.order_by().values_list("pk", flat=True)[: MOST_ADDED_UP + 1])
    if len(keys) > MOST_ADDED_UP:
        return snapshots_matching(snapshots, chosen)
    return Snapshot.objects.filter(pk__in=keys)


def _in_order_of_table(snapshots: QuerySet[Snapshot], presence: str) -> QuerySet[Snapshot]:
    """By the presence, said in a way that SQLite knows of no index for."""
    if presence:
        return _by_presence(snapshots, presence)
    return snapshots.exclude(gone_at__isnull=False)


def _by_presence(snapshots: QuerySet[Snapshot], presence: str) -> QuerySet[Snapshot]:
    match presence:
        case "":
            return snapshots.filter(gone_at__isnull=True)
        case "gone":
            return snapshots.filter(gone_at__isnull=False)
        case "all":
            return snapshots
    return snapshots.none()


def snapshots_page(
    snapshots: QuerySet[Snapshot], *, sort: str = NEWEST_FIRST, after: str = "", size: int = 50
) -> Page[Snapshot]:
    """In an order of `ORDERS`. `after` is the `next` of the page before."""
    order = ORDERS.get(sort, ORDERS[NEWEST_FIRST])
    return keyset_page(snapshots.defer(*_NOT_LISTED), order, after=after, size=size)


def in_order(snapshots: QuerySet[Snapshot], sort: str) -> QuerySet[Snapshot]:
    """All of them, for a file."""
    return ORDERS.get(sort, ORDERS[NEWEST_FIRST]).of(snapshots)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a list of snapshots: how many, their size, and when the oldest was made."""

    count: int
    size_gb: int
    oldest_at: datetime | None
    has_more: bool = False  # only the first `MOST_ADDED_UP` were added up


def totals_of_rows(rows: Iterable[Snapshot]) -> Totals:
    """Of a list that fits on a page: no further query."""
    listed = list(rows)
    oldest_at = min((row.listed_at for row in listed), default=None)
    return Totals(len(listed), sum(row.size_gb or 0 for row in listed), oldest_at)


def totals_of(snapshots: QuerySet[Snapshot]) -> Totals:
    """Of all of them, or of the first `MOST_ADDED_UP`."""
    sums = _sums_of(snapshots.order_by()[: MOST_ADDED_UP + 1])
    return replace(sums, count=min(sums.count, MOST_ADDED_UP), has_more=sums.count > MOST_ADDED_UP)


def totals_of_all(snapshots: QuerySet[Snapshot]) -> Totals:
    """However many there are: as long as reading each of them takes."""
    return _sums_of(snapshots.order_by())


def _sums_of(rows: QuerySet[Snapshot]) -> Totals:
    sums = rows.aggregate(count=Count("pk"), size=Sum("size_gb"), oldest=Min("listed_at"))
    return Totals(sums["count"], sums["size"] or 0, sums["oldest"])


# --- one of them, and how old what is shown may be ---------------------------------------------


def readings() -> list[CloudHealth]:
    """Of each cloud, when its whole list was read last, and whether it was believed."""
    return list(CloudHealth.objects.order_by("cloud"))


def read_at(snapshot: Snapshot, *, volume: Volume | None, health: CloudHealth | None) -> datetime:
    """When the cloud was last seen to hold what the row says."""
    return snapshot.read_at(
        volume.snapshots_at if volume else None, health.snapshots_at if health else None
    )


def requests_of(snapshot: Snapshot) -> QuerySet[Operation]:
    """Everybody's requests that made or changed it, newest first."""
    made = Q(pk=snapshot.operation_id) if snapshot.operation_id else Q()
    operations = Operation.objects.filter(made | Q(target_snapshot=snapshot))
    return operations.select_related("snapshot").order_by("-asked_at", "-id")
