"""Reads one volume and its snapshots soon, because somebody looks at its page."""

from datetime import datetime, timedelta

from django.utils import timezone

from snapshots.clock import is_within
from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction
from snapshots.duties.inventory import store_volume
from snapshots.duties.snapshots import PAGE_ROWS, confirm, in_turn, store_rows
from snapshots.evs.client import EvsClient
from snapshots.evs.errors import EvsError, NotFound
from snapshots.jobs.duties import LOOK, end_duty, start_duty
from snapshots.mirror import mark_volume_gone, seen_before
from snapshots.models import CloudHealth, Duty, Purpose, Snapshot, Volume

OLD_AFTER = timedelta(minutes=1)
VOLUMES_AT_ONCE = 5
CONFIRMED_AT_ONCE = 10


def ask_for_look(volume: Volume) -> bool:
    """Ask the worker to read this volume and its snapshots, if the last reading is older than a
    minute and nobody has asked for it meanwhile. Calls no cloud. Returns whether it was asked.
    """
    now = timezone.now()
    moments = (volume.look_asked_at, volume.snapshots_at)
    is_new = any(at and is_within(at, now=now, period=OLD_AFTER) for at in moments)
    if volume.gone_at is not None or is_new:
        return False
    just_read = CloudHealth.objects.filter(
        cloud=volume.cloud, snapshots_at__gt=now - OLD_AFTER, snapshots_at__lt=now + OLD_AFTER
    )
    if just_read.exists():
        return False
    Volume.objects.filter(pk=volume.pk).update(look_asked_at=now)
    volume.look_asked_at = now
    start_duty(LOOK, volume.cloud, due_at=now)
    return True


def look_at_volumes(duty: Duty) -> None:
    """Read the volumes that people look at. The duty rests until somebody asks again."""
    asked = Volume.objects.filter(cloud=duty.cloud, look_asked_at__isnull=False)
    client = client_for_portal(duty.cloud, Purpose.SNAPSHOTS)
    trouble_code = ""
    for volume in asked.order_by("look_asked_at")[:VOLUMES_AT_ONCE]:
        try:
            _look(duty, client, volume)
        except EvsError as error:
            cloud_failed(duty.cloud, error)
            trouble_code = type(error).__name__
        # After a failure too: the page says how old its facts are, and asks again.
        done = Volume.objects.filter(pk=volume.pk, look_asked_at=volume.look_asked_at)
        done.update(look_asked_at=None)

    def plan() -> None:
        # Our own row is locked first, so that a volume asked for at the same time is seen here, or
        # starts the duty after this.
        end_duty(duty, due_at=None, trouble_code=trouble_code)
        if asked.exists():
            Duty.objects.filter(pk=duty.pk, token=duty.token).update(due_at=timezone.now())

    in_transaction(plan)


def _look(duty: Duty, client: EvsClient, volume: Volume) -> None:
    began = timezone.now()
    try:
        store_volume(duty, client.show_volume(volume.volume_id), asked_at=began)
    except NotFound:
        mark_volume_gone(volume.pk, now=began)
    listed = client.list_readable_snapshots(volume_id=volume.volume_id, limit=PAGE_ROWS)
    store_rows(duty, listed.rows, now=began)
    listed_ids = {row.id for row in listed.rows}
    if listed.is_whole and not _find_missing(duty, client, volume, listed_ids, began):
        Volume.objects.filter(pk=volume.pk).update(snapshots_at=began)
    cloud_answered(duty.cloud)


def _find_missing(
    duty: Duty, client: EvsClient, volume: Volume, listed_ids: set[str], began: datetime
) -> int:
    """Ask for what the list lacks. Returns how many remain of which nothing is known. A list of one
    volume may lack all its snapshots by a fault: only a whole reading marks any as missing.
    """
    older = Snapshot.objects.present().filter(
        seen_before(began), cloud=volume.cloud, volume_id=volume.volume_id
    )
    rows = in_turn(older).values_list("pk", "snapshot_id")
    missing = [key for key, snapshot_id in rows if snapshot_id not in listed_ids]
    unanswered = confirm(duty, client, missing[:CONFIRMED_AT_ONCE])
    return len(missing[CONFIRMED_AT_ONCE:]) + unanswered
