"""Writes the rows of a cloud's snapshots. Nothing else writes what a reading showed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from snapshots.clock import if_plausible, latest_plausible
from snapshots.database.transactions import in_transaction, lock_rows
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
_MARKS = ["missing_since", "unread_since", "gone_at"]
_CONFIRMED = ["seen_at", "missed", *_MARKS]


def store_snapshots(
    cloud: str,
    rows: Sequence[CloudSnapshot],
    *,
    now: datetime,
    made_by: Operation | None = None,
) -> int:
    """Store what the cloud showed, at most `STORED_AT_ONCE` rows, in one transaction. `now` is the
    moment before it was asked. Returns how many rows were written: what is unchanged, or was read
    later, is not.

    `made_by` is the operation that made them; without it, who made a snapshot stays as it is.
    """

    def store() -> int:
        written = _write(cloud, rows, now, made_by)
        if made_by is not None:
            stored = Snapshot.objects.filter(cloud=cloud, snapshot_id__in=[row.id for row in rows])
            _note_maker(stored, made_by)
        return written

    return in_transaction(store)


def _write(
    cloud: str, rows: Sequence[CloudSnapshot], now: datetime, made_by: Operation | None
) -> int:
    by_id = {row.id: row for row in sorted(rows, key=lambda row: row.id)}
    names = _names_of_volumes(cloud, {row.volume_id for row in rows})

    latest = latest_plausible(now=timezone.now())

    def is_to_be_written(columns: dict[str, Any], old: dict[str, Any] | None) -> bool:
        if old is None or _was_seen_after(old, now, latest):
            return old is None
        return made_by is not None or _differs(columns, old, latest)

    read = {key: _columns(row, names, made_by) for key, row in by_id.items()}
    stored = _stored(cloud, list(read))
    candidates = [key for key in read if is_to_be_written(read[key], stored.get(key))]
    if not candidates:
        return 0
    if connection.vendor == "postgresql":
        # Only now are rows locked, so they are looked at again: they may be newer by now.
        lock_rows(Snapshot.objects.filter(cloud=cloud, snapshot_id__in=candidates))
        stored = _stored(cloud, candidates)
    changed = [
        _row(cloud, by_id[key], read[key], now=now)
        for key in candidates
        if is_to_be_written(read[key], stored.get(key))
    ]
    Snapshot.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["cloud", "snapshot_id"],
        update_fields=_READ + _CONFIRMED,
    )
    _correct_makers(cloud, changed, stored)
    return len(changed)


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


def _maker_by(name: str, metadata: Mapping[str, str]) -> Maker:
    return Maker.SYSTEM if is_of_system(name, metadata) else Maker.OTHER


def _note_maker(rows: QuerySet[Snapshot], made_by: Operation) -> None:
    """Also in rows that a later reading wrote."""
    rows = rows.exclude(operation=made_by)
    lock_rows(rows)
    rows.update(
        operation=made_by,
        maker=Maker.PORTAL,
        owner_name=made_by.on_behalf_of or made_by.requester_name,
        ticket=made_by.ticket,
    )


def _was_seen_after(old: dict[str, Any], at: datetime, latest: datetime) -> bool:
    """Whether a later reading wrote the row: it was asked for after this moment. A time later than
    the `latest` plausible one says nothing.
    """
    moments = (old["seen_at"], old["gone_at"])
    return any(moment is not None and at < moment <= latest for moment in moments)


def seen_after(at: datetime) -> Q:
    """The same of the rows of a table: snapshots or volumes."""
    latest = latest_plausible(now=timezone.now())
    return Q(seen_at__gt=at, seen_at__lte=latest) | Q(gone_at__gt=at, gone_at__lte=latest)


def seen_before(at: datetime) -> Q:
    """Rows that no reading asked for at this moment or after it has written, as far as is known."""
    return Q(seen_at__lt=at) | Q(seen_at__gt=latest_plausible(now=timezone.now()))


def _differs(columns: dict[str, Any], old: dict[str, Any], latest: datetime) -> bool:
    is_back = old["missed"] or any(old[mark] is not None for mark in _MARKS)
    is_makers = old["maker"] in {Maker.PORTAL, _maker_by(columns["name"], columns["metadata"])}
    return (
        bool(is_back)
        or old["seen_at"] > latest
        or not is_makers
        or any(old[name] != value for name, value in columns.items())
    )


def _columns(
    read: CloudSnapshot, names: Mapping[str, str], made_by: Operation | None
) -> dict[str, Any]:
    """What a reading tells: the columns of `_READ`."""
    asked_of = (made_by.volume_id, made_by.volume_name) if made_by else ("", "")
    return {
        "volume_id": read.volume_id or asked_of[0],
        "volume_name": names.get(read.volume_id) or asked_of[1],
        "name": read.name,
        "description": read.description,
        "metadata": read.metadata,
        "status": read.status,
        "progress": read.progress,
        "size_gb": read.size_gb,
        "created_at": read.created_at,
    }


def _row(cloud: str, read: CloudSnapshot, columns: dict[str, Any], *, now: datetime) -> Snapshot:
    return Snapshot(
        cloud=cloud,
        snapshot_id=read.id,
        maker=_maker_by(read.name, read.metadata),
        listed_at=read.created_at or now,
        seen_at=now,
        **columns | {"metadata": dict(read.metadata)},
    )


def rename_volumes(cloud: str, names: Mapping[str, str]) -> None:
    """Give the snapshots of these volumes the volumes' new names, by the volumes' ids."""
    volume_ids = sorted(names)
    for first in range(0, len(volume_ids), STORED_AT_ONCE):
        of_volumes = Snapshot.objects.filter(
            cloud=cloud, volume_id__in=volume_ids[first : first + STORED_AT_ONCE]
        )

        def rename(of_volumes: QuerySet[Snapshot] = of_volumes) -> None:
            lock_rows(of_volumes)
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
            Q(missing_since=None) | Q(missing_since__gt=since),
            seen_before(since),
            pk__in=keys[first : first + STORED_AT_ONCE],
        )

        def mark(rows: QuerySet[Snapshot] = rows) -> None:
            lock_rows(rows)
            _note_last_reading(rows, since, listed_at)
            rows.update(missing_since=since)

        in_transaction(mark)


def mark_unread(
    cloud: str, snapshot_ids: Sequence[str], *, since: datetime, listed_at: datetime | None
) -> None:
    """A whole reading begun at `since` listed these snapshots in rows that could not be read; the
    whole reading before was begun at `listed_at`.
    """
    for first in range(0, len(snapshot_ids), STORED_AT_ONCE):
        rows = Snapshot.objects.present().filter(
            Q(unread_since=None) | Q(unread_since__gt=since) | Q(missing_since__isnull=False),
            seen_before(since),
            cloud=cloud,
            snapshot_id__in=snapshot_ids[first : first + STORED_AT_ONCE],
        )

        def mark(rows: QuerySet[Snapshot] = rows) -> None:
            lock_rows(rows)
            _note_last_reading(rows, since, listed_at)
            earliest = Least(Coalesce("unread_since", since), since)
            rows.update(unread_since=earliest, missing_since=None)

        in_transaction(mark)


def _note_last_reading(
    rows: QuerySet[Snapshot], since: datetime, listed_at: datetime | None
) -> None:
    """The last whole reading confirmed what has no mark."""
    _replace_implausible(rows, since)
    if if_plausible(listed_at, now=timezone.now()) is not None:
        confirmed = rows.filter(missing_since=None, unread_since=None)
        confirmed.update(seen_at=Greatest("seen_at", listed_at))


def mark_gone(key: int, *, now: datetime) -> None:
    """The cloud answered at the snapshot's own address that it holds it no more. The row says from
    then on when it was seen last: a whole reading writes no row of what it found unchanged.
    """
    rows = Snapshot.objects.filter(seen_before(now) | Q(seen_at=now), pk=key)
    _replace_implausible(rows, now)
    for row in rows:
        of_volume = Volume.objects.filter(cloud=row.cloud, volume_id=row.volume_id)
        of_cloud = CloudHealth.objects.filter(cloud=row.cloud)
        whole_readings = [
            *of_volume.values_list("snapshots_at", flat=True),
            *of_cloud.values_list("snapshots_at", flat=True),
        ]
        seen_at = min(now, row.read_at(*whole_readings))
        rows.update(gone_at=now, seen_at=Greatest("seen_at", seen_at))


def _replace_implausible(rows: QuerySet[Snapshot], at: datetime) -> None:
    """All that is known of a row that was read while the clock was ahead: it was there when it was
    made.
    """
    ahead = rows.filter(seen_at__gt=latest_plausible(now=timezone.now()))
    ahead.update(seen_at=Least("listed_at", at))
