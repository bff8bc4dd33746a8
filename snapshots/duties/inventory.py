"""Keeps the list of volumes and the quota as the cloud last told them."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.evs.errors import EvsError
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudVolume, Quotas
from snapshots.jobs.claims import release, write
from snapshots.models import CloudHealth, Duty, Purpose, Quota, Volume

log = logging.getLogger(__name__)

SHOWN = [
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


def sync_inventory(duty: Duty) -> None:
    """Read all volumes and the quota of the duty's cloud once, and plan the next reading."""
    cloud = duty.cloud
    try:
        listed = client_for_portal(cloud, Purpose.INVENTORY).list_volumes()
    except EvsError as error:
        cloud_failed(cloud, error)
        pause = min(SLOWEST_SECONDS, 5.0 * 2 ** min(duty.fails, 6))
        _plan(duty, pause, fails=duty.fails + 1, trouble=str(error))
        return
    cloud_answered(cloud)
    _store_volumes(duty, listed)
    trouble = " ".join(filter(None, (listed.trouble, _read_quotas(cloud))))
    if listed.trouble and trouble != duty.trouble:
        log.warning("Volumes of %s: %s", cloud, listed.trouble)
    _plan(duty, settings.EVSPORTAL_INVENTORY_SECONDS, fails=0, trouble=trouble)


def _read_quotas(cloud: str) -> str:
    """The quota is told as a help: an account that may not read it can still make snapshots."""
    try:
        _store_quotas(cloud, client_for_portal(cloud, Purpose.QUOTA).quotas())
    except EvsError as error:
        return f"The quota could not be read: {error}"
    return ""


def _plan(duty: Duty, seconds: float, *, fails: int, trouble: str) -> None:
    now = timezone.now()
    due_at = now + timedelta(seconds=seconds)
    release(duty, due_at=due_at, done_at=now, fails=fails, trouble=trouble)


def _store_volumes(duty: Duty, listed: Listed[CloudVolume]) -> None:
    cloud, now = duty.cloud, timezone.now()
    # In the order of their ids: two readings that store at one moment lock the rows alike.
    rows = {one.id: _row(cloud, one, now) for one in sorted(listed.rows, key=lambda row: row.id)}

    def store() -> None:
        write(duty, owner=duty.owner)  # fencing: a lost claim must not store a stale reading
        Volume.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            unique_fields=["cloud", "volume_id"],
            update_fields=SHOWN,
            batch_size=500,
        )
        if listed.is_whole:  # whatever this reading did not touch is gone from the cloud
            here = Volume.objects.filter(cloud=cloud, gone_at__isnull=True)
            gone = here.filter(seen_at__lt=now)
            lock_in_order(gone)
            gone.update(gone_at=now)
        CloudHealth.objects.update_or_create(cloud=cloud, defaults={"inventory_at": now})

    in_transaction(store)


def _row(cloud: str, shown: CloudVolume, now: datetime) -> Volume:
    attached = ", ".join(
        f"{one.server_id} ({one.device})" if one.device else one.server_id
        for one in shown.attachments
    )
    return Volume(
        cloud=cloud,
        volume_id=shown.id,
        name=shown.name,
        status=shown.status,
        size_gb=shown.size_gb,
        volume_type=shown.volume_type,
        availability_zone=shown.availability_zone,
        bootable=shown.bootable,
        encrypted=shown.encrypted,
        multiattach=shown.multiattach,
        attached_to=attached[:500],
        seen_at=now,
        gone_at=None,
    )


def _store_quotas(cloud: str, quotas: Quotas) -> None:
    now = timezone.now()
    told = {"snapshots": quotas.snapshots, "gigabytes": quotas.gigabytes, **quotas.by_type}
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
            for resource, quota in sorted(told.items())
            if quota is not None
        ],
        update_conflicts=True,
        unique_fields=["cloud", "resource"],
        update_fields=["limit", "in_use", "reserved", "seen_at"],
    )
