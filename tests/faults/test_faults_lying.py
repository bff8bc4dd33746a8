"""The watch for rows that nobody takes up finds planted ones, and no others."""

import concurrent.futures
import os
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from snapshots.models import CloudHealth, Duty, Worker
from tests import factories
from tests.faults import lying
from tests.faults.lying import LyingWatch

pytestmark = pytest.mark.django_db
AWAKE, FROZEN, KILLED = os.getpid(), 2, 3


class Workers:
    """Stands in for real processes: which of them are there."""

    awake_seconds = 30.0

    def pids(self, *, awake_for):
        return [AWAKE] if awake_for <= self.awake_seconds else []

    frozen = ()

    def living(self):
        return [AWAKE, *self.frozen]


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(lying, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(lying, "LONGEST_STEP_SECONDS", 0.0)
    monkeypatch.setattr(lying, "READY_AFTER_SECONDS", 0.0)
    now = timezone.now()
    Worker.objects.create(name=f"host:{AWAKE}:a", started_at=now, seen_at=now, beats=1)
    watch = LyingWatch(Workers(), threads=4)
    watch._look()
    return watch


def duty(*, owner="", due_in=-1):
    due_at = timezone.now() + timedelta(seconds=due_in)
    return Duty.objects.create(name="watch:x", kind="watch", cloud="x", owner=owner, due_at=due_at)


def look_twice(watch):
    watch._look()
    watch._look()
    return watch.lying


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"owner": f"host:{KILLED}:a", "due_in": 90}, "held by a killed worker"),
        ({"owner": f"host:{AWAKE}:a", "due_in": 90}, "held by one worker"),
        ({}, "due and not taken up"),
    ],
)
def test_row_that_nobody_takes_up_is_named_once(watch, row, what):
    duty(**row)
    look_twice(watch)
    assert [what in line for line in look_twice(watch)] == [True]


@pytest.mark.parametrize("row", [{"owner": f"host:{FROZEN}:a", "due_in": 90}, {"due_in": 60}])
def test_row_of_a_frozen_worker_or_not_yet_due_is_fine(watch, row):
    watch.nursery.frozen = (FROZEN,)
    duty(**row)
    assert look_twice(watch) == []


@pytest.mark.parametrize(("beats", "lies"), [(0, False), (1, True)])
def test_worker_counts_from_the_first_turn_of_its_loop(watch, beats, lies):
    """Until then it imports and connects, however long that takes on a busy machine."""
    Worker.objects.update(beats=beats)
    duty()
    assert bool(look_twice(LyingWatch(Workers(), threads=4))) is lies


def test_worker_whose_loop_never_begins_is_named_once(watch):
    Worker.objects.update(beats=0)
    fresh = LyingWatch(Workers(), threads=4)
    fresh.nursery.awake_seconds = 90.0
    assert ["its loop never began" in line for line in look_twice(fresh)] == [True]


def test_loop_that_has_just_begun_takes_nothing_up_yet(watch, monkeypatch):
    monkeypatch.setattr(lying, "READY_AFTER_SECONDS", 20.0)
    duty()
    assert look_twice(watch) == []


def test_worker_that_beats_no_more_still_counts(watch):
    duty()
    Worker.objects.all().delete()
    assert len(look_twice(watch)) == 1


def test_while_the_breaker_is_open_due_rows_may_wait(watch):
    CloudHealth.objects.create(cloud="x", retry_at=timezone.now())
    duty()
    assert look_twice(watch) == []


def test_freed_row_of_a_killed_worker_may_wait_for_the_cloud(watch):
    CloudHealth.objects.create(cloud="x", retry_at=timezone.now())
    duty(owner=f"host:{KILLED}:a", due_in=-1)
    assert look_twice(watch) == []


@pytest.mark.parametrize("kind", ["duty", "operation"])
def test_freed_row_of_a_killed_worker_is_taken_up(watch, kind):
    owner = f"host:{KILLED}:a"
    if kind == "duty":
        duty(owner=owner, due_in=-1)
    else:
        person, volume = factories.person("alice"), factories.volume()
        factories.operation(person, volume, due_at=timezone.now(), owner=owner)
    assert ["due and not taken up" in line for line in look_twice(watch)] == [True]


def test_claim_that_moves_on_is_not_lying(watch, monkeypatch):
    monkeypatch.setattr(lying, "LONGEST_STEP_SECONDS", 60.0)
    held = duty(owner=f"host:{AWAKE}:a", due_in=90)
    for token in range(3):
        Duty.objects.filter(pk=held.pk).update(token=token)
        watch._look()
    assert watch.lying == []


@pytest.mark.parametrize(
    ("purpose", "lies"), [("watch", False), ("snapshots", True), ("create", True)]
)
def test_duty_that_sends_calls_is_at_work(watch, monkeypatch, purpose, lies):
    """Its own calls: those of others tell nothing of it."""
    monkeypatch.setattr(lying, "LONGEST_STEP_SECONDS", 5.0)
    start = time.monotonic()
    clock = iter([start, start + 4.0, start + 8.0])
    monkeypatch.setattr(lying.time, "monotonic", lambda: next(clock))
    duty(owner=f"host:{AWAKE}:a", due_in=90)
    for _look in range(3):
        factories.exchange(purpose=purpose, cloud="x")
        watch._look()
    assert bool(watch.lying) is lies


def test_open_operation_in_nobody_s_hands_is_counted(watch):
    person = factories.person("alice")
    factories.operation(person, factories.volume(), state="queued", due_at=timezone.now())
    assert ["due and not taken up" in line for line in look_twice(watch)] == [True]


def test_watch_that_broke_off_fails_the_run(watch, monkeypatch):
    monkeypatch.setattr(lying, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "_look", lambda: 1 / 0)
    watch.start()
    concurrent.futures.wait([watch._watching], timeout=10)
    with pytest.raises(ZeroDivisionError):
        watch.stop()


def test_tail_of_a_long_queue_is_not_idle(watch):
    person, due_at = factories.person("alice"), timezone.now()
    for number in range(6):
        due_at += timedelta(milliseconds=1)
        volume = factories.volume(f"v{number}")
        factories.operation(person, volume, state="queued", due_at=due_at)
    assert len(look_twice(watch)) == watch.threads


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has many writers")
def test_sqlite_counts_nothing_while_a_worker_is_stopped(watch):
    duty()
    watch.nursery.frozen = (FROZEN,)
    assert look_twice(watch) == []
    watch.nursery.frozen = ()
    assert len(look_twice(watch)) == 1
