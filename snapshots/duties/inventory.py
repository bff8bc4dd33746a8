"""Keeps the list of volumes and the quota as the cloud last told them."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.evs.errors import EvsError
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudVolume, Quotas
from snapshots.jobs.claims import hold
from snapshots.jobs.duties import end_duty, pause_after_failure
from snapshots.mirror import STORED_AT_ONCE, rename_volumes, seen_before, store_volumes
from snapshots.models import CloudHealth, Duty, Purpose, Quota, QuotaDay, Volume
from snapshots.rights.matches import is_everything_matched, match_everything

log = logging.getLogger(__name__)

PLOTTED_QUOTAS = frozenset({"snapshots", "gigabytes"})
UNREADABLE_ROWS = "unreadable_rows"


def sync_inventory(duty: Duty) -> None:
    """Read all volumes and the quota of the duty's cloud once, and plan the next reading."""
    cloud = duty.cloud
    _match_everything_when_due(duty)
    asked_at = timezone.now()
    try:
        listed = client_for_portal(cloud, Purpose.INVENTORY).list_volumes()
    except EvsError as error:
        cloud_failed(cloud, error)
        due_at = timezone.now() + pause_after_failure(duty.fails)
        code = type(error).__name__
        end_duty(duty, due_at=due_at, fails=duty.fails + 1, trouble_code=code)
        return
    cloud_answered(cloud)
    _store_volumes(duty, listed, asked_at)
    quota_trouble_code = _read_quotas(cloud)
    trouble_code = quota_trouble_code if listed.is_whole else UNREADABLE_ROWS
    if listed.trouble and trouble_code != duty.trouble_code:
        log.warning("Volumes of %s: %s", cloud, listed.trouble)
    pause = timedelta(seconds=settings.EVSPORTAL_INVENTORY_SECONDS)
    end_duty(duty, due_at=timezone.now() + pause, trouble_code=trouble_code)


def _match_everything_when_due(duty: Duty) -> None:
    """Before the cloud is asked: grants are mended while it is away, too."""
    if is_everything_matched(duty.cloud):
        return

    def match() -> None:
        hold(duty)
        match_everything(duty.cloud)

    in_transaction(match)


def _read_quotas(cloud: str) -> str:
    """The quota is a help only: an account that may not read it can still make snapshots. Returns
    what went wrong.
    """
    asked_at = timezone.now()
    try:
        _store_quotas(cloud, client_for_portal(cloud, Purpose.QUOTA).quotas(), asked_at)
    except EvsError as error:
        log.info("The quota of %s could not be read: %s", cloud, error)
        return f"quota:{type(error).__name__}"
    return ""


def _store_volumes(duty: Duty, listed: Listed[CloudVolume], asked_at: datetime) -> None:
    cloud = duty.cloud
    before = dict(Volume.objects.filter(cloud=cloud).values_list("volume_id", "name"))

    def note_reading() -> None:
        hold(duty)
        if listed.is_whole:  # whatever this reading did not list is gone from the cloud
            here = Volume.objects.filter(cloud=cloud, gone_at__isnull=True)
            gone = here.filter(seen_before(asked_at))
            lock_rows(gone)
            gone.update(gone_at=asked_at)
        CloudHealth.objects.update_or_create(cloud=cloud, defaults={"inventory_at": asked_at})

    names = _store_rows(duty, listed.rows, asked_at)
    in_transaction(note_reading)
    rename_volumes(
        cloud, {row_id: name for row_id, name in names.items() if before.get(row_id) != name}
    )


def _store_rows(duty: Duty, volumes: Sequence[CloudVolume], asked_at: datetime) -> dict[str, str]:
    """In short transactions: a person who asks for something waits for the volume's row. Returns
    the names by the ids. Raises `LostClaimError`.
    """
    names: dict[str, str] = {}
    for first in range(0, len(volumes), STORED_AT_ONCE):
        some = volumes[first : first + STORED_AT_ONCE]

        def store(some: Sequence[CloudVolume] = some) -> dict[str, str]:
            hold(duty)
            return store_volumes(duty.cloud, some, asked_at)

        names |= in_transaction(store)
    return names


def store_volume(duty: Duty, volume: CloudVolume, *, asked_at: datetime) -> None:
    """Store one volume that was read by itself. Raises `LostClaimError`."""
    _store_rows(duty, [volume], asked_at)


def _store_quotas(cloud: str, quotas: Quotas, asked_at: datetime) -> None:
    by_resource = {
        "snapshots": quotas.snapshots,
        "gigabytes": quotas.gigabytes,
        "volumes": quotas.volumes,
        **quotas.by_type,
    }
    rows = [
        Quota(
            cloud=cloud,
            resource=resource[:80],
            limit=quota.limit,
            in_use=quota.in_use,
            reserved=quota.reserved,
            seen_at=asked_at,
        )
        for resource, quota in sorted(by_resource.items())
        if quota is not None
    ]
    Quota.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["cloud", "resource"],
        update_fields=["limit", "in_use", "reserved", "seen_at"],
    )
    _store_day(rows, asked_at)


def _store_day(quotas: Sequence[Quota], asked_at: datetime) -> None:
    """The day's last reading stays, for plots and forecasts."""
    day = asked_at.astimezone(UTC).date()
    QuotaDay.objects.bulk_create(
        [
            QuotaDay(
                cloud=row.cloud, resource=row.resource, day=day, limit=row.limit, used=row.used
            )
            for row in quotas
            if row.resource in PLOTTED_QUOTAS and row.used is not None
        ],
        update_conflicts=True,
        unique_fields=["cloud", "resource", "day"],
        update_fields=["limit", "used"],
    )
