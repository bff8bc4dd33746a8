"""Every snapshot of the cloud has a row, whoever made it, and none outlives the cloud's own."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.evs.types import snapshot_from
from snapshots.jobs.duties import INVENTORY, SNAPSHOTS, start_duty
from snapshots.mirror import store_snapshots
from snapshots.models import (
    CloudHealth,
    Duty,
    Exchange,
    Maker,
    Snapshot,
)
from snapshots.sandbox import scenarios
from tests.operations.conftest import control, snapshots_in
from tests.operations.test_settle import lose_answer, settled

CLOUD = "sandbox"


def remove(sandbox, *snapshot_ids):
    for snapshot_id in snapshot_ids:
        control(sandbox, "DELETE", f"snapshots/{snapshot_id}")


def many_by_hand(by_hand):
    return [by_hand(name) for name in ("reports", "build-cache", "web-01-logs") for _ in range(5)]


def plenty(sandbox, count=30):
    """That many of one volume, as no console would make."""
    row = {"volume_id": scenarios.volume_named("reports").id}
    for _ in range(count):
        control(sandbox, "POST", "snapshots", json=row)
    return [row["id"] for row in snapshots_in(sandbox)]


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


def test_each_snapshot_held_back_is_asked_for_in_turn(read, sandbox, settings):
    settings.EVSPORTAL_SNAPSHOTS_SECONDS = 1  # ten of them in a reading
    made = plenty(sandbox)
    read()
    remove(sandbox, *made[::7])
    fault_of_list(sandbox, times=3)
    for _ in range(3):
        read()
    paths = Exchange.objects.filter(method="GET").values_list("url", flat=True)
    asked_alone = [path.rpartition("/")[2] for path in paths]
    assert {asked_alone.count(snapshot_id) for snapshot_id in made} == {1}
    gone = Snapshot.objects.filter(gone_at__isnull=False)
    assert {row.snapshot_id for row in gone} == set(made[::7])


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


def unreadable(sandbox, *snapshot_ids, times=1):
    """The next lists have these snapshots without a status, and no other."""
    plan = {"times": times, "method": "GET", "path": "/snapshots/detail", "status": 200}
    rows = [{"id": snapshot_id} for snapshot_id in snapshot_ids]
    control(sandbox, "POST", "faults", json=plan | {"body": {"snapshots": rows}})


def age(row):
    """When the page says that the snapshot was read."""
    return row.read_at(CloudHealth.objects.get().snapshots_at)


def test_row_that_cannot_be_read_is_as_old_as_the_last_readable_one(read, by_hand, sandbox):
    made = by_hand("reports")
    read()
    readable_at = CloudHealth.objects.get().snapshots_at
    unreadable(sandbox, made, times=2)
    assert read().trouble_code == "unreadable_rows"
    first = Snapshot.objects.get()
    read()
    row = Snapshot.objects.get()
    assert age(first) == age(row) == row.seen_at < CloudHealth.objects.get().snapshots_at
    assert row.seen_at >= readable_at
    assert (row.unread_since, row.missing_since) == (first.unread_since, None)
    read()
    row = Snapshot.objects.get()
    assert row.unread_since is None
    assert age(row) == row.seen_at > first.unread_since


def test_unreadable_row_is_no_missing_row(read, by_hand, sandbox):
    made = by_hand("reports")
    read()
    seen_at = Snapshot.objects.get().seen_at
    Snapshot.objects.update(missing_since=timezone.now())
    unreadable(sandbox, made)
    read()
    row = Snapshot.objects.get()
    assert row.missing_since is None
    assert age(row) == seen_at


def test_snapshot_that_was_unreadable_and_vanished_is_no_younger(read, by_hand, sandbox):
    made = by_hand("reports")
    read()
    unreadable(sandbox, made)
    read()
    seen_at = Snapshot.objects.get().seen_at
    fault_of_list(sandbox)
    plan = {"times": 9, "method": "GET", "path": f"/snapshots/{made}", "status": 500}
    control(sandbox, "POST", "faults", json=plan | {"body": "<html>"})
    read()
    row = Snapshot.objects.get()
    assert row.missing_since is not None
    assert age(row) == seen_at


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


def test_earlier_answer_leaves_the_row_but_says_who_made_it(read, by_hand, ask):
    made = by_hand("reports")
    read()
    operation, asked_at = ask("reports", ticket="CHG-1"), timezone.now()
    listed = snapshot_from({"id": made, "status": "creating", "volume_id": operation.volume_id})
    Snapshot.objects.update(status="available", seen_at=timezone.now())
    store_snapshots(CLOUD, [listed], now=asked_at, made_by=operation)
    row = Snapshot.objects.get()
    assert (row.status, row.operation_id, row.ticket) == ("available", operation.pk, "CHG-1")


def test_found_snapshot_is_as_old_as_the_question(loop, ask, sandbox):
    lose_answer(sandbox, made=True)
    operation = ask("reports")
    loop.run_until_idle()
    settled(loop, operation)
    asked = Exchange.objects.filter(purpose="settle").latest("at")
    assert Snapshot.objects.get().seen_at <= asked.at


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
