"""Rolling a volume back: looked at before, sent once, and never called what nobody knows."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from snapshots.jobs.duties import INVENTORY, start_duty
from snapshots.models import Exchange, Operation, Volume
from snapshots.operations.asking import ask_again
from snapshots.operations.messages import label_of, sentences_of
from snapshots.operations.refusals import NotAllowedError
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again, snapshots_in
from tests.operations.rolling_back import (
    FAILS,
    fault,
    finish,
    now_of,
    outcome,
    sent,
    set_snapshot,
    set_volume,
    settle,
)


def test_rollback_is_watched_to_its_end(loop, make, roll_back, clock):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"
    assert label_of(operation) == "Rolling back"
    look_again(loop)
    assert outcome(operation)[0] == "accepted"
    snapshot.refresh_from_db()
    assert snapshot.status == "rollbacking"
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "succeeded"
    assert "holds the data of the snapshot" in sentence
    assert exchanges_of(operation) == ["check GET 200", "check GET 200", "rollback POST 202"]
    assert Exchange.objects.get(purpose="rollback").target_id == snapshot.snapshot_id
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.gone_at) == ("available", None)


@pytest.fixture
def read_amid(loop, make, roll_back, clock):
    """Rolls a volume back whose row, as the inventory read it, says that it is being rolled back.
    Returns the row.
    """

    def finished(**columns):
        snapshot = make()
        operation = roll_back(snapshot)
        loop.run_until_idle()
        look_again(loop)
        volume = Volume.objects.filter(volume_id=snapshot.volume_id)
        volume.update(**{"status": "rollbacking", **columns})
        finish(loop, operation, clock)
        assert outcome(operation)[0] == "succeeded"
        return volume.get()

    return finished


def test_volume_is_free_when_its_rollback_ends(read_amid):
    began = timezone.now()
    volume = read_amid()
    assert (volume.status, volume.takes_snapshot) == ("available", True)
    assert volume.seen_at >= began


def test_what_rules_ask_is_left_to_the_inventory(read_amid, loop):
    began = timezone.now()
    read_before = began - timedelta(minutes=5)
    volume = read_amid(name="before it was renamed", seen_at=read_before)
    assert (volume.status, volume.name) == ("available", "before it was renamed")
    assert volume.seen_at >= began  # no list that was asked for before undoes the status
    start_duty(INVENTORY, volume.cloud, due_at=timezone.now())
    loop.run_until_idle()
    volume.refresh_from_db()
    assert volume.name not in {"", "before it was renamed"}


def test_quick_look_does_not_believe_the_status_from_before(loop, make, roll_back, clock):
    operation = roll_back(make())
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    assert outcome(operation)[0] == "accepted"


def test_failed_rollback_may_be_asked_for_once_more(loop, make, roll_back, clock):
    snapshot = make(FAILS)
    first = roll_back(snapshot)
    loop.run_until_idle()
    finish(loop, first, clock)
    state, sentence = outcome(first)
    assert state == "failed"
    assert "Roll the volume back again" in sentence
    assert "error_rollbacking" in sentence
    second = roll_back(snapshot)
    loop.run_until_idle()
    finish(loop, second, clock)
    assert outcome(second)[0] == "succeeded"


def test_unknown_status_is_watched_on(loop, make, roll_back, clock, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    set_volume(sandbox, snapshot, status="rollback-verifying")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "accepted"


def test_attached_at_once_is_done(loop, make, roll_back, clock, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    look_again(loop)
    set_volume(sandbox, snapshot, status="in-use")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"


def test_volume_deleted_meanwhile_is_said(loop, make, roll_back, clock, sandbox):
    snapshot = make()
    operation = roll_back(snapshot)
    loop.run_until_idle()
    control(sandbox, "DELETE", f"volumes/{snapshot.volume_id}")
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "accepted"
    finish(loop, operation, clock)
    state, sentence = outcome(operation)
    assert state == "failed"
    assert "was deleted in the cloud" in sentence


# --- not sent at all -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thing", "columns", "words"),
    [
        ("snapshot", {"status": "backing-up"}, "“backing-up”; only an available snapshot"),
        ("volume", {"status": "in-use"}, "stop the server and detach the volume"),
        ("volume", {"status": "error"}, "“error”; it must be available"),
        ("volume", {"name": "another name"}, "another name"),
    ],
)
def test_what_is_not_as_seen_is_left_alone(loop, make, roll_back, sandbox, thing, columns, words):
    snapshot = make()
    operation = roll_back(snapshot)
    (set_snapshot if thing == "snapshot" else set_volume)(sandbox, snapshot, **columns)
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert words in sentence
    assert "Nothing was rolled back" in sentence
    assert sent(operation) == []


@pytest.mark.parametrize("path", ["snapshots", "volumes"])
def test_gone_from_the_cloud_is_refused(loop, make, roll_back, sandbox, path):
    snapshot = make()
    operation = roll_back(snapshot)
    ident = snapshot.snapshot_id if path == "snapshots" else snapshot.volume_id
    control(sandbox, "DELETE", f"{path}/{ident}")
    loop.run_until_idle()
    assert outcome(operation)[0] == "refused"
    assert sent(operation) == []


def test_unreadable_cloud_is_asked_later(loop, make, roll_back, sandbox):
    operation = roll_back(make())
    plan = {"times": 1, "method": "GET", "path": "/volumes/[^/]+", "status": 500, "body": "<html>"}
    control(sandbox, "POST", "faults", json=plan)
    settle(loop, operation)
    assert outcome(operation)[0] == "accepted"
    assert exchanges_of(operation)[:2] == ["check GET 200", "check GET 500"]
    assert len(sent(operation)) == 1


def test_fresh_snapshot_comes_first(loop, make, ask, roll_back, clock, sandbox):
    snapshot = make()
    fresh = ask("reports", name="just before")
    operation = roll_back(snapshot, needs=fresh)
    loop.run_until_idle()
    assert outcome(operation)[0] == "queued"
    assert len(snapshots_in(sandbox)) >= 2
    clock.move(60)
    look_again(loop)
    loop.run_until_idle()
    assert outcome(fresh)[0] == "succeeded"
    assert outcome(operation)[0] == "accepted"
    look_again(loop)
    finish(loop, operation, clock)
    assert "is in the snapshot “just before”" in " ".join(sentences_of(now_of(operation)))


def test_failed_fresh_snapshot_keeps_the_volume_as_it_is(
    loop, make, ask, roll_back, sandbox, clock
):
    snapshot = make()
    control(sandbox, "POST", "faults", json={"times": 1, "trouble": "ends in error"})
    fresh = ask("reports", name="just before")
    operation = roll_back(snapshot, needs=fresh)
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    loop.run_until_idle()
    assert outcome(fresh)[0] == "failed"
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "fresh snapshot of the volume could not be taken" in sentence
    assert sent(operation) == []


def until_after(operation, seconds):
    """So long ago that the request was made."""
    at = timezone.now() - timedelta(seconds=seconds)
    Operation.objects.filter(pk=operation.pk).update(asked_at=at)


def test_confirmation_expires(loop, make, roll_back, settings):
    operation = roll_back(make())
    until_after(operation, settings.EVSPORTAL_ROLLBACK_SECONDS + 1)
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "waited too long" in sentence
    assert "holds the same data as before" in sentence
    assert sent(operation) == []


def test_confirmation_outlives_a_short_outage(loop, make, roll_back, sandbox, settings):
    settings.EVSPORTAL_ROLLBACK_SECONDS = 60
    operation = roll_back(make())
    until_after(operation, 50)
    loop.run_until_idle()
    assert outcome(operation)[0] == "accepted"


def test_retried_rollback_expires_too(loop, make, roll_back, sandbox, settings):
    operation = roll_back(make())
    body = '{"overLimit": {"code": 429, "message": "x"}}'
    fault(sandbox, status=429, body=body, made=False)
    loop.run_until_idle()
    assert outcome(operation)[0] == "queued"
    let_time_pass(operation, settings.EVSPORTAL_ROLLBACK_SECONDS + 1)
    loop.run_until_idle()
    assert "waited too long" in outcome(operation)[1]
    assert len(sent(operation)) == 1


@pytest.mark.parametrize(("ended", "state"), [(10, "accepted"), (4000, "refused")])
def test_confirmation_counts_from_the_fresh_snapshot(
    loop, make, ask, roll_back, clock, ended, state
):
    snapshot = make()
    fresh = ask("reports", name="just before")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    operation = roll_back(snapshot, needs=fresh)
    until_after(operation, 4100)
    at = timezone.now() - timedelta(seconds=ended)
    Operation.objects.filter(pk=fresh.pk).update(finished_at=at)
    loop.run_until_idle()
    assert outcome(operation)[0] == state


@pytest.mark.parametrize("lost", ["deleted", "error"])
def test_fresh_snapshot_must_still_be_there(loop, make, ask, roll_back, clock, sandbox, lost):
    snapshot = make()
    fresh = ask("reports", name="just before")
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    operation = roll_back(snapshot, needs=fresh)
    ident = Operation.objects.get(pk=fresh.pk).snapshot.snapshot_id
    if lost == "deleted":
        control(sandbox, "DELETE", f"snapshots/{ident}")
    else:
        control(sandbox, "POST", f"snapshots/{ident}", json={"status": lost})
    loop.run_until_idle()
    state, sentence = outcome(operation)
    assert state == "refused"
    assert "with a new fresh snapshot" in sentence
    assert "holds the same data as before" in sentence
    assert sent(operation) == []


# --- who may ---------------------------------------------------------------------------------


def test_staff_need_the_right(loop, make, roll_back, alice):
    snapshot = make()
    with pytest.raises(NotAllowedError, match="role does not include"):
        roll_back(snapshot, person=alice)
    assert not Operation.objects.filter(kind="rollback").exists()
    alice.user_permissions.add(Permission.objects.get(codename="roll_back_volume"))
    assert roll_back(snapshot, person=type(alice).objects.get(pk=alice.pk))


def test_failed_rollback_is_not_asked_again_by_one_click(loop, make, roll_back, clock, helen):
    operation = roll_back(make(FAILS))
    loop.run_until_idle()
    finish(loop, operation, clock)
    operation.refresh_from_db()
    with pytest.raises(NotAllowedError, match="fill in a new form"):
        ask_again(operation=operation, person=helen, key=uuid.uuid4())


def test_rollback_is_seen_at_work_on_any_page(loop, make, roll_back, by_hand, clock, monkeypatch):
    """Its snapshot may be an old one; a deletion that is pending too changes nothing of that."""
    monkeypatch.setattr("snapshots.operations.watch.PAGE_ROWS", 1)
    monkeypatch.setattr("snapshots.operations.watch.SINGLE_READINGS", 0)
    operation = roll_back(make())
    for name in ("web-01-logs", "build-cache"):
        by_hand(name)
    loop.run_until_idle()
    look_again(loop)
    finish(loop, operation, clock)
    assert outcome(operation)[0] == "succeeded"
