"""Watching costs the same for one viewer and a thousand, and ends with the truth."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from snapshots.database.transactions import in_transaction
from snapshots.evs.types import snapshot_from
from snapshots.jobs.claims import LostClaimError
from snapshots.jobs.duties import WATCH, start_duty
from snapshots.models import CloudHealth, Duty, Exchange, Operation, OperationState, Snapshot
from snapshots.operations.kinds.base import Reading
from snapshots.operations.messages import outcome_sentence
from snapshots.operations.watch import BURST_CALLS, Watched, _store_readings, watch
from tests.operations.conftest import control, look_again
from tests.operations.test_settle import shown


def watched(operation):
    operation.refresh_from_db()
    return operation.state, operation.snapshot.status


def readings():
    return Exchange.objects.filter(purpose="watch").count()


def test_many_operations_are_watched_by_one_call(loop, ask, clock):
    operations = [ask(name) for name in ("reports", "web-01-logs", "muğla-arşiv", "build-cache")]
    loop.run_until_idle()
    before = readings()
    clock.move(300)
    look_again(loop)
    assert [watched(one) for one in operations] == [("succeeded", "available")] * 4
    assert readings() == before + 1


def test_nothing_open_is_not_asked_for(loop, ask, clock):
    ask("reports")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    assert Duty.objects.get(kind="watch").due_at is None
    before = readings()
    loop.run_until_idle()
    assert readings() == before


def test_an_accepted_operation_wakes_the_resting_watch(loop, ask):
    loop._enlist()
    loop.run_until_idle()
    assert Duty.objects.get(kind="watch").due_at is None
    ask("reports")
    loop.run_until_idle()
    assert Duty.objects.get(kind="watch").due_at is not None


def test_a_status_never_seen_before_is_shown_and_watched(loop, ask, clock):
    operation = ask("trouble: unknown status")
    loop.run_until_idle()
    clock.move(6)
    look_again(loop)
    assert watched(operation) == ("accepted", "quiescing")
    clock.move(120)
    look_again(loop)
    assert watched(operation) == ("succeeded", "available")


def test_a_snapshot_missed_once_is_not_given_up(loop, ask, sandbox):
    operation = ask("reports")
    loop.run_until_idle()
    look_again(loop)
    control(sandbox, "DELETE", f"snapshots/{operation.snapshot.snapshot_id}")
    Snapshot.objects.update(missed=0)
    look_again(loop)
    assert watched(operation)[0] == OperationState.ACCEPTED
    look_again(loop)
    assert watched(operation)[0] == OperationState.FAILED
    operation.refresh_from_db()
    assert "no longer in the cloud" in outcome_sentence(operation)


def test_unseen_snapshot_may_appear_within_settle_time(loop, ask, sandbox, settings):
    """Lists may be that far behind, and who is told that it is gone asks again."""
    operation = ask("reports")
    loop.run_until_idle()
    control(sandbox, "DELETE", f"snapshots/{operation.snapshot.snapshot_id}")
    for _ in range(5):
        look_again(loop)
    assert watched(operation)[0] == OperationState.ACCEPTED
    long_ago = timezone.now() - timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS + 1)
    Operation.objects.update(state_at=long_ago)
    Snapshot.objects.update(seen_at=long_ago)
    look_again(loop)
    assert watched(operation)[0] == OperationState.FAILED
    assert "no longer in the cloud" in outcome_sentence(operation)


def test_a_cloud_that_does_not_answer_ends_nothing(loop, ask, sandbox, clock):
    operation = ask("reports")
    loop.run_until_idle()
    control(
        sandbox,
        "POST",
        "faults",
        json={"times": 1, "method": "GET", "path": "/snapshots/detail", "status": 502},
    )
    clock.move(60)
    look_again(loop)
    assert watched(operation)[0] == OperationState.ACCEPTED
    health = CloudHealth.objects.get()
    assert health.failing_since is not None
    look_again(loop)
    assert watched(operation)[0] == OperationState.SUCCEEDED
    health.refresh_from_db()
    assert health.failing_since is None


def test_pauses_grow_with_age_of_operation(loop, ask, settings):
    settings.EVSPORTAL_WATCH_SECONDS = 2
    ask("trouble: takes long")
    loop.run_until_idle()

    def pause(age_seconds):
        Operation.objects.update(state_at=timezone.now() - timedelta(seconds=age_seconds))
        look_again(loop)
        return (Duty.objects.get(kind="watch").due_at - timezone.now()).total_seconds()

    assert pause(0) == pytest.approx(0.5, abs=0.3)
    assert pause(11) == pytest.approx(2, abs=0.5)
    assert pause(100) == pytest.approx(10, abs=1)
    assert pause(4000) == pytest.approx(30, abs=0.5)


def list_as(sandbox, *rows, times=1):
    """The cloud's next lists of snapshots hold these rows."""
    plan = {"times": times, "method": "GET", "path": "/snapshots/detail", "status": 200}
    control(sandbox, "POST", "faults", json=plan | {"body": {"snapshots": list(rows)}})


def row_of(operation, **changes):
    row = shown(operation.volume_id, str(operation.pk), operation.snapshot.snapshot_id)
    return row["snapshot"] | changes


def test_a_row_that_cannot_be_read_blinds_nobody_else(loop, ask, sandbox):
    bad, good = ask("web-01-logs"), ask("reports")
    loop.run_until_idle()
    list_as(sandbox, row_of(bad, status=None), row_of(good, status="available"))
    before = readings()
    look_again(loop)
    assert watched(good)[0] == OperationState.SUCCEEDED
    assert watched(bad)[0] == OperationState.ACCEPTED
    assert Duty.objects.get(kind="watch").trouble_code == "unreadable_rows"
    assert CloudHealth.objects.get().failing_since is None
    assert readings() == before + 2


def test_unreadable_row_is_read_by_its_id(loop, ask, sandbox, clock):
    operation = ask("reports")
    loop.run_until_idle()
    clock.move(60)
    list_as(sandbox, row_of(operation, status=None))
    look_again(loop)
    assert watched(operation) == ("succeeded", "available")


def test_what_the_list_shows_unreadably_is_not_gone(loop, ask, sandbox):
    operation = ask("reports")
    loop.run_until_idle()
    control(sandbox, "DELETE", f"snapshots/{operation.snapshot.snapshot_id}")
    list_as(sandbox, row_of(operation, status=None), times=4)
    for _ in range(4):
        look_again(loop)
    assert watched(operation)[0] == OperationState.ACCEPTED


def test_unreadable_foreign_row_does_not_block_forever(loop, ask, sandbox):
    operation = ask("reports")
    loop.run_until_idle()
    look_again(loop)
    control(sandbox, "DELETE", f"snapshots/{operation.snapshot.snapshot_id}")
    list_as(sandbox, row_of(operation, id="another", status=None), times=4)
    look_again(loop)
    look_again(loop)
    assert watched(operation)[0] == OperationState.FAILED


def test_a_watch_that_woke_up_late_gives_nothing_up(loop, ask, sandbox):
    operation = ask("reports")
    loop.run_until_idle()
    late = Snapshot.objects.select_related("operation").get()
    late.missed = 1  # as it read, before it froze and another saw the snapshot
    duty = Duty.objects.get(kind="watch")
    Duty.objects.update(token=duty.token + 1)
    with pytest.raises(LostClaimError):
        readings = [(Watched(late.operation, late), Reading(None))]
        _store_readings(duty, readings, asked_at=timezone.now())
    assert watched(operation)[0] == OperationState.ACCEPTED


def test_nothing_is_gone_beside_unreadable_row(loop, ask, sandbox):
    operation, other = ask("reports"), ask("web-01-logs")
    loop.run_until_idle()
    look_again(loop)
    control(sandbox, "DELETE", f"snapshots/{operation.snapshot.snapshot_id}")
    list_as(sandbox, {"size": 1}, row_of(other), times=4)
    for _ in range(4):
        look_again(loop)
    assert watched(operation)[0] == OperationState.ACCEPTED
    look_again(loop)
    look_again(loop)
    assert watched(operation)[0] == OperationState.FAILED


def test_incomplete_list_costs_few_calls(loop, ask, sandbox, settings):
    names = ["reports", "web-01-logs", "muğla-arşiv", "build-cache"]
    operations = [ask(name) for name in [*names, "trouble: takes long", "trouble: unknown status"]]
    loop.run_until_idle()
    assert {watched(one)[0] for one in operations} == {OperationState.ACCEPTED}
    list_as(sandbox)
    before = readings()
    settings.EVSPORTAL_WATCH_SECONDS = 2
    look_again(loop)
    assert readings() == before + 6
    pause = Duty.objects.get(kind="watch").due_at - timezone.now()
    assert pause.total_seconds() == pytest.approx(12, abs=1)


@pytest.mark.parametrize("lacks", [False, True])
def test_watching_costs_thirty_calls_a_minute_and_a_burst(loop, ask, sandbox, settings, lacks):
    names = ["reports", "web-01-logs", "muğla-arşiv", "build-cache"]
    for name in [*names, "trouble: takes long", "trouble: unknown status"]:
        ask(name)
    loop.run_until_idle()
    if lacks:  # the list has none of them, and each is asked for by itself in vain
        control(sandbox, "POST", "faults", json={"times": 999, "method": "GET", "status": 500,
                                                 "path": "/snapshots/(?!detail).*"})  # fmt: skip
        list_as(sandbox, times=999)
    settings.EVSPORTAL_WATCH_SECONDS = 2
    look_again(loop)
    before = readings()
    second = timedelta(seconds=1)
    for _ in range(60):
        times = {name: F(name) - second for name in ("due_at", "done_at", "rests_until")}
        Duty.objects.filter(kind="watch").update(**times)
        # In each second an operation is accepted, as `adopt` tells the watch.
        start_duty(WATCH, "sandbox", due_at=timezone.now() + timedelta(seconds=2))
        loop.run_until_idle()
    # The bucket comes on top of it, once, and so does the reading that overflows it.
    assert 0 < readings() - before <= 30 + BURST_CALLS + 6


def test_watch_that_lost_its_claim_writes_nothing(loop, ask, clock):
    operation = ask("reports")
    loop.run_until_idle()
    clock.move(300)
    duty = Duty.objects.get(kind="watch")
    Duty.objects.update(token=duty.token + 1)  # another has read since it began to
    with pytest.raises(LostClaimError):
        watch(duty)
    assert watched(operation) == (OperationState.ACCEPTED, "creating")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("AVAILABLE", OperationState.SUCCEEDED),
        (" Available ", OperationState.SUCCEEDED),
        ("ERROR", OperationState.FAILED),
        ("Error_Deleting", OperationState.FAILED),
        ("error deleting", OperationState.FAILED),
        ("CREATING", OperationState.ACCEPTED),
        ("availableish", OperationState.ACCEPTED),
    ],
)
def test_a_status_counts_in_any_spelling(loop, ask, sandbox, status, state):
    operation = ask("reports")
    loop.run_until_idle()
    list_as(sandbox, row_of(operation, status=status))
    look_again(loop)
    assert watched(operation) == (state, status.strip())


def test_watched_rows_are_as_old_as_the_question(loop, ask, clock):
    operation = ask("reports")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    assert watched(operation) == ("succeeded", "available")
    asked = Exchange.objects.filter(purpose="watch").latest("at")
    assert Snapshot.objects.get().seen_at <= asked.at


def test_list_asked_for_earlier_does_not_undo_what_was_read_since(loop, ask, clock):
    operation = ask("reports")
    loop.run_until_idle()
    row, asked_at = Snapshot.objects.get(), timezone.now()
    Snapshot.objects.update(status="deleting", seen_at=timezone.now())
    duty = Duty.objects.get(kind="watch")
    listed = snapshot_from(row_of(operation, status="available"))
    readings = [(Watched(operation, row), Reading(listed, [listed]))]
    operation.refresh_from_db()
    in_transaction(lambda: _store_readings(duty, readings, asked_at=asked_at))
    assert watched(operation) == (OperationState.SUCCEEDED, "deleting")
