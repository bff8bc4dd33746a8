"""The machine's clock is set an hour ahead or back while work is in hand."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from evsportal.variables import VARIABLES
from snapshots import worker
from snapshots.duties.looks import ask_for_look
from snapshots.duties.snapshots import in_turn
from snapshots.jobs.claims import LONGEST_REST
from snapshots.jobs.duties import INVENTORY, SNAPSHOTS, start_duty
from snapshots.models import (
    CloudHealth,
    Duty,
    Exchange,
    Operation,
    OperationState,
    Snapshot,
    Volume,
)
from snapshots.sandbox import scenarios
from snapshots.worker import Loop
from tests.operations.conftest import control, let_time_pass, look_again, snapshots_in
from tests.operations.test_settle import lose_answer, settled
from tests.waiting import until

HOUR = timedelta(hours=1)
BOTH_WAYS = pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])


def set_clock(jump):
    return time_machine.travel(datetime.now(tz=UTC) + jump)


def run_in_thread(loop):
    loop.run_until_idle()
    connection.close()


def beat(loop):
    """The worker's next heartbeat comes now."""
    loop._beaten = loop._counted = loop._extended = float("-inf")
    loop.run_until_idle()


def marked(sandbox, operation):
    marks = [one["metadata"].get("evsportal-operation") for one in snapshots_in(sandbox)]
    return marks.count(str(operation.pk))


@BOTH_WAYS
def test_a_request_on_the_wire_is_sent_once(loop, ask, sandbox, jump):
    control(sandbox, "POST", "faults", json={"times": 1, "trouble": "slow"})
    operation = ask("reports")
    sending = threading.Thread(target=run_in_thread, args=[loop])
    sending.start()
    until(lambda: Exchange.objects.filter(purpose="create").exists())
    with set_clock(jump):
        other = Loop()  # another worker, to which a lease of 30 seconds may look long over
        other.name = "another"
        beat(other)
        sending.join()
        beat(loop)
        settled(loop, operation)
        look_again(loop)
        assert operation.exchanges.filter(purpose="create").count() == 1
        assert marked(sandbox, operation) == 1
        operation.refresh_from_db()
        assert operation.state == OperationState.ACCEPTED
        assert operation.snapshot.snapshot_id in {one["id"] for one in snapshots_in(sandbox)}


@BOTH_WAYS
def test_what_waits_goes_on_at_once_or_as_planned(loop, ask, sandbox, jump):
    busy = {"status": 429, "body": {"error_code": "APIGW.0308", "error_msg": "later"}}
    control(sandbox, "POST", "faults", json={"times": 1, "headers": {"Retry-After": "20"}} | busy)
    operation = ask("reports")
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED
    # Twenty by the cloud, thirty and at least one as `cloud` has them drawn.
    assert operation.due_at - operation.state_at > timedelta(seconds=50)
    with set_clock(jump):
        beat(loop)
        operation.refresh_from_db()
        assert operation.state == OperationState.ACCEPTED
        assert marked(sandbox, operation) == 1


@BOTH_WAYS
def test_absence_is_not_proved_any_sooner(loop, ask, sandbox, jump):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    with set_clock(jump):
        beat(loop)
        operation.refresh_from_db()
        assert operation.state == OperationState.UNKNOWN
        assert operation.waited_seconds <= 2
        for _ in range(6):
            Operation.objects.update(due_at=timezone.now())
            loop.run_until_idle()
        operation.refresh_from_db()
        assert operation.state == OperationState.NOT_CREATED


def test_a_clock_set_back_does_not_stop_the_watching(loop, ask, clock):
    operation = ask("reports")
    loop.run_until_idle()
    clock.move(60)
    with set_clock(-HOUR):
        beat(loop)
        operation.refresh_from_db()
        assert operation.state == OperationState.SUCCEEDED


def test_clock_set_back_does_not_keep_breaker_open(loop, ask, sandbox):
    now = datetime.now(tz=UTC)
    CloudHealth.objects.create(
        cloud="sandbox", failing_since=now, retry_at=now + timedelta(minutes=1), fails=3
    )
    Duty.objects.create(
        name="probe:sandbox", kind="probe", cloud="sandbox", due_at=now + timedelta(minutes=1)
    )
    operation = ask("reports")
    with set_clock(-HOUR):
        beat(loop)
        assert CloudHealth.objects.get().retry_at is None
        let_time_pass(operation, 0)
        assert Operation.objects.get().state == OperationState.ACCEPTED


def test_clock_set_back_is_handled_with_busy_database(loop, ask, monkeypatch):
    ask("reports")
    Operation.objects.update(due_at=timezone.now() + timedelta(seconds=20))
    near = worker.bring_near

    def busy(*args, **options):
        monkeypatch.setattr(worker, "bring_near", near)
        raise OperationalError("database is locked")

    monkeypatch.setattr(worker, "bring_near", busy)
    with set_clock(-HOUR):
        beat(loop)
        beat(loop)
        assert Operation.objects.get().state == OperationState.ACCEPTED


def test_a_duty_rests_as_long_as_the_settings_allow(loop, settings):
    """A reading each night is not repeated every few seconds."""
    settings.EVSPORTAL_SNAPSHOTS_SECONDS = _longest("EVSPORTAL_SNAPSHOTS_SECONDS")
    start_duty(SNAPSHOTS, "sandbox", due_at=timezone.now())
    beat(loop)
    readings = Exchange.objects.filter(purpose="snapshots")
    assert readings.count() == 1
    beat(loop)
    assert readings.count() == 1


def test_no_interval_is_longer_than_the_longest_rest():
    intervals = ("EVSPORTAL_INVENTORY_SECONDS", "EVSPORTAL_SNAPSHOTS_SECONDS")
    assert max(_longest(name) for name in intervals) <= LONGEST_REST.total_seconds()


def _longest(name):
    return next(one.most for one in VARIABLES if one.name == name)


def test_rows_of_dead_worker_do_not_wait_lost_hour(loop, ask, sandbox):
    operation = ask("reports")
    held = {"owner": "dead", "due_at": timezone.now() + timedelta(seconds=30)}
    Operation.objects.update(**held, token=7, state=OperationState.SENDING)
    with set_clock(-HOUR):
        beat(loop)
        operation.refresh_from_db()
        assert operation.state == OperationState.SENDING  # it may live, and set its lease anew
        loop._clock.leases_are_good_at = float("-inf")  # a lease later it has not
        beat(loop)
        operation.refresh_from_db()
        assert operation.state == OperationState.ACCEPTED
        assert marked(sandbox, operation) == 1


# --- what was read while the clock was ahead -----------------------------------------------------


def read_all(loop):
    """The next readings of all volumes and all snapshots come now."""
    for kind in (SNAPSHOTS, INVENTORY):
        start_duty(kind, "sandbox", due_at=timezone.now())
        Duty.objects.filter(kind=kind).update(due_at=timezone.now())
    loop.run_until_idle()


def volume_of(name):
    return Volume.objects.get(volume_id=scenarios.volume_named(name).id)


@pytest.fixture
def read_ahead(loop, by_hand):
    """Two snapshots and all volumes were read while the clock was an hour ahead."""
    made = [by_hand("reports"), by_hand("build-cache")]
    with set_clock(HOUR):
        read_all(loop)
        Volume.objects.update(snapshots_at=timezone.now())
    assert Snapshot.objects.filter(seen_at__gt=timezone.now()).count() == 2
    return made


def test_readings_after_a_clock_ahead_are_believed(loop, sandbox, read_ahead):
    changed, deleted = read_ahead
    volume = volume_of("reports")
    control(sandbox, "POST", f"snapshots/{changed}", json={"status": "error"})
    control(sandbox, "DELETE", f"snapshots/{deleted}")
    control(sandbox, "POST", f"volumes/{volume.volume_id}", json={"status": "error"})
    control(sandbox, "DELETE", f"volumes/{volume_of('web-01-logs').volume_id}")
    read_all(loop)
    now = timezone.now()
    row = Snapshot.objects.get(snapshot_id=changed)
    assert (row.status, row.seen_at < now) == ("error", True)
    gone = Snapshot.objects.get(snapshot_id=deleted)
    assert gone.created_at <= gone.seen_at <= gone.gone_at <= now
    volume.refresh_from_db()
    assert (volume.status, volume.seen_at < now) == ("error", True)
    assert volume_of("web-01-logs").gone_at <= now
    assert CloudHealth.objects.get().snapshots_at <= now


def test_snapshot_gone_while_the_clock_was_ahead_can_come_back(loop, read_ahead):
    Snapshot.objects.update(seen_at=timezone.now(), gone_at=timezone.now() + HOUR)
    read_all(loop)
    assert Snapshot.objects.present().count() == 2


def test_look_after_a_clock_ahead_is_allowed(loop, sandbox, read_ahead):
    control(sandbox, "POST", f"snapshots/{read_ahead[0]}", json={"status": "error"})
    volume = volume_of("reports")
    Volume.objects.update(look_asked_at=timezone.now() + HOUR)
    volume.refresh_from_db()
    assert ask_for_look(volume)
    loop.run_until_idle()
    assert Snapshot.objects.get(snapshot_id=read_ahead[0]).status == "error"
    volume.refresh_from_db()
    assert volume.snapshots_at <= timezone.now()


def test_snapshots_asked_for_while_the_clock_was_ahead_are_asked_again(loop, sandbox, read_ahead):
    Snapshot.objects.update(asked_alone_at=timezone.now() + HOUR)
    control(sandbox, "DELETE", f"snapshots/{read_ahead[0]}")
    read_all(loop)
    assert Snapshot.objects.get(snapshot_id=read_ahead[0]).gone_at is not None
    keys = list(in_turn(Snapshot.objects.all()).values_list("snapshot_id", flat=True))
    assert keys == [read_ahead[1], read_ahead[0]]
