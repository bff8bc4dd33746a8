"""Odd clouds: that drop metadata, or answer for something else. Nothing is chosen silently."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.models import (
    Anomaly,
    AnomalyKind,
    CloudHealth,
    Operation,
    OperationState,
    Snapshot,
)
from snapshots.operations.messages import outcome_sentence
from snapshots.sandbox import scenarios
from tests.operations.conftest import control, let_time_pass, look_again, snapshots_in


def lose_answer(sandbox, *, made=True, **options):
    fault = {"times": 1, "status": 502, "made": made, "body": "<html>"} | options
    control(sandbox, "POST", "faults", json=fault)


def settled(loop, operation, times=1):
    for _ in range(times):
        let_time_pass(operation, 70)
        loop.run_until_idle()
    operation.refresh_from_db()
    return operation.state


def kinds():
    return [one.kind for one in Anomaly.objects.all()]


def test_a_cloud_that_keeps_metadata_is_known_as_such(loop, ask):
    ask("reports")
    loop.run_until_idle()
    look_again(loop)
    assert CloudHealth.objects.get().keeps_metadata is True
    assert kinds() == []


def test_answer_with_ready_snapshot_finishes_the_operation(loop, ask, sandbox):
    operation = ask("reports")
    ready = shown(operation.volume_id, "")["snapshot"] | {"metadata": {}, "status": "available"}
    answer_with(sandbox, {"snapshot": ready})
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.SUCCEEDED
    assert CloudHealth.objects.get().keeps_metadata is False


def test_what_the_answer_echoes_is_not_taken_for_kept(loop, ask, sandbox):
    """Echoed and dropped; and then kept without an echo."""
    operation = ask("reports")
    loop.run_until_idle()
    row = shown(operation.volume_id, "", operation.snapshot.snapshot_id)["snapshot"]
    body = {"snapshots": [row | {"metadata": {}}]}
    plan = {"times": 1, "method": "GET", "path": "/snapshots/detail", "status": 200, "body": body}
    control(sandbox, "POST", "faults", json=plan)
    look_again(loop)
    assert CloudHealth.objects.get().keeps_metadata is False
    assert kinds() == [AnomalyKind.METADATA_DROPPED]
    other = ask("web-01-logs")
    silent = shown(other.volume_id, "", str(uuid.uuid4()))["snapshot"] | {"metadata": {}}
    answer_with(sandbox, {"snapshot": silent})
    loop.run_until_idle()
    kept = shown(other.volume_id, str(other.pk), silent["id"])["snapshot"]
    control(sandbox, "POST", "faults", json=plan | {"body": {"snapshots": [row, kept]}})
    look_again(loop)
    assert CloudHealth.objects.get().keeps_metadata is True


def test_a_cloud_that_drops_metadata_is_said_so_once(loop, ask):
    for name in ("one", "two"):
        operation = ask("trouble: drops metadata", name=name)
        loop.run_until_idle()
        look_again(loop)
        Operation.objects.filter(pk=operation.pk).update(state=OperationState.CANCELLED)
    assert kinds() == [AnomalyKind.METADATA_DROPPED]


def test_without_marks_volume_name_and_time_settle(loop, ask, sandbox, by_hand):
    CloudHealth.objects.create(cloud="sandbox", keeps_metadata=False)
    by_hand("reports", name="another name")
    control(
        sandbox,
        "POST",
        f"volumes/{scenarios.volume_named('reports').id}",
        json={"trouble": "drops metadata"},
    )
    lose_answer(sandbox)
    operation = ask("reports", name="mine")
    loop.run_until_idle()
    assert settled(loop, operation) == OperationState.ACCEPTED
    held = {one["id"]: one["name"] for one in snapshots_in(sandbox)}
    assert held[operation.snapshot.snapshot_id] == "mine"


@pytest.mark.parametrize("keeps", [True, False, None])
def test_candidate_without_time_is_left_to_administrators(loop, ask, sandbox, keeps):
    CloudHealth.objects.create(cloud="sandbox", keeps_metadata=keeps)
    lose_answer(sandbox, made=False)
    operation = ask("reports", name="mine")
    loop.run_until_idle()
    row = shown(operation.volume_id, "")["snapshot"]
    row |= {"name": "mine", "metadata": {}, "created_at": "23 Nov 2026, 19:04"}
    plan = {"times": 9, "method": "GET", "path": "/snapshots/detail", "status": 200}
    control(sandbox, "POST", "faults", json=plan | {"body": {"snapshots": [row]}})
    assert settled(loop, operation, times=6) == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.UNMARKED]


def test_of_two_alike_none_is_chosen(loop, ask, sandbox, by_hand):
    CloudHealth.objects.create(cloud="sandbox", keeps_metadata=False)
    by_hand("reports", name="mine")
    by_hand("reports", name="mine")
    lose_answer(sandbox, made=False)
    operation = ask("reports", name="mine")
    loop.run_until_idle()
    assert settled(loop, operation, times=6) == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.SEVERAL_ALIKE]
    assert "do not ask again" in outcome_sentence(operation)


def test_unmarked_candidate_is_left_to_administrators_at_first(loop, ask, sandbox, by_hand, clock):
    by_hand("reports", name="mine")
    lose_answer(sandbox, made=False)
    operation = ask("reports", name="mine")
    loop.run_until_idle()
    assert settled(loop, operation, times=3) == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.UNMARKED]
    clock.move(60)
    ask("web-01-logs")  # the next clear answer bears its mark
    assert settled(loop, operation, times=6) == OperationState.NOT_CREATED


def test_unmarked_candidate_older_than_last_mark_is_ignored(loop, ask, sandbox, by_hand, clock):
    by_hand("reports", name="mine")
    clock.move(60)
    ask("web-01-logs")
    loop.run_until_idle()
    lose_answer(sandbox, made=False)
    operation = ask("reports", name="mine")
    loop.run_until_idle()
    assert settled(loop, operation, times=6) == OperationState.NOT_CREATED
    assert kinds() == []


@pytest.fixture
def dropping_begins(loop, ask, sandbox, clock):
    """The cloud kept marks, and drops them from the very create on whose answer is lost."""
    ask("web-01-logs")
    loop.run_until_idle()
    look_again(loop)
    clock.move(60)
    reports = scenarios.volume_named("reports").id
    control(sandbox, "POST", f"volumes/{reports}", json={"trouble": "drops metadata"})
    lose_answer(sandbox)
    operation = ask("reports", name="mine")
    loop.run_until_idle()
    return operation


def test_newly_dropped_marks_prevent_not_created(loop, dropping_begins):
    assert CloudHealth.objects.get().keeps_metadata is True
    assert settled(loop, dropping_begins, times=6) == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.UNMARKED]


def test_the_next_answer_without_mark_lets_it_be_settled(loop, ask, sandbox, dropping_begins):
    ask("trouble: drops metadata")
    loop.run_until_idle()
    look_again(loop)
    assert settled(loop, dropping_begins, times=2) == OperationState.ACCEPTED
    held = {one["id"]: one["name"] for one in snapshots_in(sandbox)}
    assert held[dropping_begins.snapshot.snapshot_id] == "mine"


def test_later_mark_proves_nothing_with_unreliable_marks(loop, ask, dropping_begins, clock):
    Snapshot.objects.update(metadata={})  # of an earlier one it was dropped
    clock.move(60)
    ask("build-cache")
    assert settled(loop, dropping_begins, times=6) == OperationState.UNKNOWN


def test_two_marked_snapshots_are_reported(loop, ask, sandbox, by_hand):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    for _ in range(2):
        by_hand("reports", metadata={"evsportal-operation": str(operation.pk)})
    assert settled(loop, operation, times=2) == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.SEVERAL_MARKED]
    first = snapshots_in(sandbox)[0]["id"]
    control(sandbox, "DELETE", f"snapshots/{first}")
    assert settled(loop, operation) == OperationState.ACCEPTED


def shown(volume_id, marker, snapshot_id=None):
    return {
        "snapshot": {
            "id": snapshot_id or str(uuid.uuid4()),
            "name": "",
            "description": None,
            "status": "creating",
            "volume_id": volume_id,
            "size": 1,
            "metadata": {"evsportal-operation": marker},
            "created_at": "2026-11-23T16:04:13.449706",
            "updated_at": None,
        }
    }


def answer_with(sandbox, body):
    lose_answer(sandbox, made=False, status=202, body=body)


def test_an_answer_about_another_volume_is_not_believed(loop, ask, sandbox):
    operation = ask("reports")
    other = scenarios.volume_named("web-01-logs").id
    answer_with(sandbox, shown(other, str(operation.pk)))
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.OTHER_VOLUME]
    assert settled(loop, operation, times=6) == OperationState.NOT_CREATED


def test_an_answer_with_another_mark_is_not_believed(loop, ask, sandbox):
    operation = ask("reports")
    answer_with(sandbox, shown(operation.volume_id, str(uuid.uuid4())))
    loop.run_until_idle()
    assert kinds() == [AnomalyKind.OTHER_MARKER]


def test_answer_with_snapshot_of_another_request_is_distrusted(loop, ask, sandbox, clock):
    first = ask("web-01-logs")
    loop.run_until_idle()
    second = ask("reports")
    body = shown(second.volume_id, str(second.pk), first.snapshot.snapshot_id)
    answer_with(sandbox, body)
    loop.run_until_idle()
    second.refresh_from_db()
    assert second.state == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.KNOWN_SNAPSHOT]


def test_a_clock_that_jumps_ahead_does_not_prove_absence(loop, ask, sandbox):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    let_time_pass(operation, 3600)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.UNKNOWN
    assert operation.looks == 1


def test_settle_time_starts_after_the_last_send(loop, ask, sandbox, settings):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    operation.refresh_from_db()
    settings.EVSPORTAL_SETTLE_SECONDS = 120
    settings.EVSPORTAL_DEADLINE_SECONDS = 60
    operation.looks, operation.sent_at = 4, timezone.now() - timedelta(seconds=61)
    operation.due_at = timezone.now()
    operation.save()
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.looks == 5
    assert operation.waited_seconds == pytest.approx(1, abs=1)  # of a pause of 32


def test_list_with_unreadable_row_proves_no_absence(loop, ask, sandbox):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    listed = {"snapshots": [{"id": str(uuid.uuid4()), "volume_id": operation.volume_id}]}
    plan = {"times": 99, "method": "GET", "path": "/snapshots/detail", "status": 200}
    control(sandbox, "POST", "faults", json=plan | {"body": listed})
    assert settled(loop, operation, times=2) == OperationState.UNKNOWN
    assert kinds() == []
    assert settled(loop, operation, times=4) == OperationState.UNKNOWN
    assert operation.looks == 0
    assert kinds() == [AnomalyKind.UNREADABLE]
    unread = listed["snapshots"][0]["id"]
    assert unread in outcome_sentence(operation)
    assert "do not ask again" in outcome_sentence(operation)
    other = ask("web-01-logs")
    Operation.objects.filter(pk=other.pk).update(state=OperationState.SUCCEEDED, due_at=None)
    Snapshot.objects.create(
        operation=other, cloud="sandbox", snapshot_id=unread, seen_at=timezone.now()
    )
    assert settled(loop, operation, times=9) == OperationState.NOT_CREATED


def test_unreadable_row_does_not_hide_a_mark(loop, ask, sandbox):
    lose_answer(sandbox)
    operation = ask("reports")
    loop.run_until_idle()
    (made,) = snapshots_in(sandbox)
    bad = shown(operation.volume_id, "x")["snapshot"] | {"status": None}
    good = shown(operation.volume_id, str(operation.pk), made["id"])["snapshot"]
    plan = {"method": "GET", "path": "/snapshots/detail", "status": 200}
    without = plan | {"times": 6, "body": {"snapshots": [bad]}}
    control(sandbox, "POST", "faults", json=without)
    assert settled(loop, operation, times=6) == OperationState.UNKNOWN
    assert CloudHealth.objects.get().failing_since is None
    control(sandbox, "POST", "faults", json=plan | {"times": 1, "body": {"snapshots": [bad, good]}})
    assert settled(loop, operation) == OperationState.ACCEPTED
    assert operation.snapshot.snapshot_id == made["id"]
