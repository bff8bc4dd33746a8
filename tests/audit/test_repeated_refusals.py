"""Refusals that repeat are recorded ever more seldom, and counted."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from snapshots.audit.record.actions import Click, clicked, record
from snapshots.audit.record.folding import MOST_OF_ONE, MOST_OF_STRANGERS
from snapshots.models import Action, ActionCode, RefusalCount

pytestmark = pytest.mark.django_db
CODE = ActionCode.OPERATION_REFUSED


def times():
    rows = Action.objects.filter(code__endswith=":refused").order_by("seq")
    return [row.details.get("times in this hour") for row in rows]


def as_stranger(address, number=0):
    with clicked(Click(uuid.uuid4(), lambda: None, address)):
        record(ActionCode.SIGN_IN_REFUSED, details={"why": f"wrong password {number}"})


def test_repeated_refusals_of_a_person_are_folded(alice):
    for _ in range(170):
        record(CODE, actor=alice)
    assert times() == [None] * MOST_OF_ONE + ["20", "40", "80", "160"]


def test_refusals_of_others_and_of_other_codes_are_apart(alice, bob):
    for _ in range(11):
        record(CODE, actor=alice)
    record(CODE, actor=bob)
    record(ActionCode.OPERATION_CANCEL_REFUSED, actor=alice)
    assert times() == [None] * 12


def test_refusals_of_the_next_hour_are_recorded_again(alice):
    now = datetime(2026, 11, 29, 10, 59, tzinfo=UTC)
    for moment in (now, now + timedelta(minutes=2)):
        with time_machine.travel(moment, tick=False):
            for _ in range(11):
                record(CODE, actor=alice)
    assert times() == [None] * 20


def test_other_actions_are_never_folded(alice):
    for _ in range(30):
        record(ActionCode.OPERATION_ASKED, actor=alice)
    for _ in range(30):
        record(ActionCode.AUDIT_FOUND_BAD, actor=alice)
    asked = Action.objects.filter(code=ActionCode.OPERATION_ASKED)
    assert asked.count() == 30
    assert times() == [None] * 30


def test_strangers_of_one_address_are_folded():
    for number in range(25):
        as_stranger("192.0.2.7", number)
    assert times() == [None] * MOST_OF_ONE + ["20"]


def test_strangers_of_many_addresses_are_folded_together():
    for number in range(MOST_OF_STRANGERS + 250):
        as_stranger(f"2001:db8::{number:x}")
    assert times() == [None] * MOST_OF_STRANGERS + ["400"]
    assert RefusalCount.objects.count() == MOST_OF_STRANGERS + 1


def test_counts_of_past_hours_are_removed(alice):
    old = datetime(2026, 1, 1, tzinfo=UTC)
    RefusalCount.objects.create(key="x", hour=old, count=4)
    record(CODE, actor=alice)
    assert list(RefusalCount.objects.values_list("count", flat=True)) == [1]
