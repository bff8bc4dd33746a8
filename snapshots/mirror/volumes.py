"""Writes the rows of a cloud's volumes. Nothing else writes what a reading showed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from snapshots.database.transactions import lock_rows
from snapshots.evs.types import CloudVolume
from snapshots.mirror.servers import named, server_names
from snapshots.mirror.snapshots import seen_after
from snapshots.models import Volume
from snapshots.rights.matches import facts_before, match_changed
from snapshots.rights.rules import FACTS

MIRRORED = [
    "name",
    "status",
    "size_gb",
    "volume_type",
    "availability_zone",
    "bootable",
    "encrypted",
    "multiattach",
    "attached_to",
    "server_ids",
    "server_names",
    "metadata",
    "seen_at",
    "gone_at",
]
_CONTENT = [name for name in MIRRORED if name != "seen_at"]


def store_volumes(cloud: str, volumes: Sequence[CloudVolume], asked_at: datetime) -> dict[str, str]:
    """Write these volumes but those that were read later, and which grants by rule cover them. Of
    what is unchanged only the moment is written. Called in a transaction that holds the duty that
    reads them, with at most `STORED_AT_ONCE` volumes. Returns the new names by the ids, of those
    that had another name before or are new.
    """
    stored = Volume.objects.filter(cloud=cloud, volume_id__in=[volume.id for volume in volumes])
    lock_rows(stored)
    newer = set(stored.filter(seen_after(asked_at)).values_list("volume_id", flat=True))
    before = {row["volume_id"]: row for row in stored.values("volume_id", *_CONTENT)}
    facts = facts_before(cloud, stored)
    names = _names_at(cloud, volumes)
    # In the order of their ids: two readings that store at one moment lock new rows alike.
    rows = [
        _row(cloud, volume, asked_at, names)
        for volume in sorted(volumes, key=lambda volume: volume.id)
        if volume.id not in newer
    ]
    changed = [row for row in rows if before.get(row.volume_id) != _content(row)]
    Volume.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["cloud", "volume_id"],
        update_fields=MIRRORED,
    )
    unchanged = {row.volume_id for row in rows} - {row.volume_id for row in changed}
    if unchanged:
        rows_as_before = Volume.objects.filter(cloud=cloud, volume_id__in=unchanged)
        rows_as_before.update(seen_at=asked_at)
    match_changed(cloud, changed, facts)
    names_before = {volume_id: row["name"] for volume_id, row in before.items()}
    return {row.volume_id: row.name for row in rows if names_before.get(row.volume_id) != row.name}


def _content(row: Volume) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("volume_id", *_CONTENT)}


def store_watched_volumes(cloud: str, read: Sequence[tuple[CloudVolume, datetime]]) -> None:
    """Write volumes that were read to see how far their requests are, each with the moment before
    it was asked for: who was told that the cloud has finished may ask for the next thing at once.
    Called in a transaction.

    Where a volume changed in what grants by rule ask, its status alone is written, and the moment,
    so that no list that was asked for before brings an older status back: the rest is left to the
    next reading that matches them again.
    """
    stored = Volume.objects.filter(cloud=cloud, volume_id__in=[volume.id for volume, _ in read])
    lock_rows(stored)
    names = _names_at(cloud, [volume for volume, _ in read])
    for volume, asked_at in read:
        rows = stored.filter(volume_id=volume.id).exclude(seen_after(asked_at))
        row = _row(cloud, volume, asked_at, names)
        facts = tuple(getattr(row, name) for name in FACTS)
        is_as_matched = facts in rows.values_list(*FACTS)
        columns = MIRRORED if is_as_matched else ["status", "seen_at"]
        rows.update(**{name: getattr(row, name) for name in columns})


def mark_volume_gone(key: int, *, now: datetime) -> None:
    """The cloud, asked at this moment, answered at the volume's own address that it holds it no
    more.
    """
    Volume.objects.filter(pk=key).exclude(seen_after(now)).update(gone_at=now)


def _names_at(cloud: str, volumes: Sequence[CloudVolume]) -> dict[str, str]:
    ids = (attachment.server_id for volume in volumes for attachment in volume.attachments)
    return server_names(cloud, ids)


def _row(cloud: str, volume: CloudVolume, now: datetime, names: Mapping[str, str]) -> Volume:
    attached = ", ".join(
        f"{attachment.server_id} ({attachment.device})"
        if attachment.device
        else attachment.server_id
        for attachment in volume.attachments
    )
    server_ids = [attachment.server_id for attachment in volume.attachments]
    return Volume(
        cloud=cloud,
        volume_id=volume.id,
        name=volume.name,
        status=volume.status,
        size_gb=volume.size_gb,
        volume_type=volume.volume_type,
        availability_zone=volume.availability_zone,
        bootable=volume.bootable,
        encrypted=volume.encrypted,
        multiattach=volume.multiattach,
        attached_to=attached[:500],
        server_ids=server_ids,
        server_names=named(server_ids, names),
        metadata={**volume.metadata, **volume.tags},
        seen_at=now,
        gone_at=None,
    )
