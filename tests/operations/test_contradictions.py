"""Clouds that contradict themselves, echo secrets, or fail for one request only."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.clouds.health import cloud_failed
from snapshots.database.transactions import in_transaction
from snapshots.duties import probe as pinging
from snapshots.duties.probe import probe
from snapshots.evs.errors import LoginFailed
from snapshots.evs.types import snapshot_from
from snapshots.jobs.claims import claim
from snapshots.models import (
    FINAL,
    MARKER,
    Anomaly,
    AnomalyKind,
    Answer,
    CloudHealth,
    Duty,
    Exchange,
    InsertOnlyError,
    Operation,
    OperationState,
    Snapshot,
    Volume,
)
from snapshots.operations.anomalies import _report_unexpected, report_late
from snapshots.operations.kinds.base import Reading
from snapshots.operations.messages import anomaly_sentence, outcome_sentence
from snapshots.operations.watch import Watched, _store_readings
from snapshots.sandbox import scenarios
from tests.operations.conftest import control, let_time_pass, look_again, snapshots_in
from tests.operations.test_settle import kinds, lose_answer, settled, shown


def fault(sandbox, path, body, *, status=200, times=1, method="GET"):
    plan = {"times": times, "method": method, "path": path, "status": status, "body": body}
    control(sandbox, "POST", "faults", json=plan)


def state_of(operation):
    operation.refresh_from_db()
    return operation.state


def test_marker_on_another_volume_is_left_to_administrators(loop, ask, sandbox):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    other = scenarios.volume_named("web-01-logs").id
    listed = {"snapshots": [shown(other, str(operation.pk))["snapshot"]]}
    fault(sandbox, "/snapshots/detail", listed)
    assert settled(loop, operation) == OperationState.UNKNOWN
    assert kinds() == [AnomalyKind.OTHER_VOLUME]


def test_a_reading_of_another_snapshot_concludes_nothing(loop, ask, sandbox):
    operation = ask("trouble: takes long")
    loop.run_until_idle()
    foreign = shown(operation.volume_id, str(uuid.uuid4()))["snapshot"] | {"status": "available"}
    fault(sandbox, "/snapshots/detail", {"snapshots": []})
    fault(sandbox, "/snapshots/[^/]+", {"snapshot": foreign})
    look_again(loop)
    assert state_of(operation) == OperationState.ACCEPTED
    assert kinds() == [AnomalyKind.WRONG_ID]
    assert "administrators" in outcome_sentence(operation)


@pytest.fixture
def named_wrongly(loop, ask, sandbox):
    """The answer to the create fits in all but its id, which is of nothing that is there."""
    operation = ask("reports")
    body = shown(operation.volume_id, str(operation.pk))
    lose_answer(sandbox, made=True, status=202, body=body)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.ACCEPTED
    assert operation.snapshot.snapshot_id == body["snapshot"]["id"]
    return operation


def test_marked_snapshot_replaces_a_missing_one(loop, sandbox, clock, named_wrongly):
    (made,) = snapshots_in(sandbox)
    look_again(loop)
    look_again(loop)
    assert Snapshot.objects.of_operations().get().snapshot_id == made["id"]
    assert kinds() == [AnomalyKind.WRONG_ID]
    clock.move(300)
    look_again(loop)
    assert state_of(named_wrongly) == OperationState.SUCCEEDED


@pytest.mark.parametrize("volume", ["reports", "web-01-logs"])
def test_marked_snapshot_replaces_one_of_another_request(
    loop, ask, sandbox, clock, by_hand, volume
):
    somebodys = by_hand(volume, name="mine")
    clock.move(300)
    operation = ask("reports")
    body = shown(operation.volume_id, str(operation.pk), somebodys)
    lose_answer(sandbox, made=True, status=202, body=body)
    loop.run_until_idle()
    clock.move(300)
    for _ in range(3):
        look_again(loop)
    assert state_of(operation) == OperationState.SUCCEEDED
    (made,) = (one["id"] for one in snapshots_in(sandbox) if one["id"] != somebodys)
    assert Snapshot.objects.of_operations().get().snapshot_id == made
    assert kinds() == [AnomalyKind.WRONG_ID]
    assert CloudHealth.objects.get().keeps_metadata is not False


def test_snapshot_appearing_after_failure_is_reported(loop, named_wrongly, sandbox):
    fault(sandbox, "/snapshots/detail", {"snapshots": []}, times=2)
    Snapshot.objects.update(seen_at=timezone.now())  # a reading knew it
    look_again(loop)
    look_again(loop)
    assert state_of(named_wrongly) == OperationState.FAILED
    report_late("sandbox", [snapshot_from(one) for one in snapshots_in(sandbox)])
    assert kinds() == [AnomalyKind.SEVERAL_MARKED]


def test_snapshot_reappearing_after_failure_is_reported(loop, ask, sandbox):
    operation = ask("reports")
    loop.run_until_idle()
    look_again(loop)
    gone = {"itemNotFound": {"code": 404, "message": "Snapshot could not be found."}}
    fault(sandbox, "/snapshots/(?!detail).*", gone, status=404, times=2)
    fault(sandbox, "/snapshots/detail", {"snapshots": []}, times=2)
    look_again(loop)
    look_again(loop)
    assert state_of(operation) == OperationState.FAILED
    listed = [snapshot_from(one) for one in snapshots_in(sandbox)]
    report_late("sandbox", listed)
    report_late("sandbox", listed)
    assert kinds() == [AnomalyKind.LATE_SNAPSHOT]


def test_of_two_that_bear_the_mark_none_takes_it(loop, named_wrongly, by_hand):
    by_hand("reports", metadata={MARKER: str(named_wrongly.pk)})
    named = named_wrongly.snapshot.snapshot_id
    for _ in range(4):
        look_again(loop)
    assert state_of(named_wrongly) == OperationState.ACCEPTED
    assert Snapshot.objects.get().snapshot_id == named
    assert kinds() == [AnomalyKind.WRONG_ID]
    assert "do not ask again" in outcome_sentence(named_wrongly)


def test_a_listed_row_that_bears_another_mark_concludes_nothing(loop, ask, sandbox):
    operation = ask("trouble: takes long")
    loop.run_until_idle()
    row = shown(operation.volume_id, str(uuid.uuid4()), operation.snapshot.snapshot_id)["snapshot"]
    fault(sandbox, "/snapshots/detail", {"snapshots": [row | {"status": "available"}]})
    look_again(loop)
    assert state_of(operation) == OperationState.ACCEPTED
    assert kinds() == [AnomalyKind.OTHER_MARKER]
    assert "administrators" in outcome_sentence(operation)
    look_again(loop)  # and it fits again
    assert state_of(operation) == OperationState.ACCEPTED
    assert outcome_sentence(operation) == ""


def test_unreadable_snapshot_does_not_hide_others(loop, ask, sandbox, clock):
    broken, good = ask("web-01-logs"), ask("reports")
    loop.run_until_idle()
    control(sandbox, "DELETE", f"snapshots/{broken.snapshot.snapshot_id}")
    fault(sandbox, f"/snapshots/{broken.snapshot.snapshot_id}", None, status=500, times=9)
    clock.move(60)
    look_again(loop)
    assert state_of(good) == OperationState.SUCCEEDED
    assert state_of(broken) == OperationState.ACCEPTED


def test_a_late_reading_does_not_undo_what_was_concluded(loop, ask, clock):
    operation = ask("reports")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    late = Snapshot.objects.select_related("operation").get()
    row = shown(operation.volume_id, str(operation.pk), late.snapshot_id)["snapshot"]
    reading = Reading(snapshot_from(row))
    watched = Watched(late.operation, late)
    duty = Duty.objects.get(kind="watch")
    in_transaction(lambda: _store_readings(duty, [(watched, reading)], asked_at=timezone.now()))
    assert Snapshot.objects.get().status == "available"


def planted_everywhere():
    tables = (Operation, Duty, CloudHealth, Exchange, Answer, Snapshot, Volume, Anomaly)
    return "".join(str(list(table.objects.values())) for table in tables)


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_password_echoed_by_the_cloud_is_stored_nowhere(loop, ask, sandbox, status):
    secret = scenarios.PASSWORD
    body = {"error_msg": f"user {secret} may not", "error_code": secret, "request_id": secret}
    control(
        sandbox,
        "POST",
        "faults",
        json={"times": 2, "status": status, "body": body, "headers": {"X-Request-Id": secret}},
    )
    fault(sandbox, "/volumes/detail", body, status=status)
    loop._enlist()
    ask("reports")
    loop.run_until_idle()
    assert "***" in planted_everywhere()
    assert secret not in planted_everywhere()


def test_password_echoed_at_sign_in_is_not_stored(loop, ask, sandbox):
    secret = scenarios.PASSWORD
    body = {"error": {"code": 401, "message": f"wrong password {secret}", "title": "Unauthorized"}}
    fault(sandbox, "/auth/tokens", body, status=401, method="POST", times=5)
    loop._enlist()
    loop.run_until_idle()
    assert secret not in planted_everywhere()


def test_create_refused_with_401_does_not_open_breaker(loop, ask, sandbox):
    body = {"error": {"code": "EVS.5401", "message": "no"}}
    control(sandbox, "POST", "faults", json={"times": 99, "status": 401, "body": body})
    operation = ask("reports")
    loop.run_until_idle()
    assert CloudHealth.objects.filter(retry_at__isnull=False).count() == 0
    let_time_pass(operation, 1000)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.FAILED
    assert "Nothing was made" in outcome_sentence(operation)


def test_creates_with_repeated_401_are_given_up(loop, ask, sandbox, settings):
    fault(sandbox, ".*/snapshots", {}, status=401, times=99, method="POST")
    operation = ask("reports")
    loop.run_until_idle()
    CloudHealth.objects.update(recovered_at=timezone.now())  # a probe has read
    let_time_pass(operation, settings.EVSPORTAL_RETRY_SECONDS + 1)
    loop.run_until_idle()
    assert state_of(operation) == OperationState.FAILED
    assert "stopped trying" in outcome_sentence(operation)
    assert snapshots_in(sandbox) == []


def test_a_sign_in_page_that_is_missing_refuses_nobody(loop, ask, sandbox):
    fault(sandbox, "/auth/tokens", "<html>moved</html>", status=404, method="POST", times=9)
    operation = ask("reports")
    loop.run_until_idle()
    assert state_of(operation) == OperationState.QUEUED


def test_breaker_opened_during_probe_is_probed_again(cloud, transactional_db, monkeypatch):
    cloud_failed("sandbox", LoginFailed("x"))
    Duty.objects.update(due_at=timezone.now())
    duty = claim(Duty.objects.filter(kind="probe"), owner="w", lease=timedelta(seconds=60))

    def answered_then_failed(name):
        CloudHealth.objects.update(retry_at=None, fails=0)
        cloud_failed(name, LoginFailed("again"))

    monkeypatch.setattr(pinging, "ping", answered_then_failed)
    probe(duty)
    duty.refresh_from_db()
    assert duty.due_at == CloudHealth.objects.get().retry_at


def test_missing_quota_permission_is_not_an_error(loop, sandbox):
    fault(sandbox, "/os-quota-sets/[^/]+", {"forbidden": {"message": "no"}}, status=403)
    loop._enlist()
    loop.run_until_idle()
    assert CloudHealth.objects.get().failing_since is None
    assert Volume.objects.exists()


def test_operations_of_removed_cloud_are_left_alone(loop, ask):
    operation = ask("reports")
    Operation.objects.update(cloud="gone")
    loop.run_until_idle()
    assert state_of(operation) == OperationState.QUEUED


@pytest.mark.django_db
def test_audit_rows_cannot_be_changed_behind_djangos_back(ask):
    operation = ask("reports")
    row = Exchange.objects.create(
        at=timezone.now(), purpose="create", sandbox=True, cloud="c", method="POST", url="u",
        headers={}, actor_name="a",
    )  # fmt: skip
    with pytest.raises(InsertOnlyError):
        operation.exchanges.add(row)
    with pytest.raises(InsertOnlyError):
        Exchange.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["seq"], update_fields=["url"]
        )
    with pytest.raises(InsertOnlyError):
        Exchange._base_manager.filter(pk=row.pk).update(url="forged")


ENDED = [one for one in FINAL if one is not OperationState.SUCCEEDED]


@pytest.mark.parametrize("state", sorted(ENDED))
def test_late_snapshot_is_reported_once(loop, ask, sandbox, by_hand, state):
    ended, watched = ask("reports"), ask("trouble: takes long")
    Operation.objects.filter(pk=ended.pk).update(state=state, due_at=None)
    made = by_hand("reports", metadata={MARKER: str(ended.pk)})
    loop.run_until_idle()
    other = ask("trouble: unknown status")  # two volumes, so that the whole list is read
    loop.run_until_idle()
    before = Exchange.objects.count()
    look_again(loop)
    look_again(loop)
    assert Exchange.objects.count() == before + 2
    told = Anomaly.objects.get()
    assert (told.kind, told.operation) == (AnomalyKind.LATE_SNAPSHOT, ended)
    assert made in anomaly_sentence(told)
    assert f"“{state.label}”" in anomaly_sentence(told)
    assert {state_of(watched), state_of(other)} == {OperationState.ACCEPTED}


@pytest.mark.parametrize("state", [OperationState.ACCEPTED, OperationState.SUCCEEDED])
def test_second_snapshot_of_a_request_is_reported(loop, ask, by_hand, state):
    operation = ask("trouble: takes long")
    loop.run_until_idle()
    Operation.objects.filter(pk=operation.pk).update(state=state)
    by_hand("reports", metadata={MARKER: str(operation.pk)})
    ask("build-cache"), ask("trouble: unknown status")
    loop.run_until_idle()
    look_again(loop)
    assert kinds() == [AnomalyKind.SEVERAL_MARKED]


def test_settling_sees_what_came_late_too(loop, ask, sandbox, by_hand):
    late = ask("reports")
    Operation.objects.filter(pk=late.pk).update(state=OperationState.NOT_CREATED, due_at=None)
    by_hand("reports", metadata={MARKER: str(late.pk)})
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    settled(loop, operation)
    assert [(one.kind, one.operation_id) for one in Anomaly.objects.all()] == [
        (AnomalyKind.LATE_SNAPSHOT, late.pk)
    ]


def test_snapshot_adopted_during_comparison_is_not_reported(loop, ask):
    operation = ask("reports")
    loop.run_until_idle()
    own = operation.snapshot
    row = shown(operation.volume_id, str(operation.pk), own.snapshot_id)["snapshot"]
    _report_unexpected("sandbox", snapshot_from(row))
    assert kinds() == []


@pytest.mark.parametrize("mark", ["", "somebody's own", "4f9e7a52-2c44-4d0f-9f0e-6b1f2a3c4d5e"])
def test_marks_of_another_portal_are_ignored(loop, ask, by_hand, mark):
    by_hand("reports", metadata={MARKER: mark})
    ask("build-cache"), ask("trouble: takes long")
    loop.run_until_idle()
    look_again(loop)
    assert kinds() == []
