"""Writes the rows of a cloud's snapshots. Nothing else writes what a reading showed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Greatest

from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.evs.limits import is_of_system
from snapshots.evs.types import CloudSnapshot
from snapshots.models import Maker, Operation, Snapshot, Volume

STORED_AT_ONCE = 500
_READ = [
    "volume_id",
    "volume_name",
    "name",
    "description",
    "metadata",
    "status",
    "progress",
    "size_gb",
    "created_at",
]
_CONFIRMED = ["seen_at", "missed", "missing_since", "gone_at"]
_OF_OPERATION = ["operation", "maker", "owner_name", "ticket"]


def store_snapshots(
    cloud: str,
    rows: Sequence[CloudSnapshot],
    *,
    now: datetime,
    made_by: Operation | None = None,
) -> int:
    """Store what a reading of `now` showed, at most `STORED_AT_ONCE` rows, in one transaction.
    Returns how many rows were written: what is unchanged, or was read later, is not.

    `made_by` is the operation that made them; without it, who made a snapshot stays as it is.
    """

    def store() -> int:
        changed = _changed(cloud, rows, now=now, made_by=made_by)
        lock_in_order(Snapshot.objects.filter(pk__in=[row.pk for row in changed if row.pk]))
        columns = _READ + _CONFIRMED + (_OF_OPERATION if made_by else [])
        for row in changed:
            row.pk = None  # the cloud's id says which row it is
        Snapshot.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["cloud", "snapshot_id"],
            update_fields=columns,
        )
        return len(changed)

    return in_transaction(store)


def _changed(
    cloud: str, rows: Sequence[CloudSnapshot], *, now: datetime, made_by: Operation | None
) -> list[Snapshot]:
    by_id = {row.id: row for row in sorted(rows, key=lambda row: row.id)}
    stored = Snapshot.objects.filter(cloud=cloud, snapshot_id__in=list(by_id))
    before = {row.snapshot_id: row for row in stored}
    names = _names_of_volumes(cloud, {row.volume_id for row in rows})
    changed = []
    for snapshot_id, read in by_id.items():
        row = _row(cloud, read, names.get(read.volume_id, ""), now=now, made_by=made_by)
        old = before.get(snapshot_id)
        if old is None or made_by is not None or _differs(row, old, now):
            row.pk = old.pk if old else None
            changed.append(row)
    return changed


def _names_of_volumes(cloud: str, volume_ids: Iterable[str]) -> dict[str, str]:
    volumes = Volume.objects.filter(cloud=cloud, volume_id__in=list(volume_ids))
    return dict(volumes.values_list("volume_id", "name"))


def _differs(row: Snapshot, old: Snapshot, now: datetime) -> bool:
    if old.seen_at > now or (old.gone_at is not None and old.gone_at > now):
        return False
    is_back = old.missed or old.missing_since is not None or old.gone_at is not None
    return bool(is_back) or any(getattr(row, name) != getattr(old, name) for name in _READ)


def _row(
    cloud: str, read: CloudSnapshot, volume_name: str, *, now: datetime, made_by: Operation | None
) -> Snapshot:
    row = Snapshot(
        cloud=cloud,
        snapshot_id=read.id,
        volume_id=read.volume_id,
        volume_name=volume_name,
        maker=Maker.SYSTEM if is_of_system(read.name, read.metadata) else Maker.OTHER,
        name=read.name,
        description=read.description,
        metadata=dict(read.metadata),
        status=read.status,
        progress=read.progress,
        size_gb=read.size_gb,
        created_at=read.created_at,
        listed_at=read.created_at or now,
        seen_at=now,
    )
    if made_by is not None:
        row.operation = made_by
        row.maker = Maker.PORTAL
        row.owner_name = made_by.on_behalf_of or made_by.requester_name
        row.ticket = made_by.ticket
        row.volume_id = row.volume_id or made_by.volume_id
        row.volume_name = row.volume_name or made_by.volume_name
    return row


def rename_volumes(cloud: str, names: Mapping[str, str]) -> None:
    """Give the snapshots of these volumes the volumes' new names, by the volumes' ids."""
    volume_ids = sorted(names)
    for first in range(0, len(volume_ids), STORED_AT_ONCE):
        of_volumes = Snapshot.objects.filter(
            cloud=cloud, volume_id__in=volume_ids[first : first + STORED_AT_ONCE]
        )

        def rename(of_volumes: QuerySet[Snapshot] = of_volumes) -> None:
            lock_in_order(of_volumes)
            rows = of_volumes.only("pk", "volume_id", "volume_name")
            changed = [row for row in rows if row.volume_name != names[row.volume_id]]
            for row in changed:
                row.volume_name = names[row.volume_id]
            Snapshot.objects.bulk_update(changed, ["volume_name"], batch_size=STORED_AT_ONCE)

        in_transaction(rename)


def mark_missing(keys: Sequence[int], *, since: datetime, listed_at: datetime | None) -> None:
    """A whole reading begun at `since` did not list these snapshots; the whole reading before was
    begun at `listed_at`.
    """
    for first in range(0, len(keys), STORED_AT_ONCE):
        rows = Snapshot.objects.filter(
            pk__in=keys[first : first + STORED_AT_ONCE], missing_since=None, seen_at__lt=since
        )

        def mark(rows: QuerySet[Snapshot] = rows) -> None:
            lock_in_order(rows)
            if listed_at is not None:
                rows.update(seen_at=Greatest("seen_at", listed_at))
            rows.update(missing_since=since)

        in_transaction(mark)


def mark_gone(key: int, *, now: datetime) -> None:
    """The cloud answered at the snapshot's own address that it holds it no more."""
    Snapshot.objects.filter(pk=key, seen_at__lte=now).update(gone_at=now)
