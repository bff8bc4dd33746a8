"""The list of volumes and the quota, as the cloud last told them."""

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots.database.transactions import in_transaction
from snapshots.duties import inventory as inventory_duty
from snapshots.duties.inventory import _store_volumes, store_volume
from snapshots.evs.paging import Listed
from snapshots.evs.types import volume_from
from snapshots.jobs.claims import LostClaimError
from snapshots.mirror import store_watched_volumes
from snapshots.models import CloudHealth, Duty, Exchange, Quota, QuotaDay, Volume
from tests import factories
from tests.operations.conftest import control


def read_again(loop):
    Duty.objects.filter(kind="inventory").update(due_at=timezone.now())
    loop.run_until_idle()


@pytest.fixture
def inventory(loop):
    loop._enlist()
    loop.run_until_idle()
    return {one.name: one for one in Volume.objects.all()}


def test_the_volumes_of_our_project_are_listed(inventory):
    assert inventory["db-primary-data"].status == "in-use"
    assert inventory["db-primary-data"].needs_force
    assert "/dev/vdb" in inventory["db-primary-data"].attached_to
    assert inventory["hr-confidential"].encrypted
    assert "財務-備份" in inventory
    assert "other-project-data" not in inventory
    assert CloudHealth.objects.get().inventory_at is not None


def test_the_quota_is_read(inventory):
    assert Quota.objects.get(resource="snapshots").free > 0


def test_last_quota_of_each_day_stays(inventory, loop):
    before = timezone.now().astimezone(UTC).date() - timedelta(days=1)
    QuotaDay.objects.update(day=before)
    read_again(loop)
    read_again(loop)
    quota = Quota.objects.get(resource="snapshots")
    days = QuotaDay.objects.filter(resource="snapshots")
    assert [(day.used, day.limit) for day in days] == [(quota.used, quota.limit)] * 2
    assert days.first().day == before


def test_a_changed_volume_is_seen_at_the_next_reading(inventory, loop, sandbox):
    volume = inventory["reports"]
    control(sandbox, "POST", f"volumes/{volume.volume_id}", json={"status": "error"})
    read_again(loop)
    volume.refresh_from_db()
    assert volume.status == "error"


def test_a_deleted_volume_is_gone_and_comes_back(inventory, loop, sandbox):
    volume = inventory["web-01-logs"]
    control(sandbox, "DELETE", f"volumes/{volume.volume_id}")
    read_again(loop)
    volume.refresh_from_db()
    assert volume.gone_at is not None
    Volume.objects.filter(name="reports").update(gone_at=timezone.now())
    read_again(loop)
    assert not Volume.objects.filter(name="reports", gone_at__isnull=False).exists()


def test_a_cloud_that_is_down_keeps_the_last_list(inventory, loop, sandbox):
    sandbox.stop()
    read_again(loop)
    assert Volume.objects.filter(gone_at__isnull=True).count() == len(inventory) + 1
    assert "cannot be reached" in CloudHealth.objects.get().trouble.label
    assert Duty.objects.get(kind="inventory").fails == 1


def empty_list(sandbox, *, times=1, volumes=()):
    plan = {"times": times, "method": "GET", "path": "/volumes/detail", "status": 200}
    control(sandbox, "POST", "faults", json={**plan, "body": {"volumes": list(volumes)}})


def test_list_that_lacks_most_volumes_is_held_back(inventory, loop, sandbox, caplog):
    believed_at = CloudHealth.objects.get().inventory_at
    listed = {"id": inventory["build-cache"].volume_id, "status": "error"}
    empty_list(sandbox, volumes=[listed])
    read_again(loop)
    assert len(inventory) > 11
    assert not Volume.objects.exclude(gone_at=None).exists()
    inventory["build-cache"].refresh_from_db()
    assert inventory["build-cache"].status == "error"  # what was listed is stored
    assert Duty.objects.get(kind="inventory").trouble_code == "held_back"
    assert CloudHealth.objects.get().inventory_at == believed_at
    assert "volumes are not listed any more; held back" in caplog.text
    read_again(loop)
    assert Duty.objects.get(kind="inventory").trouble_code == ""
    assert CloudHealth.objects.get().inventory_at > believed_at


def test_empty_list_of_a_small_project_is_held_back(inventory, loop, sandbox):
    few = Volume.objects.filter(name__in=["build-cache", "web-01-logs"])
    Volume.objects.exclude(pk__in=few).delete()
    empty_list(sandbox)
    read_again(loop)
    assert few.filter(gone_at=None).count() == 2
    assert Duty.objects.get(kind="inventory").trouble_code == "held_back"


def test_emptied_project_is_believed_some_volumes_at_a_time(inventory, loop, sandbox, settings):
    settings.EVSPORTAL_INVENTORY_SECONDS = 1  # ten of them in a reading
    volume_ids = list(Volume.objects.values_list("volume_id", flat=True))
    for volume_id in volume_ids:
        control(sandbox, "DELETE", f"volumes/{volume_id}")
    read_again(loop)
    assert Volume.objects.exclude(gone_at=None).count() == 10
    assert Duty.objects.get(kind="inventory").trouble_code == "held_back"
    for _ in range(len(volume_ids) // 10):
        read_again(loop)
    assert not Volume.objects.filter(gone_at=None).exists()
    assert Duty.objects.get(kind="inventory").trouble_code == ""


def test_volumes_held_back_that_do_not_answer_stay(inventory, loop, sandbox):
    empty_list(sandbox)
    plan = {"times": 3, "method": "GET", "path": "/volumes/[0-9a-f-]{36}", "status": 500}
    control(sandbox, "POST", "faults", json={**plan, "body": {}})
    read_again(loop)
    assert not Volume.objects.exclude(gone_at=None).exists()
    asked = Exchange.objects.filter(url__regex="/volumes/[0-9a-f-]{36}$")
    assert asked.count() == 3  # in a row: the cloud does not answer


def test_unreadable_volume_hides_no_other_volume(inventory, loop, sandbox):
    volume = inventory["reports"]
    good = {"id": volume.volume_id, "status": "in-use"}
    listed = {"volumes": [good, {"id": inventory["web-01-logs"].volume_id}]}
    fault = {"times": 1, "method": "GET", "path": "/volumes/detail", "status": 200, "body": listed}
    control(sandbox, "POST", "faults", json=fault)
    read_again(loop)
    volume.refresh_from_db()
    assert volume.status == "in-use"
    assert not Volume.objects.filter(gone_at__isnull=False).exists()
    assert Duty.objects.get(kind="inventory").trouble_code == "unreadable_rows"
    assert CloudHealth.objects.get().failing_since is None


def answer_with(sandbox, path, body):
    plan = {"method": "GET", "path": path, "status": 200, "body": body}
    control(sandbox, "POST", "faults", json=plan)


def test_numbers_in_other_spellings_are_not_zero(inventory, loop, sandbox):
    rows = [
        {"id": "a", "name": "text", "status": "Available", "size": "40.0"},
        {"id": "b", "name": "unreadable", "status": " in-use ", "size": "forty"},
    ]
    answer_with(sandbox, "/volumes/detail", {"volumes": rows})
    quotas = {"snapshots": {"limit": "50", "used": "12"}, "gigabytes": 1000, "volumes": 10}
    answer_with(sandbox, "/os-quota-sets/[0-9a-f]+", {"quota_set": quotas})
    read_again(loop)
    volumes = {one.name: one for one in Volume.objects.filter(gone_at__isnull=True)}
    assert (volumes["text"].size_gb, volumes["text"].status) == (40, "Available")
    assert (volumes["unreadable"].size_gb, volumes["unreadable"].status) == (None, "in-use")
    assert volumes["text"].takes_snapshot
    assert volumes["unreadable"].needs_force
    snapshots, gigabytes = (Quota.objects.get(resource=r) for r in ("snapshots", "gigabytes"))
    assert (snapshots.in_use, snapshots.free) == (12, 38)
    assert (gigabytes.limit, gigabytes.in_use, gigabytes.free) == (1000, None, None)
    assert Quota.objects.get(resource="volumes").limit == 10


def read_of(volume, **changes):
    """What the cloud shows of the volume."""
    return volume_from({"id": volume.volume_id, "name": volume.name, "status": "in-use"} | changes)


def test_volumes_are_as_old_as_the_question(inventory):
    asked = Exchange.objects.filter(purpose="inventory").latest("at")
    assert Volume.objects.latest("seen_at").seen_at <= asked.at
    assert CloudHealth.objects.get().inventory_at <= asked.at
    assert Quota.objects.latest("seen_at").seen_at <= Exchange.objects.get(purpose="quota").at


@pytest.mark.parametrize("name", ["", "renamed"])
def test_list_asked_for_earlier_does_not_undo_what_was_read_since(inventory, name):
    volume, asked_at = inventory["reports"], timezone.now()
    duty = Duty.objects.get(kind="inventory")
    store_volume(duty, read_of(volume, status="detaching"), asked_at=timezone.now())
    if name:
        listed = Listed(rows=[read_of(volume, name=name)], unreadable=[])
    else:
        listed = Listed(rows=[], unreadable=[])
    _store_volumes(duty, listed, asked_at)
    volume.refresh_from_db()
    assert (volume.status, volume.name, volume.gone_at) == ("detaching", "reports", None)


def test_list_asked_for_earlier_does_not_bring_a_volume_back(inventory):
    volume, asked_at = inventory["reports"], timezone.now()
    Volume.objects.filter(pk=volume.pk).update(gone_at=timezone.now())
    store_volume(Duty.objects.get(kind="inventory"), read_of(volume), asked_at=asked_at)
    volume.refresh_from_db()
    assert volume.gone_at is not None


def test_watched_volume_does_not_undo_what_was_read_since(inventory):
    volume, asked_at = inventory["reports"], timezone.now()
    read = read_of(volume, status="detaching")
    store_volume(Duty.objects.get(kind="inventory"), read, asked_at=timezone.now())
    in_transaction(lambda: store_watched_volumes(volume.cloud, [(read_of(volume), asked_at)]))
    volume.refresh_from_db()
    assert volume.status == "detaching"


def test_list_asked_for_earlier_does_not_undo_a_watched_status(inventory):
    volume, asked_at = inventory["build-cache"], timezone.now()
    duty = Duty.objects.get(kind="inventory")
    read = read_of(volume, name="renamed", status="available")  # a rule may ask for its name
    in_transaction(lambda: store_watched_volumes(volume.cloud, [(read, timezone.now())]))
    store_volume(duty, read_of(volume, status="rollbacking"), asked_at=asked_at)
    volume.refresh_from_db()
    assert (volume.status, volume.name) == ("available", "build-cache")
    store_volume(duty, read, asked_at=timezone.now())
    volume.refresh_from_db()
    assert volume.name == "renamed"


def test_snapshots_follow_their_volume_that_is_read_alone(inventory):
    """Also those that are gone, which no reading of snapshots writes any more."""
    volume = inventory["build-cache"]
    gone = factories.foreign_snapshot(volume, gone_at=timezone.now())
    duty = Duty.objects.get(kind="inventory")
    store_volume(duty, read_of(volume, name="renamed"), asked_at=timezone.now())
    gone.refresh_from_db()
    assert gone.volume_name == "renamed"


def listed_of(volumes, **changes):
    return Listed(rows=[read_of(volume, **changes) for volume in volumes], unreadable=[])


def test_of_unchanged_volumes_the_moment_alone_is_written(inventory):
    duty, listed = Duty.objects.get(kind="inventory"), listed_of(Volume.objects.all())
    _store_volumes(duty, listed, timezone.now())
    asked_at = timezone.now()
    with CaptureQueriesContext(connection) as statements:
        _store_volumes(duty, listed, asked_at)
    assert not [row for row in statements if row["sql"].startswith("INSERT")]
    assert set(Volume.objects.values_list("seen_at", flat=True)) == {asked_at}


def test_list_of_several_parts_is_stored_whole(inventory, monkeypatch):
    monkeypatch.setattr(inventory_duty, "STORED_AT_ONCE", 2)
    gone, *others = Volume.objects.all()
    listed = listed_of(others, status="detaching")
    _store_volumes(Duty.objects.get(kind="inventory"), listed, timezone.now())
    assert set(Volume.objects.filter(status="detaching")) == set(others)
    assert list(Volume.objects.exclude(gone_at=None)) == [gone]


def test_parts_are_stored_one_by_one(inventory, monkeypatch):
    """So nobody who asks for something waits for the whole list."""
    monkeypatch.setattr(inventory_duty, "STORED_AT_ONCE", 1)
    answers = iter([None, LostClaimError()])

    def hold(_duty):
        if error := next(answers):
            raise error

    monkeypatch.setattr(inventory_duty, "hold", hold)
    listed = listed_of(Volume.objects.all(), status="detaching")
    with pytest.raises(LostClaimError):
        _store_volumes(Duty.objects.get(kind="inventory"), listed, timezone.now())
    assert Volume.objects.filter(status="detaching").count() == 1
