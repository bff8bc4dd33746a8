"""Every snapshot of the cloud has a row, whoever made it, and none outlives the cloud's own."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.duties.looks import ask_for_look
from snapshots.evs.types import snapshot_from
from snapshots.jobs.duties import INVENTORY, LOOK, SNAPSHOTS, start_duty
from snapshots.mirror import store_snapshots
from snapshots.models import (
    CloudHealth,
    Duty,
    Exchange,
    Maker,
    OperationKind,
    Snapshot,
    Volume,
    VolumeGrant,
)
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.sandbox import scenarios
from tests.operations.conftest import control, look_again, snapshots_in

CLOUD = "sandbox"


@pytest.fixture
def read(loop):
    """One whole reading of the project's snapshots."""

    def read():
        start_duty(SNAPSHOTS, CLOUD, due_at=timezone.now())
        Duty.objects.filter(kind=SNAPSHOTS).update(due_at=timezone.now())
        loop.run_until_idle()
        return Duty.objects.get(kind=SNAPSHOTS)

    return read


def remove(sandbox, *snapshot_ids):
    for snapshot_id in snapshot_ids:
        control(sandbox, "DELETE", f"snapshots/{snapshot_id}")


def many_by_hand(by_hand):
    return [by_hand(name) for name in ("reports", "build-cache", "web-01-logs") for _ in range(5)]


def fault_of_list(sandbox, *, times=1):
    plan = {"times": times, "method": "GET", "path": "/snapshots/detail", "status": 200}
    control(sandbox, "POST", "faults", json={**plan, "body": '{"snapshots": []}'})


def test_snapshot_of_the_console_gets_a_row(read, by_hand, sandbox):
    made = by_hand("reports", name="by hand")
    read()
    row = Snapshot.objects.get(snapshot_id=made)
    assert (row.maker, row.operation_id, row.name) == (Maker.OTHER, None, "by hand")
    assert row.volume_id == scenarios.volume_named("reports").id
    assert CloudHealth.objects.get().snapshots_at is not None


@pytest.mark.parametrize(
    "columns",
    [
        {"metadata": {"__system__x": "1"}},
        {"name": "autobk_snapshot_1"},
        {"name": "[revert] volume 7 backup snapshot"},
    ],
)
def test_maker_follows_what_the_cloud_says(read, by_hand, sandbox, columns):
    made = by_hand("reports", name="mine")
    read()
    control(sandbox, "POST", f"snapshots/{made}", json=columns)
    read()
    assert Snapshot.objects.get().is_systems
    control(sandbox, "POST", f"snapshots/{made}", json={"metadata": {}, "name": "mine"})
    read()
    assert Snapshot.objects.get().maker == Maker.OTHER


def test_maker_that_was_stored_wrongly_is_corrected(read, by_hand):
    by_hand("reports", metadata={"__system__x": "1"})
    read()
    Snapshot.objects.update(maker=Maker.OTHER)
    read()
    assert Snapshot.objects.get().is_systems


def test_snapshot_of_the_portal_stays_its_own(read, make, sandbox):
    snapshot = make()
    json = {"metadata": {"__system__x": "1"}}
    control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json=json)
    read()
    snapshot.refresh_from_db()
    assert (snapshot.maker, snapshot.metadata) == (Maker.PORTAL, json["metadata"])


def test_snapshot_of_the_backup_service_is_the_system_s(read, by_hand):
    made = by_hand("reports", name="mine", metadata={"__system__backup": "1"})
    read()
    assert Snapshot.objects.get(snapshot_id=made).is_systems


def test_own_snapshot_keeps_its_operation(read, loop, ask):
    operation = ask("reports", name="ours", ticket="CHG-1")
    loop.run_until_idle()
    read()
    row = Snapshot.objects.get(operation=operation)
    assert (row.maker, row.owner_name, row.ticket) == (Maker.PORTAL, "alice", "CHG-1")


def test_reading_before_the_answer_leaves_the_operation_its_snapshot(
    read, loop, ask, sandbox, by_hand
):
    """The list has a snapshot already whose answer the worker has not stored yet."""
    operation = ask("reports", name="ours")
    made = by_hand("reports", name="ours", metadata={"evsportal-operation": str(operation.pk)})
    control(
        sandbox,
        "POST",
        "faults",
        json={"times": 1, "method": "POST", "path": "/snapshots", "status": 502, "made": False},
    )
    read()
    assert Snapshot.objects.get(snapshot_id=made).maker == Maker.OTHER
    operation.refresh_from_db()
    operation.due_at = timezone.now()
    operation.save()
    loop.run_until_idle()
    row = Snapshot.objects.get(snapshot_id=made)
    assert (row.operation_id, row.maker) == (operation.pk, Maker.PORTAL)


def test_unchanged_rows_are_not_written_again(read, by_hand):
    by_hand("reports")
    read()
    first = Snapshot.objects.get()
    read()
    second = Snapshot.objects.get()
    assert second.seen_at == first.seen_at
    assert second.read_at(CloudHealth.objects.get().snapshots_at) > first.seen_at


def test_deleted_snapshot_was_read_when_last_listed(read, by_hand, sandbox):
    made = by_hand("reports")
    read()
    last_listed = CloudHealth.objects.get().snapshots_at
    remove(sandbox, made)
    read()
    row = Snapshot.objects.get()
    assert row.gone_at is not None
    assert row.read_at() >= last_listed
    assert row.read_at() < CloudHealth.objects.get().snapshots_at


def test_list_that_lacks_a_snapshot_is_not_believed_alone(read, by_hand, sandbox):
    by_hand("reports")
    read()
    fault_of_list(sandbox)
    read()
    row = Snapshot.objects.get()
    assert (row.gone_at, row.missing_since) == (None, None)


def test_empty_list_of_a_full_project_is_held_back(read, by_hand, sandbox, settings):
    settings.EVSPORTAL_SNAPSHOTS_SECONDS = 1
    many_by_hand(by_hand)
    read()
    believed_at = CloudHealth.objects.get().snapshots_at
    fault_of_list(sandbox)
    duty = read()
    health = CloudHealth.objects.get()
    assert (health.snapshots_held_back, health.snapshots_at) == (15, believed_at)
    assert duty.trouble_code == "held_back"
    assert Snapshot.objects.present().count() == 15
    read()
    health = CloudHealth.objects.get()
    assert health.snapshots_held_back == 0
    assert health.snapshots_at > believed_at


def test_mass_deletion_is_confirmed_some_at_a_time(read, by_hand, sandbox, settings):
    settings.EVSPORTAL_SNAPSHOTS_SECONDS = 1
    made = many_by_hand(by_hand)
    read()
    remove(sandbox, *made)
    read()
    assert Snapshot.objects.present().count() == 5
    read()
    assert Snapshot.objects.present().count() == 0


def test_list_that_cannot_be_read_concludes_nothing(read, by_hand, sandbox):
    by_hand("reports")
    read()
    plan = {"times": 1, "method": "GET", "path": "/snapshots/detail", "status": 500}
    control(sandbox, "POST", "faults", json={**plan, "body": "<html>"})
    duty = read()
    assert (duty.fails, duty.trouble_code) == (1, "ServerFault")
    assert Snapshot.objects.present().count() == 1


def test_row_without_an_id_proves_no_absence(read, by_hand, sandbox):
    made = by_hand("reports")
    read()
    remove(sandbox, made)
    plan = {"times": 1, "method": "GET", "path": "/snapshots/detail", "status": 200}
    control(sandbox, "POST", "faults", json={**plan, "body": '{"snapshots": [{"name": "x"}]}'})
    assert read().trouble_code == "unreadable_rows"
    assert Snapshot.objects.present().count() == 1


def test_snapshot_that_comes_back_is_there_again(read, by_hand, sandbox):
    by_hand("reports")
    read()
    Snapshot.objects.update(gone_at=timezone.now() - timedelta(hours=1), missed=2)
    read()
    row = Snapshot.objects.get()
    assert (row.gone_at, row.missed) == (None, 0)


def test_page_asked_for_earlier_does_not_undo_a_deletion(read, by_hand):
    made = by_hand("reports")
    read()
    row, asked_at = Snapshot.objects.get(), timezone.now()
    listed = snapshot_from({"id": made, "status": "available", "volume_id": row.volume_id})
    Snapshot.objects.update(gone_at=timezone.now())
    assert store_snapshots(CLOUD, [listed], now=asked_at) == 0
    assert Snapshot.objects.get().gone_at is not None
    assert store_snapshots(CLOUD, [listed], now=timezone.now()) == 1
    assert Snapshot.objects.get().gone_at is None


def test_seen_at_is_not_after_the_request(read, by_hand):
    by_hand("reports")
    read()
    assert Snapshot.objects.get().seen_at <= Exchange.objects.get(purpose="snapshots").at


def test_unreadable_snapshot_does_not_hide_the_others(read, by_hand, sandbox):
    made = [by_hand(name) for name in ("reports", "build-cache", "web-01-logs")]
    read()
    path = f"/snapshots/{made[0]}"
    plan = {"times": 1000, "method": "GET", "path": path, "status": 500, "body": "<html>"}
    control(sandbox, "POST", "faults", json=plan)
    remove(sandbox, *made)
    read()
    assert [row.snapshot_id for row in Snapshot.objects.present()] == made[:1]
    assert Snapshot.objects.present().get().missing_since is not None


def test_snapshot_gets_the_name_of_its_volume_when_it_is_read(read, by_hand, loop):
    by_hand("reports")
    read()
    assert Snapshot.objects.get().volume_name == ""
    start_duty(INVENTORY, CLOUD, due_at=timezone.now())
    loop.run_until_idle()
    assert Snapshot.objects.get().volume_name == "reports"


def test_readings_are_background_exchanges(read, by_hand):
    by_hand("reports")
    read()
    exchange = Exchange.objects.get(purpose="snapshots")
    assert exchange.background
    assert exchange.operation_id is None


def test_large_project_is_read_less_often(read, by_hand, settings):
    settings.EVSPORTAL_SNAPSHOTS_SECONDS = 1
    read()
    duty = Duty.objects.get(kind=SNAPSHOTS)
    assert duty.due_at - duty.done_at >= timedelta(seconds=0.99)


# --- somebody looks at a volume --------------------------------------------------------------


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


def test_deleted_snapshot_was_there_until_the_last_whole_reading(
    read, by_hand, sandbox, loop, alice
):
    made = by_hand("reports")
    read()
    read()
    Snapshot.objects.update(seen_at=timezone.now() - timedelta(days=20))
    confirmed_at = CloudHealth.objects.get().snapshots_at
    operation = asked_to_delete(made, alice)
    remove(sandbox, made)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.outcome_code == "already_gone"
    row = Snapshot.objects.get()
    assert (row.seen_at, row.gone_at is None) == (confirmed_at, False)


def test_held_back_snapshot_was_there_until_the_last_whole_reading(read, by_hand, sandbox):
    made = many_by_hand(by_hand)
    read()
    Snapshot.objects.update(seen_at=timezone.now() - timedelta(days=20))
    confirmed_at = CloudHealth.objects.get().snapshots_at
    remove(sandbox, *made)
    read()
    assert CloudHealth.objects.get().snapshots_held_back
    assert {row.seen_at for row in Snapshot.objects.filter(gone_at__isnull=False)} == {confirmed_at}


def asked_to_delete(snapshot_id, person):
    row = Snapshot.objects.get(snapshot_id=snapshot_id)
    now = timezone.now()
    defaults = {"name": "reports", "status": "available", "size_gb": 1, "seen_at": now}
    volume, _ = Volume.objects.get_or_create(
        cloud=CLOUD, volume_id=row.volume_id, defaults=defaults
    )
    VolumeGrant.objects.create(cloud=CLOUD, volume_id="", user=person)
    arguments = OperationArguments(kind=OperationKind.DELETE, volume=volume, target_snapshot=row)
    return ask_for_operation(requester=person, key=uuid.uuid4(), arguments=arguments)[0]
