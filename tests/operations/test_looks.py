"""A volume and its snapshots are read soon because somebody opened its page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.duties.looks import ask_for_look
from snapshots.jobs.duties import LOOK
from snapshots.models import Duty, Snapshot, Volume
from tests.operations.conftest import control, look_again, snapshots_in
from tests.operations.test_mirror import fault_of_list, plenty, remove


@pytest.fixture
def old_volume(loop, ask):
    ask("reports")
    loop.run_until_idle()
    return Volume.objects.get(name="reports")


def test_look_reads_the_volume_at_once(loop, old_volume, by_hand, sandbox):
    gone = Snapshot.objects.get().snapshot_id
    made = by_hand("reports", name="new")
    remove(sandbox, gone)
    Snapshot.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert ask_for_look(old_volume)
    loop.run_until_idle()
    assert Snapshot.objects.get(snapshot_id=made).name == "new"
    assert Snapshot.objects.get(snapshot_id=gone).gone_at is not None
    old_volume.refresh_from_db()
    assert old_volume.look_asked_at is None
    assert old_volume.snapshots_at is not None


def look(loop, volume):
    """Somebody opens the volume's page, long after it was read."""
    long_ago = timezone.now() - timedelta(minutes=5)
    Snapshot.objects.update(seen_at=long_ago)
    Volume.objects.update(look_asked_at=None)
    volume.refresh_from_db()
    assert ask_for_look(volume)
    loop.run_until_idle()
    volume.refresh_from_db()


def test_empty_list_of_a_volume_marks_nothing_as_missing(loop, old_volume, sandbox):
    """It counts as read when each that its list lacked was answered for by its own address."""
    made = plenty(sandbox, 12)
    look(loop, old_volume)
    assert Snapshot.objects.present().count() == len(made) == 13
    long_ago = old_volume.snapshots_at - timedelta(minutes=5)
    Volume.objects.update(snapshots_at=long_ago)
    remove(sandbox, made[3], made[5])
    fault_of_list(sandbox, times=2)
    for _ in range(2):
        look(loop, old_volume)
        assert old_volume.snapshots_at == long_ago
    assert not Snapshot.objects.filter(missing_since__isnull=False).exists()
    gone = Snapshot.objects.filter(gone_at__isnull=False)
    assert {row.snapshot_id for row in gone} == {made[3], made[5]}


def test_snapshot_that_is_not_answered_for_stays_as_old_as_it_was(loop, old_volume, sandbox):
    made = Snapshot.objects.get().snapshot_id
    fault_of_list(sandbox)
    plan = {"times": 9, "method": "GET", "path": f"/snapshots/{made}", "status": 500}
    control(sandbox, "POST", "faults", json=plan | {"body": "<html>"})
    look(loop, old_volume)
    row = Snapshot.objects.get()
    assert (row.missing_since, row.gone_at, old_volume.snapshots_at) == (None, None, None)
    assert row.asked_alone_at is not None


def test_look_is_asked_once_a_minute(loop, old_volume):
    assert ask_for_look(old_volume)
    old_volume.refresh_from_db()
    assert not ask_for_look(old_volume)
    loop.run_until_idle()
    old_volume.refresh_from_db()
    assert not ask_for_look(old_volume)


def test_look_at_a_volume_that_is_gone(loop, old_volume, sandbox):
    remove(sandbox, *(row["id"] for row in snapshots_in(sandbox)))
    control(sandbox, "DELETE", f"volumes/{old_volume.volume_id}")
    ask_for_look(old_volume)
    loop.run_until_idle()
    old_volume.refresh_from_db()
    assert old_volume.gone_at is not None


def test_failed_look_can_be_asked_again(loop, old_volume, sandbox):
    plan = {"times": 1, "method": "GET", "path": "/snapshots/detail", "status": 500}
    control(sandbox, "POST", "faults", json={**plan, "body": "<html>"})
    ask_for_look(old_volume)
    loop.run_until_idle()
    old_volume.refresh_from_db()
    assert (old_volume.look_asked_at, old_volume.snapshots_at) == (None, None)
    assert Duty.objects.get(kind=LOOK).trouble_code == "ServerFault"
    assert look_again(loop) is None
