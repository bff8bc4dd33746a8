"""Writes the rows of a cloud's snapshots. Nothing else writes what a reading showed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Greatest

from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.evs.limits import is_of_system
from snapshots.evs.types import CloudSnapshot
from snapshots.models import CloudHealth, Maker, Operation, Snapshot, Volume

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
        by_id = {row.id: row for row in sorted(rows, key=lambda row: row.id)}
        names = _names_of_volumes(cloud, {row.volume_id for row in rows})

        def is_to_be_written(columns: dict[str, Any], old: dict[str, Any] | None) -> bool:
            return old is None or made_by is not None or _differs(columns, old, now)

        read = {key: _columns(row, names.get(row.volume_id, "")) for key, row in by_id.items()}
        stored = _stored(cloud, list(read))
        candidates = [key for key in read if is_to_be_written(read[key], stored.get(key))]
        if not candidates:
            return 0
        # Only now are rows locked, so they are looked at again: they may be newer by now.
        lock_in_order(Snapshot.objects.filter(cloud=cloud, snapshot_id__in=candidates))
        stored = _stored(cloud, candidates)
        changed = [
            _row(cloud, by_id[key], read[key], now=now, made_by=made_by)
            for key in candidates
            if is_to_be_written(read[key], stored.get(key))
        ]
        Snapshot.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["cloud", "snapshot_id"],
            update_fields=_READ + _CONFIRMED + (_OF_OPERATION if made_by else []),
        )
        _correct_makers(cloud, changed, stored)
        return len(changed)

    return in_transaction(store)


def _stored(cloud: str, snapshot_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the table says of them, by their ids. No model is made of rows that stay."""
    rows = Snapshot.objects.filter(cloud=cloud, snapshot_id__in=snapshot_ids)
    columns = ("snapshot_id", "maker", *_READ, *_CONFIRMED)
    return {row["snapshot_id"]: row for row in rows.values(*columns)}


def _correct_makers(
    cloud: str, changed: Sequence[Snapshot], stored: Mapping[str, dict[str, Any]]
) -> None:
    """What marks a snapshot as the system's may come and go. What the portal made stays its own,
    also where another process says so at this moment: its row is not written over.
    """
    for old, new in ((Maker.OTHER, Maker.SYSTEM), (Maker.SYSTEM, Maker.OTHER)):
        keys = [
            row.snapshot_id
            for row in changed
            if row.maker == new and stored.get(row.snapshot_id, {}).get("maker") == old
        ]
        if keys:
            wrong = Snapshot.objects.filter(cloud=cloud, snapshot_id__in=keys, maker=old)
            wrong.update(maker=new)


def _names_of_volumes(cloud: str, volume_ids: Iterable[str]) -> dict[str, str]:
    volumes = Volume.objects.filter(cloud=cloud, volume_id__in=list(volume_ids))
    return dict(volumes.values_list("volume_id", "name"))


def _differs(columns: dict[str, Any], old: dict[str, Any], now: datetime) -> bool:
    gone_at = old["gone_at"]
    if old["seen_at"] > now or (gone_at is not None and gone_at > now):
        return False
    is_back = old["missed"] or old["missing_since"] is not None or gone_at is not None
    has_changed = any(old[name] != value for name, value in columns.items())
    has_maker = old["maker"] in {Maker.PORTAL, _maker_by(columns["name"], columns["metadata"])}
    return bool(is_back) or has_changed or not has_maker


def _maker_by(name: str, metadata: Mapping[str, str]) -> Maker:
    return Maker.SYSTEM if is_of_system(name, metadata) else Maker.OTHER


def _columns(read: CloudSnapshot, volume_name: str) -> dict[str, Any]:
    """What a reading tells: the columns of `_READ`."""
    return {
        "volume_id": read.volume_id,
        "volume_name": volume_name,
        "name": read.name,
        "description": read.description,
        "metadata": read.metadata,
        "status": read.status,
        "progress": read.progress,
        "size_gb": read.size_gb,
        "created_at": read.created_at,
    }


def _row(
    cloud: str,
    read: CloudSnapshot,
    columns: dict[str, Any],
    *,
    now: datetime,
    made_by: Operation | None,
) -> Snapshot:
    row = Snapshot(
        cloud=cloud,
        snapshot_id=read.id,
        maker=_maker_by(read.name, read.metadata),
        listed_at=read.created_at or now,
        seen_at=now,
        **columns | {"metadata": dict(read.metadata)},
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
    """The cloud answered at the snapshot's own address that it holds it no more. The row says from
    then on when it was seen last: a whole reading writes no row of what it found unchanged.
    """
    rows = Snapshot.objects.filter(pk=key, seen_at__lte=now)
    for row in rows:
        of_volume = Volume.objects.filter(cloud=row.cloud, volume_id=row.volume_id)
        of_cloud = CloudHealth.objects.filter(cloud=row.cloud)
        whole_readings = [
            *of_volume.values_list("snapshots_at", flat=True),
            *of_cloud.values_list("snapshots_at", flat=True),
        ]
        seen_at = min(now, row.read_at(*whole_readings))
        rows.update(gone_at=now, seen_at=Greatest("seen_at", seen_at))
