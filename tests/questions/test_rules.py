"""Each question finds the requests that it says."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from snapshots.models import Operation, OperationState, Role, VolumeGrant
from snapshots.operations.asking import ask_again
from snapshots.operations.stopping import cancel_operation
from snapshots.questions.figures import Period, rows_found
from snapshots.questions.rules import Question, subject_of
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
            question for question in Question for _row in rows_found(audrey, question, Period())
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
    target = {"cloud": volume.cloud, "volume_id": volume.volume_id}
    if granted == "cloud":
        target |= {"scope": "cloud", "volume_id": ""}
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


# --- deleted, rolled back ----------------------------------------------------------------------


def deleted(client, person, snapshot, *, state="succeeded", outcome_code="ready"):
    """Asked for by the form, and then ended so."""
    client.force_login(person)
    key = str(uuid.uuid4())
    address = reverse(
        "snapshots:change",
        args=[snapshot.cloud, snapshot.snapshot_id, "delete"],
        query={"key": key},
    )
    form = client.get(address).context["form"]
    sent = {"key": key, "seen": form.seen_text, "typed_name": snapshot.name}
    assert client.post(address, sent).status_code == 302
    made = Operation.objects.filter(kind="delete", target_snapshot=snapshot)
    assert made.update(state=state, outcome_code=outcome_code, finished_at=timezone.now()) == 1


def snapshot_of(person, volume, *, hours=48, **facts):
    """Asked for by the person, and made so many hours ago."""
    ended = {"state": "succeeded", "outcome_code": "ready", "ago_seconds": hours * 3600}
    made_at = timezone.now() - timedelta(hours=hours)
    return scene.snapshot(scene.operation(person, volume, **ended | facts), created_at=made_at)


@pytest.mark.parametrize(
    ("hours", "ended", "is_answer"),
    [
        (23.9, {}, True),
        (24.1, {}, False),
        (1, {"state": "accepted"}, False),
        (1, {"state": "failed"}, False),
        (1, {"outcome_code": "already_gone"}, False),
    ],
)
def test_deleted_within_a_day_of_being_made(client, alice, answers, hours, ended, is_answer):
    volume = scene.volume(granted_to=alice)
    deleted(client, alice, snapshot_of(alice, volume, hours=hours), **ended)
    assert answers() == [Question.YOUNG_DELETED] * is_answer


@pytest.mark.parametrize("created_at", [None, MONDAY])
def test_the_age_is_known_of_what_nobody_asked_for(client, alice, answers, created_at):
    volume = scene.volume(granted_to=alice)
    made = scene.foreign_snapshot(volume, created_at=created_at, listed_at=MONDAY)
    deleted(client, alice, made)
    assert answers() == sorted([Question.YOUNG_DELETED, Question.UNASKED])


@pytest.mark.parametrize(
    ("by", "behalf", "is_answer"),
    [
        ("bob", "", True),
        ("alice", "", False),
        ("helen", "ALICE", False),
        ("helen", "bob", True),
    ],
)
def test_deleted_by_somebody_else(client, alice, helen, answers, by, behalf, is_answer):
    people = {"alice": alice, "helen": helen, "bob": scene.person("bob")}
    volume = scene.volume(granted_to=alice)
    deleted(client, alice, snapshot_of(people[by], volume, on_behalf_of=behalf))
    assert answers() == [Question.OTHERS_DELETED] * is_answer


def test_what_was_asked_again_is_of_the_first_requester(client, alice, helen, answers):
    volume = scene.volume(granted_to=alice)
    first = scene.operation(alice, volume, state="failed", ago_seconds=200_000)
    deleted(client, alice, snapshot_of(helen, volume, again_for=first))
    assert answers() == []


@pytest.mark.parametrize("state", OperationState)
def test_rolled_back_is_what_the_cloud_may_have_begun(alice, volume, answers, state):
    scene.operation(alice, volume, kind="rollback", state=state)
    scene.operation(alice, volume, kind="rollback", state="failed", outcome_code="given_up")
    may_have_begun = state in {"accepted", "unknown", "succeeded", "failed"}
    expected = [Question.ROLLED_BACK] * may_have_begun
    assert answers() == sorted(expected + [Question.REFUSED] * (state == "refused"))


@pytest.mark.parametrize(("maker", "is_answer"), [("other", True), ("system", False)])
def test_snapshots_nobody_asked_for(alice, volume, answers, maker, is_answer):
    snapshot_of(alice, volume)
    scene.foreign_snapshot(volume, maker=maker, gone_at=timezone.now())
    assert answers() == [Question.UNASKED] * is_answer


# --- what it costs ---------------------------------------------------------------------------

INDEXES = {
    Question.FORCED: "operation_forced_in_use",
    Question.OWN_VOLUME: "operation_for_own_volume",
    Question.REFUSED: "operation_of_state",
    Question.LONG_UNKNOWN: "operation_long_unknown",
    Question.OUT_OF_HOURS: "operation_out_of_hours",
    Question.YOUNG_DELETED: "operation_deletes_young",
    Question.ROLLED_BACK: "operation_rollback",
    Question.OTHERS_DELETED: "operation_deletes_others",
    Question.UNASKED: "snapshot_of_maker",
}


@pytest.mark.parametrize("question", Question)
def test_an_index_gives_the_newest_in_order(db, question):
    """However many other requests there are, and nothing is sorted."""
    if connection.vendor == "postgresql":
        # With few rows it would not need an index, or sort the one row that it expects.
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    rows = rows_found(scene.person("audrey"), question, Period())
    plan = rows.order_by(*subject_of(question).order)[:51].explain()
    assert INDEXES[question] in plan
    assert "SORT" not in plan.upper()
    assert "TEMP B-TREE" not in plan
