"""Refusals that repeat are recorded ever more seldom, and counted."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from snapshots.audit.record.actions import Click, clicked, record
from snapshots.audit.record.folding import MOST
from snapshots.models import Action, ActionCode, RefusalCount

pytestmark = pytest.mark.django_db
CODE = ActionCode.OPERATION_REFUSED


def times():
    rows = Action.objects.filter(code__endswith=":refused").order_by("seq")
    return [row.details.get("times in this hour") for row in rows]


def as_stranger(address, subject="a name that nobody has", why="unknown name"):
    with clicked(Click(uuid.uuid4(), lambda: None, address)):
        record(ActionCode.SIGN_IN_REFUSED, subject=subject, details={"why": why})


def test_repeated_refusals_of_a_person_are_folded(alice):
    for _ in range(170):
        record(CODE, actor=alice)
    assert times() == [None] * MOST + ["20", "40", "80", "160"]


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


def test_strangers_are_folded_whatever_their_addresses():
    for number in range(450):
        as_stranger(f"2001:db8::{number:x}")
    assert times() == [None] * MOST + ["20", "40", "80", "160", "320"]
    assert RefusalCount.objects.count() == 1


def test_many_refusals_about_nobody_hide_none_about_an_account():
    for number in range(300):
        as_stranger(f"192.0.2.{number % 250}")
    as_stranger("203.0.113.9", "alice", "wrong password")
    as_stranger("203.0.113.9", "alice", "wrong second factor")
    assert Action.objects.filter(subject="alice").count() == 2


def test_dull_refusals_hide_no_telling_ones(alice):
    for _ in range(30):
        record(CODE, actor=alice, details={"why": "already_sent"})
    record(CODE, actor=alice, details={"why": "not_yours"})
    assert Action.objects.filter(details__why="not_yours").count() == 1


def test_counts_of_past_hours_are_removed(alice):
    old = datetime(2026, 1, 1, tzinfo=UTC)
    RefusalCount.objects.create(key="x", hour=old, count=4)
    record(CODE, actor=alice)
    assert list(RefusalCount.objects.values_list("count", flat=True)) == [1]
