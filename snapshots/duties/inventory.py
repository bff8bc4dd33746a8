"""Keeps the list of volumes and the quota as the cloud last told them."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.evs.errors import EvsError
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudVolume, Quotas
from snapshots.jobs.claims import hold
from snapshots.jobs.duties import end_duty
from snapshots.mirror import rename_volumes
from snapshots.models import CloudHealth, Duty, Purpose, Quota, Volume

log = logging.getLogger(__name__)

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
    "seen_at",
    "gone_at",
]
SLOWEST_SECONDS = 300.0
UNREADABLE_ROWS = "unreadable_rows"


def sync_inventory(duty: Duty) -> None:
    """Read all volumes and the quota of the duty's cloud once, and plan the next reading."""
    cloud = duty.cloud
    try:
        listed = client_for_portal(cloud, Purpose.INVENTORY).list_volumes()
    except EvsError as error:
        cloud_failed(cloud, error)
        pause = timedelta(seconds=min(SLOWEST_SECONDS, 5.0 * 2 ** min(duty.fails, 6)))
        code = type(error).__name__
        end_duty(duty, due_at=timezone.now() + pause, fails=duty.fails + 1, trouble_code=code)
        return
    cloud_answered(cloud)
    _store_volumes(duty, listed)
    quota_trouble_code = _read_quotas(cloud)
    trouble_code = quota_trouble_code if listed.is_whole else UNREADABLE_ROWS
    if listed.trouble and trouble_code != duty.trouble_code:
        log.warning("Volumes of %s: %s", cloud, listed.trouble)
    pause = timedelta(seconds=settings.EVSPORTAL_INVENTORY_SECONDS)
    end_duty(duty, due_at=timezone.now() + pause, trouble_code=trouble_code)


def _read_quotas(cloud: str) -> str:
    """The quota is a help only: an account that may not read it can still make snapshots. Returns
    what went wrong.
    """
    try:
        _store_quotas(cloud, client_for_portal(cloud, Purpose.QUOTA).quotas())
    except EvsError as error:
        log.info("The quota of %s could not be read: %s", cloud, error)
        return f"quota:{type(error).__name__}"
    return ""


def _store_volumes(duty: Duty, listed: Listed[CloudVolume]) -> None:
    cloud, now = duty.cloud, timezone.now()
    # In the order of their ids: two readings that store at one moment lock the rows alike.
    rows = {row.id: _row(cloud, row, now) for row in sorted(listed.rows, key=lambda row: row.id)}
    before = dict(Volume.objects.filter(cloud=cloud).values_list("volume_id", "name"))

    def store() -> None:
        hold(duty)
        _upsert(rows.values())
        if listed.is_whole:  # whatever this reading did not touch is gone from the cloud
            here = Volume.objects.filter(cloud=cloud, gone_at__isnull=True)
            gone = here.filter(seen_at__lt=now)
            lock_in_order(gone)
            gone.update(gone_at=now)
        CloudHealth.objects.update_or_create(cloud=cloud, defaults={"inventory_at": now})

    in_transaction(store)
    rename_volumes(
        cloud, {row_id: row.name for row_id, row in rows.items() if before.get(row_id) != row.name}
    )


def store_volume(duty: Duty, volume: CloudVolume) -> None:
    """Store one volume that was read by itself. Raises `LostClaimError`."""
    row = _row(duty.cloud, volume, timezone.now())

    def store() -> None:
        hold(duty)
        _upsert([row])

    in_transaction(store)


def _upsert(rows: Iterable[Volume]) -> None:
    Volume.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["cloud", "volume_id"],
        update_fields=MIRRORED,
        batch_size=500,
    )


def _row(cloud: str, volume: CloudVolume, now: datetime) -> Volume:
    attached = ", ".join(
        f"{attachment.server_id} ({attachment.device})"
        if attachment.device
        else attachment.server_id
        for attachment in volume.attachments
    )
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
        seen_at=now,
        gone_at=None,
    )


def _store_quotas(cloud: str, quotas: Quotas) -> None:
    now = timezone.now()
    by_resource = {"snapshots": quotas.snapshots, "gigabytes": quotas.gigabytes, **quotas.by_type}
    Quota.objects.bulk_create(
        [
            Quota(
                cloud=cloud,
                resource=resource[:80],
                limit=quota.limit,
                in_use=quota.in_use,
                reserved=quota.reserved,
                seen_at=now,
            )
            for resource, quota in sorted(by_resource.items())
            if quota is not None
        ],
        update_conflicts=True,
        unique_fields=["cloud", "resource"],
        update_fields=["limit", "in_use", "reserved", "seen_at"],
    )
