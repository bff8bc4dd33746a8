"""An older backup is restored: what may have been sent since is looked for, and sent by nobody."""

import uuid

import pytest
import requests
from django.contrib.sessions.models import Session
from django.utils import timezone

from snapshots.audit.seals.verify import verify
from snapshots.jobs.claims import LostClaimError
from snapshots.models import (
    Action,
    Duty,
    Exchange,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Snapshot,
    Volume,
    Worker,
)
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.operations.messages import sentences_of
from snapshots.operations.perform import perform
from snapshots.operations.stopping import cancel_operation
from snapshots.sandbox import scenarios
from snapshots.views.timeline import timeline_of
from snapshots.worker import Loop
from tests.backup.made import backed_up, restored
from tests.operations.conftest import (
    console_headers,
    let_time_pass,
    look_again,
    snapshots_in,
)


@pytest.fixture(scope="module", autouse=True)
def pooled_connections():
    """None here: a restore is refused while others are connected."""


@pytest.fixture
def backup(tmp_path):
    """Make a backup now; its path."""

    def backup():
        return backed_up(tmp_path)[0]

    return backup


UNSENT = {OperationState.QUEUED, OperationState.SENDING}


def changes_at(sandbox):
    """What the cloud was asked to change, by its own count; sign-ins left out."""
    asked = requests.get(f"{sandbox.url}/_sandbox/requests", timeout=5).json()["requests"]
    changes = [one for one in asked if one["method"] not in {"GET", "HEAD"}]
    return [f"{one['method']} {one['path']}" for one in changes if "/auth/" not in one["path"]]


def work(loop, clock, *, until):
    """Whatever waits comes near, until that is so. A busy machine may need another try."""
    for _ in range(30):
        for operation in Operation.objects.filter(finished_at=None):
            let_time_pass(operation, 70)
        Duty.objects.update(due_at=timezone.now(), rests_until=None)
        loop.run_until_idle()
        clock.move(60)
        if until():
            break
    look_again(loop)


def sent_all(loop, clock):
    work(loop, clock, until=lambda: not Operation.objects.filter(state__in=UNSENT).exists())


def worked_on(clock):
    """A new worker, as after a restore, until nothing is left to do."""
    loop = Loop()
    loop._enlist()
    work(loop, clock, until=lambda: not Operation.objects.filter(finished_at=None).exists())
    loop.stop()
    loop._pool.shutdown(wait=True)


def state_of(operation):
    return Operation.objects.get(pk=operation.pk).state


def test_request_sent_after_the_backup_is_found_and_not_sent_again(
    loop, ask, backup, sandbox, clock
):
    operation = ask("reports", name="nightly")
    path = backup()
    sent_all(loop, clock)
    sent = changes_at(sandbox)
    assert len(sent) == 1
    restored(path)
    assert state_of(operation) == OperationState.QUEUED
    worked_on(clock)
    assert changes_at(sandbox) == sent
    assert len(snapshots_in(sandbox)) == 1
    assert state_of(operation) == OperationState.SUCCEEDED
    assert Snapshot.objects.get(operation=operation).name == "nightly"


def test_request_whose_snapshot_is_gone_is_not_made_again(loop, ask, backup, sandbox, clock):
    operation = ask("reports", name="nightly")
    path = backup()
    sent_all(loop, clock)
    address = f"{sandbox.url}/v2/{scenarios.PROJECT_ID}/snapshots"
    made = Snapshot.objects.get(operation=operation).snapshot_id
    requests.delete(f"{address}/{made}", headers=console_headers(sandbox), timeout=5)
    clock.move(60)
    before = changes_at(sandbox)
    restored(path)
    worked_on(clock)
    operation.refresh_from_db()
    assert changes_at(sandbox) == before
    assert snapshots_in(sandbox) == []
    assert (operation.state, operation.outcome_code) == ("failed", OutcomeCode.NOT_SEEN_SINCE)
    assert "Look in the cloud before you ask again." in sentences_of(operation)[0]
    assert operation.can_be_asked_again


def test_unknown_request_of_a_backup_is_never_called_not_made(loop, ask, backup, sandbox, clock):
    operation = ask("reports")
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(
        state="unknown", sent_at=now, state_at=now, due_at=now, outcome_code="no_clear_answer"
    )
    restored(backup())
    worked_on(clock)
    operation.refresh_from_db()
    assert (operation.state, operation.outcome_code) == ("failed", OutcomeCode.NOT_SEEN_SINCE)


@pytest.mark.parametrize("sent_at", [None, timezone.now()], ids=["unsent", "sent"])
def test_request_that_was_being_sent_is_looked_for(loop, ask, backup, sandbox, clock, sent_at):
    operation = ask("reports")
    rows = Operation.objects.filter(pk=operation.pk)
    rows.update(state="sending", owner="worker", token=3, sent_at=sent_at)
    path = backup()
    rows.update(state="queued", owner="", sent_at=None)
    sent_all(loop, clock)
    assert len(changes_at(sandbox)) == 1
    restored(path)
    worked_on(clock)
    assert len(changes_at(sandbox)) == 1
    assert state_of(operation) == OperationState.SUCCEEDED


def test_several_requests_of_one_volume_are_looked_for_in_turn(loop, ask, backup, sandbox, clock):
    asked = [ask("reports", name=f"number {number}") for number in range(3)]
    path = backup()
    sent_all(loop, clock)
    sent = changes_at(sandbox)
    assert len(sent) == 3
    restored(path)
    worked_on(clock)
    assert changes_at(sandbox) == sent
    assert {state_of(one) for one in asked} == {OperationState.SUCCEEDED}
    assert len(snapshots_in(sandbox)) == 3


@pytest.mark.parametrize(
    "kind",
    [OperationKind.RENAME, OperationKind.DELETE, OperationKind.ROLLBACK, OperationKind.RESTORE],
)
def test_no_change_of_any_kind_is_sent_again(kind, make, loop, helen, backup, sandbox, clock):
    snapshot = make()
    volume = Volume.objects.get(volume_id=snapshot.volume_id)
    seed = scenarios.volume_named("reports")
    Volume.objects.update(availability_zone=seed.az, volume_type=seed.type)
    arguments = OperationArguments(
        kind=kind,
        volume=volume,
        target_snapshot=snapshot,
        name={"rename": "after", "restore": "copy"}.get(kind),
        size_gb=20 if kind == OperationKind.RESTORE else None,
    )
    operation, _ = ask_for_operation(requester=helen, key=uuid.uuid4(), arguments=arguments)
    path = backup()
    sent_all(loop, clock)
    sent = changes_at(sandbox)
    assert len(sent) == 2
    restored(path)
    worked_on(clock)
    assert changes_at(sandbox) == sent
    assert Operation.objects.get(pk=operation.pk).is_final


def test_waiting_request_of_a_backup_says_so_and_cannot_be_cancelled(loop, ask, backup, alice):
    operation = ask("reports")
    restored(backup())
    operation.refresh_from_db()
    assert "restored from a backup" in sentences_of(operation)[0]
    steps = [step.text for step in timeline_of(operation, accepted_at=None)]
    assert steps[1:3] == [
        "Perhaps sent: the portal was restored from a backup",
        "Looking for it in the cloud",
    ]
    assert not operation.can_be_cancelled
    assert not cancel_operation(operation=operation, person=alice)
    assert state_of(operation) == OperationState.QUEUED


def test_new_requests_are_sent_as_ever_after_a_restore(loop, ask, backup, sandbox, clock):
    restored(backup())
    operation = ask("reports", name="new")
    worked_on(clock)
    assert state_of(operation) == OperationState.SUCCEEDED
    assert len(changes_at(sandbox)) == 1


def test_worker_from_before_a_restore_writes_nothing_and_ends(loop, ask, backup, sandbox):
    loop._enlist()
    operation = ask("reports")
    Operation.objects.filter(pk=operation.pk).update(owner=loop.name, token=1)
    held = Operation.objects.get(pk=operation.pk)
    restored(backup())
    with pytest.raises(LostClaimError):
        perform(held)
    assert changes_at(sandbox) == []
    loop._beaten = float("-inf")
    loop.run_until_idle(seconds=1)
    assert loop._stopping.is_set()


def test_worker_whose_row_another_took_away_goes_on(loop, backup):
    loop._enlist()
    Worker.objects.all().delete()
    loop._beaten = float("-inf")
    loop.run_until_idle(seconds=1)
    assert not loop._stopping.is_set()


def test_restore_is_on_record_and_the_trail_stays_sound(loop, ask, backup):
    operation = ask("reports")
    path = backup()
    Session.objects.create(session_key="x" * 32, session_data="", expire_date=timezone.now())
    restored(path)
    done = Action.objects.get(code="database:restore")
    assert (done.subject, done.details["requests looked for"]) == (path.name, "1")
    assert done.seq > 10**12
    assert operation.actions.filter(code="operation:restore-backup").count() == 1
    assert verify().damage is None
    assert not Session.objects.exists()
    assert set(Duty.objects.values_list("owner", flat=True)) <= {""}


def test_rows_after_a_restore_have_numbers_of_their_own(loop, ask, backup, clock):
    path = backup()
    ask("reports")
    loop.run_until_idle()
    lost = set(Exchange.objects.values_list("seq", flat=True))
    for _ in range(2):  # the second restore loses what came after the first
        restored(path)
        worked_on(clock)
        numbers = set(Exchange.objects.values_list("seq", flat=True))
        assert numbers
        assert not numbers & lost
        lost |= numbers
