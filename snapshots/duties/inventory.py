"""Keeps the list of volumes and the quota as the cloud last told them."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.duties.vanished import HELD_BACK, MOST_FAILURES, most_vanished, singles
from snapshots.evs.errors import EvsError, NotFound
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudVolume, Quotas
from snapshots.jobs.claims import hold
from snapshots.jobs.duties import end_duty, pause_after_failure
from snapshots.mirror import (
    STORED_AT_ONCE,
    mark_volume_gone,
    rename_volumes,
    seen_before,
    store_volumes,
)
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
    held_back = _store_volumes(duty, listed, asked_at)
    quota_trouble_code = _read_quotas(cloud)
    trouble_code = HELD_BACK if held_back else quota_trouble_code
    if not listed.is_whole:
        trouble_code = UNREADABLE_ROWS
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


def _store_volumes(duty: Duty, listed: Listed[CloudVolume], asked_at: datetime) -> int:
    """Store the list. Returns how many volumes it lacks, where those are too many to believe it."""
    present = Volume.objects.filter(cloud=duty.cloud, gone_at__isnull=True)
    present_before = present.count()
    _store_rows(duty, listed.rows, asked_at)
    missing = present.filter(seen_before(asked_at))
    held_back = 0
    if listed.is_whole and _is_doubtful(listed, missing.count(), present_before):
        held_back = _confirm_missing(duty, missing)
    if not held_back:
        in_transaction(lambda: _note_reading(duty, missing, asked_at, is_whole=listed.is_whole))
    return held_back


def _note_reading(
    duty: Duty, missing: QuerySet[Volume], asked_at: datetime, *, is_whole: bool
) -> None:
    hold(duty)
    if is_whole:  # whatever this reading did not list is gone from the cloud
        lock_rows(missing)
        missing.update(gone_at=asked_at)
    CloudHealth.objects.update_or_create(cloud=duty.cloud, defaults={"inventory_at": asked_at})


def _is_doubtful(listed: Listed[CloudVolume], missing: int, present_before: int) -> bool:
    """An empty list is never believed alone: a project's last volumes are asked for as well."""
    return missing > most_vanished(present_before) or (missing > 0 and not listed.rows)


def _confirm_missing(duty: Duty, missing: QuerySet[Volume]) -> int:
    """Ask for some of these at their own addresses, in no order. Returns how many there were that
    are not known to be gone: those that answered count too, for the list lacks them wrongly.

    A volume that cannot be read does not keep the others from being asked for; several in a row
    say that the cloud does not answer.
    """
    client = client_for_portal(duty.cloud, Purpose.INVENTORY)
    most = singles(duty.cloud, seconds=settings.EVSPORTAL_INVENTORY_SECONDS)
    held_back, failures_in_a_row = missing.count(), 0
    for volume in missing.order_by("?")[:most]:
        now = timezone.now()
        try:
            store_volume(duty, client.show_volume(volume.volume_id), asked_at=now)
        except NotFound:
            mark_volume_gone(volume.pk, now=now)
            held_back -= 1
        except EvsError as error:
            log.warning("Volume %s could not be read: %s", volume.volume_id, error)
            failures_in_a_row += 1
            if failures_in_a_row == MOST_FAILURES:
                break
            continue
        failures_in_a_row = 0
    if held_back and duty.trouble_code != HELD_BACK:
        log.error("%s: %s volumes are not listed any more; held back.", duty.cloud, held_back)
    return held_back


def _store_rows(duty: Duty, volumes: Sequence[CloudVolume], asked_at: datetime) -> None:
    """In short transactions: a person who asks for something waits for the volume's row. Raises
    `LostClaimError`.
    """
    for first in range(0, len(volumes), STORED_AT_ONCE):
        some = volumes[first : first + STORED_AT_ONCE]

        def store(some: Sequence[CloudVolume] = some) -> dict[str, str]:
            hold(duty)
            return store_volumes(duty.cloud, some, asked_at)

        rename_volumes(duty.cloud, in_transaction(store))


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
