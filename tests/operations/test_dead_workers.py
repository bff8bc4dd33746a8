"""Rows that a worker left: killed, standing still, or after a step that broke off."""

import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from snapshots import worker
from snapshots.jobs.workers import process_mark
from snapshots.models import Duty, Operation, OperationState, Worker
from tests.operations.conftest import look_again

LEASE = timedelta(seconds=90)


def held_by(name, operation, **columns):
    """The operation is claimed by this worker, with nearly all of its lease before it."""
    columns |= {"owner": name, "token": 7, "due_at": timezone.now() + LEASE}
    Operation.objects.filter(pk=operation.pk).update(**columns)


def worker_row(name, **columns):
    now = timezone.now()
    return Worker.objects.create(name=name, started_at=now, seen_at=now, **columns)


@pytest.fixture
def dead_process():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = process_mark(child.pid)
    child.communicate()
    return mark


def test_rows_of_killed_worker_are_claimed_at_once(loop, ask, dead_process):
    operation = ask("reports")
    worker_row("dead", process=dead_process)
    held_by("dead", operation)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.ACCEPTED
    assert operation.token == 8


def test_a_killed_worker_is_forgotten_when_it_holds_nothing(loop, dead_process):
    worker_row("dead", process=dead_process)
    loop._beat()
    assert not Worker.objects.filter(name="dead").exists()


def test_rows_of_silent_worker_are_claimed_within_seconds(loop, ask, monkeypatch):
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.02)
    operation = ask("reports")
    worker_row("elsewhere", beats=3)
    held_by("elsewhere", operation)
    for _ in range(20):
        loop._stopping.wait(0.03)
        loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.ACCEPTED


def test_what_a_beating_worker_holds_is_left(loop, ask, monkeypatch):
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.02)
    operation = ask("reports")
    other = worker_row("elsewhere")
    held_by("elsewhere", operation)
    for beats in range(20):
        loop._stopping.wait(0.03)
        other.beats = beats
        other.save()
        loop.run_until_idle()
    operation.refresh_from_db()
    assert (operation.state, operation.owner) == (OperationState.QUEUED, "elsewhere")


def test_create_of_killed_worker_is_not_sent_again(loop, ask, sandbox, dead_process):
    operation = ask("reports")
    worker_row("dead", process=dead_process)
    held_by("dead", operation, state=OperationState.SENDING, sent_at=timezone.now())
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == OperationState.UNKNOWN
    assert operation.exchanges.filter(purpose="create").count() == 0


@pytest.fixture
def broken_watch(loop, monkeypatch):
    """The step of watching raises once."""
    watch = worker.DUTIES["watch"]

    def break_off(duty):
        monkeypatch.setitem(worker.DUTIES, "watch", watch)
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(worker.DUTIES, "watch", break_off)


def test_a_duty_that_broke_off_is_due_again_soon(loop, ask, clock, broken_watch):
    operation = ask("reports")
    loop.run_until_idle()
    look_again(loop)
    duty = Duty.objects.get(kind="watch")
    assert (duty.owner, duty.fails) == ("", 1)
    assert duty.due_at - timezone.now() < timedelta(seconds=2)
    clock.move(60)
    look_again(loop)
    operation.refresh_from_db()
    assert operation.state == OperationState.SUCCEEDED


def test_an_operation_that_broke_off_waits_longer_each_time(loop, ask, monkeypatch):
    def break_off(operation):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(worker, "perform", break_off)
    operation = ask("reports")
    pauses = []
    for _ in range(4):
        Operation.objects.update(due_at=timezone.now())
        loop.run_until_idle()
        operation.refresh_from_db()
        pauses.append(round((operation.due_at - timezone.now()).total_seconds()))
    assert pauses == [1, 2, 4, 8]
    assert operation.owner == ""


def test_row_is_released_after_database_outage(loop, ask, broken_watch, monkeypatch):
    give_back = worker.give_back

    def away(row):
        monkeypatch.setattr(worker, "give_back", give_back)
        raise OperationalError("the database is away")

    monkeypatch.setattr(worker, "give_back", away)
    ask("reports")
    loop.run_until_idle()
    loop._turn()
    assert Duty.objects.get(kind="watch").owner == ""


def test_claim_of_another_worker_is_not_released(loop, ask, monkeypatch):
    def lose_and_break_off(operation):
        Operation.objects.update(token=99, owner="another")
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(worker, "perform", lose_and_break_off)
    ask("reports")
    loop.run_until_idle()
    assert Operation.objects.get().owner == "another"


def test_database_loss_is_not_logged_as_failed_step(loop, ask, monkeypatch, caplog):
    def lose(operation):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(worker, "perform", lose)
    operation = ask("reports")
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.owner == ""
    assert f"Operation {operation.pk} lost the database" in caplog.text
    assert "broke off" not in caplog.text


def run_and_stop_within(loop, monkeypatch, step):
    """Run the loop on one operation; it is told to stop while `step` is at work on it."""

    def work(operation):
        loop.stop()
        step(operation)

    monkeypatch.setattr(worker, "perform", work)
    loop.run()


def test_ending_worker_beats_until_work_is_done(loop, ask, monkeypatch):
    beats = []

    def watch_the_beats(_operation):
        for _ in range(5):
            time.sleep(0.1)
            beats.append(Worker.objects.get(name=loop.name).beats)

    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.02)
    ask("reports")
    run_and_stop_within(loop, monkeypatch, watch_the_beats)
    assert beats[-1] - beats[1] >= 3
    assert not Worker.objects.filter(name=loop.name).exists()


def test_step_failing_at_shutdown_releases_its_row(loop, ask, monkeypatch):
    def break_off(_operation):
        raise RuntimeError("a fault of ours")

    operation = ask("reports")
    run_and_stop_within(loop, monkeypatch, break_off)
    operation.refresh_from_db()
    assert operation.owner == ""
    assert operation.due_at - timezone.now() < timedelta(seconds=2)


def test_worker_with_unreleased_row_stays_listed(loop, ask, monkeypatch):
    def away(_row):
        raise OperationalError("the database is away")

    def break_off(_operation):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(worker, "give_back", away)
    ask("reports")
    run_and_stop_within(loop, monkeypatch, break_off)
    assert Worker.objects.filter(name=loop.name).exists()
