"""Lease, fencing token and heartbeat."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.jobs.claims import LostClaimError, claim, extend, release, write
from snapshots.jobs.duties import start_duty
from snapshots.models import Duty

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=30)
NOW = timezone.now()
LATER = NOW + LEASE + timedelta(seconds=1)


@pytest.fixture
def duty():
    return Duty.objects.create(name="watch:x", kind="watch", cloud="x", due_at=NOW)


def take(owner, *, now=NOW):
    return claim(Duty.objects.all(), owner=owner, lease=LEASE, now=now)


def test_a_due_row_is_claimed_once(duty):
    assert take("one").pk == duty.pk
    assert take("two") is None


def test_a_row_not_yet_due_is_left(duty):
    assert take("one", now=NOW - timedelta(seconds=1)) is None


def test_after_the_lease_another_worker_may_take_it(duty):
    take("one")
    second = take("two", now=LATER)
    assert (second.owner, second.token) == ("two", 2)


def test_write_after_lost_claim_is_refused(duty):
    first = take("one")
    take("two", now=LATER)
    with pytest.raises(LostClaimError):
        write(first, {"trouble_code": "late"})
    duty.refresh_from_db()
    assert duty.trouble_code == ""


def test_heartbeat_keeps_the_row(duty):
    first = take("one")
    extend([first], owner="one", lease=LEASE, now=NOW + timedelta(seconds=20))
    assert take("two", now=LATER) is None
    write(first, {"trouble_code": "still mine"})


def test_heartbeat_leaves_a_released_row_alone(duty):
    first = take("one")
    release(first, due_at=NOW + timedelta(seconds=2))
    extend([first], owner="one", lease=LEASE, now=NOW)
    assert take("two", now=NOW + timedelta(seconds=3)) is not None


def test_heartbeat_of_a_lost_claim_changes_nothing(duty):
    first = take("one")
    second = take("two", now=LATER)
    extend([first], owner="one", lease=LEASE * 100, now=LATER)
    second.refresh_from_db()
    assert second.due_at == LATER + LEASE


def test_the_earliest_due_comes_first(duty):
    Duty.objects.create(name="early", kind="watch", due_at=NOW - LEASE)
    assert take("one").name == "early"


def test_starting_a_duty_brings_it_forward_but_never_back(duty):
    start_duty("watch", "x", due_at=NOW + LEASE)
    duty.refresh_from_db()
    assert duty.due_at == NOW
    start_duty("watch", "x", due_at=NOW - LEASE)
    duty.refresh_from_db()
    assert duty.due_at == NOW - LEASE


def test_starting_a_running_duty_leaves_its_claim(duty):
    running = take("one")
    start_duty("watch", "x", due_at=NOW)
    duty.refresh_from_db()
    assert (duty.owner, duty.due_at) == ("one", running.due_at)


def test_starting_a_resting_duty_wakes_it(duty):
    release(take("one"), due_at=None)
    start_duty("watch", "x", due_at=NOW)
    assert take("two") is not None
