"""Each question finds the requests that it says."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from snapshots.models import Operation, OperationState, Role, VolumeGrant
from snapshots.operations.asking import ask_again
from snapshots.operations.stopping import cancel_operation
from snapshots.questions.figures import Period, operations_found
from snapshots.questions.rules import Question
from tests import factories as scene

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)  # within working hours


@pytest.fixture(autouse=True)
def _monday():
    """Working hours, unless the test says otherwise; services read the clock themselves."""
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def alice(db):
    return scene.person("alice")


@pytest.fixture
def helen(db):
    return scene.person("helen")


@pytest.fixture
def volume(db):
    return scene.volume(status="in-use")


@pytest.fixture
def answers(db):
    """A function: the questions that find something, each as often as it does."""
    audrey = scene.person("audrey")

    def answers():
        return sorted(
            question
            for question in Question
            for _operation in operations_found(audrey, question, Period())
        )

    return answers


def post(client, person, volume, **changes):
    client.force_login(person)
    assert scene.ask(client, volume, **changes).status_code == 302
    return Operation.objects.latest("asked_at", "id")


# --- forced ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "changes", "is_answer"),
    [
        ("in-use", {"force": "on"}, True),
        ("IN_USE", {"force": "on"}, True),
        ("attaching", {"force": "on"}, True),
        ("in-use", {"force": "on", "ticket": "CHG1"}, False),
        ("in-use", {"force": "on", "ticket": "  "}, True),
        ("available", {"force": "on"}, False),
        ("available", {}, False),
    ],
)
def test_forced_while_in_use_without_ticket(client, helen, answers, status, changes, is_answer):
    form = {"on_behalf_of": "alice", "ticket": "", "reason": "asked by phone"}
    made = post(client, helen, scene.volume(status=status), **form | changes)
    assert made.force is ("force" in changes)
    assert (Question.FORCED in answers()) is is_answer


def test_a_volume_that_changes_later_changes_no_answer(client, helen, volume, answers):
    form = {"on_behalf_of": "alice", "reason": "asked by phone", "force": "on"}
    post(client, helen, volume, **form)
    volume.status = "available"
    volume.save()
    assert answers() == [Question.FORCED]


# --- helpdesk for themselves -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "behalf", "is_answer"),
    [
        ("", "alice", False),
        ("person", "alice", True),
        ("group", "alice", True),
        ("cloud", "alice", True),
        ("", "", True),
        ("", " HELEN ", True),
        ("", "helena", False),
    ],
)
def test_helpdesk_for_a_volume_of_their_own(client, helen, answers, granted, behalf, is_answer):
    volume = scene.volume()
    target = {"cloud": volume.cloud, "volume_id": "" if granted == "cloud" else volume.volume_id}
    if granted == "group":
        VolumeGrant.objects.create(group=Group.objects.get(name="helpdesk"), **target)
    elif granted:
        VolumeGrant.objects.create(user=helen, **target)
    post(client, helen, volume, on_behalf_of=behalf, ticket="CHG1")
    assert answers() == [Question.OWN_VOLUME] * is_answer


def test_a_volume_granted_later_was_not_their_own(client, helen, answers):
    volume = scene.volume()
    post(client, helen, volume, on_behalf_of="alice", ticket="CHG1")
    VolumeGrant.objects.create(user=helen, cloud=volume.cloud, volume_id=volume.volume_id)
    assert answers() == []


def test_a_role_taken_away_later_changes_no_answer(client, helen, answers):
    post(client, helen, scene.volume(), on_behalf_of="", ticket="CHG1")
    helen.groups.remove(Group.objects.get(name=Role.HELPDESK))
    assert answers() == [Question.OWN_VOLUME]


def test_staff_for_their_own_volume_is_no_answer(client, alice, answers):
    post(client, alice, scene.volume(granted_to=alice))
    assert answers() == []


def test_a_request_asked_again_is_for_the_same_person(alice, helen, answers):
    """Also the second time, when the one before is the helpdesk's own already."""
    first = scene.operation(alice, scene.volume(), state="refused", ago_seconds=0)
    again = ask_again(operation=first, person=helen, key=uuid.uuid4())[0]
    cancel_operation(operation=again, person=helen)
    again.refresh_from_db()
    ask_again(operation=again, person=helen, key=uuid.uuid4())
    assert answers() == [Question.REFUSED]


def test_an_own_request_asked_again_is_their_own(helen, answers):
    first = scene.operation(helen, scene.volume(), state="refused", ago_seconds=0)
    ask_again(operation=first, person=helen, key=uuid.uuid4())
    assert answers() == sorted([Question.REFUSED, Question.OWN_VOLUME])


# --- refused, unknown ------------------------------------------------------------------------


@pytest.mark.parametrize("state", OperationState)
def test_refused_is_only_what_the_cloud_refused(alice, volume, answers, state):
    scene.operation(alice, volume, state=state)
    assert answers() == [Question.REFUSED] * (state == OperationState.REFUSED)


def unknown(alice, volume, *, seconds, **facts):
    """An operation of unknown outcome, sent `seconds` ago."""
    sent_at = timezone.now() - timedelta(seconds=seconds)
    return scene.operation(
        alice, volume, state="unknown", ago_seconds=seconds, sent_at=sent_at, **facts
    )


@pytest.mark.parametrize(("seconds", "is_answer"), [(590, False), (610, True)])
def test_unknown_for_more_than_ten_minutes(alice, volume, answers, seconds, is_answer):
    unknown(alice, volume, seconds=seconds)
    assert answers() == [Question.LONG_UNKNOWN] * is_answer


def test_an_unknown_request_is_found_after_ten_minutes(alice, volume, answers):
    unknown(alice, volume, seconds=60)
    assert answers() == []
    with time_machine.travel(MONDAY + timedelta(minutes=9, seconds=1), tick=False):
        assert answers() == [Question.LONG_UNKNOWN]


def test_a_clock_set_back_hides_no_long_unknown(alice, volume, answers):
    unknown(alice, volume, seconds=-3600, waited_seconds=601)
    assert answers() == [Question.LONG_UNKNOWN]


def test_a_slow_snapshot_is_not_unknown(alice, volume, answers):
    scene.operation(alice, volume, state="accepted", ago_seconds=7200)
    assert answers() == []


# --- working hours ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "is_answer"),
    [("Mon-Fri 08:00-18:00 UTC", False), ("Mon-Fri 08:00-18:00 Asia/Tokyo", True)],
)
def test_asked_outside_working_hours(client, alice, answers, settings, hours, is_answer):
    settings.EVSPORTAL_WORKING_HOURS = hours
    post(client, alice, scene.volume(granted_to=alice))
    assert answers() == [Question.OUT_OF_HOURS] * is_answer


def test_other_hours_count_from_then_on(client, alice, answers, settings):
    post(client, alice, scene.volume(granted_to=alice))
    settings.EVSPORTAL_WORKING_HOURS = "Sat 08:00-09:00"
    assert answers() == []
    post(client, alice, scene.volume("second", granted_to=alice))
    assert answers() == [Question.OUT_OF_HOURS]


# --- what it costs ---------------------------------------------------------------------------

INDEXES = {
    Question.FORCED: "operation_forced_in_use",
    Question.OWN_VOLUME: "operation_for_own_volume",
    Question.REFUSED: "operation_of_state",
    Question.LONG_UNKNOWN: "operation_long_unknown",
    Question.OUT_OF_HOURS: "operation_out_of_hours",
}


@pytest.mark.parametrize("question", Question)
def test_an_index_gives_the_newest_in_order(db, question):
    """However many other requests there are, and nothing is sorted."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # with few rows it would not need an index
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    operations = operations_found(scene.person("audrey"), question, Period())
    plan = operations.order_by("-asked_at", "-id")[:51].explain()
    assert INDEXES[question] in plan
    assert "SORT" not in plan.upper()
    assert "TEMP B-TREE" not in plan
