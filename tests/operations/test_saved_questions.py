"""The saved questions find what they say, once, and their tallies are right whatever happens."""

import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from snapshots.jobs.claims import LostClaimError
from snapshots.jobs.duties import HOUSE, QUESTIONS, start_duty, take_over
from snapshots.models import (
    Action,
    ActionCode,
    Answer,
    Duty,
    Exchange,
    Hit,
    Operation,
    OperationState,
    Question,
    Tally,
    VolumeGrant,
)
from snapshots.operations.asking import ask_again
from snapshots.operations.stopping import cancel_operation
from snapshots.services import questions
from snapshots.services.questions import judge_operations
from tests.operations.conftest import person
from tests.operations.test_settle import lose_answer
from tests.pages import scene

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)  # within working hours
LEASE = timedelta(seconds=90)


@pytest.fixture(autouse=True)
def _monday(request):
    """Working hours, unless the test says otherwise; services read the clock themselves."""
    if "loop" in request.fixturenames:
        yield
        return
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def duty(db):
    return take_over(QUESTIONS, HOUSE, owner="w1", lease=LEASE)


@pytest.fixture
def look(duty):
    """The duty's next turn; what the questions found by then."""

    def look():
        judge_operations(take_over(QUESTIONS, HOUSE, owner="w1", lease=LEASE))
        return found()

    return look


@pytest.fixture
def volume(db):
    return scene.volume(status="in-use")


def found():
    """The hits by question; each tally must say the same."""
    counted = {}
    for hit in Hit.objects.all():
        day = (hit.question, hit.at.astimezone(UTC).date())
        counted[day] = counted.get(day, 0) + 1
        assert hit.at == hit.operation.asked_at
    assert {
        (one.question, one.day): one.hits for one in Tally.objects.filter(hits__gt=0)
    } == counted
    return sorted(Hit.objects.values_list("question", flat=True))


def post(browser_client, who, volume, **changes):
    browser_client.force_login(who)
    assert scene.ask(browser_client, volume, **changes).status_code == 302
    return Operation.objects.latest("asked_at", "id")


# --- forced ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "asked", "hit"),
    [
        ("in-use", {"force": "on"}, True),
        ("attaching", {"force": "on"}, True),
        ("in-use", {"force": "on", "ticket": "CHG1"}, False),
        ("available", {"force": "on"}, False),
        ("available", {}, False),
    ],
)
def test_forced_while_in_use_without_a_ticket(client, helen, look, status, asked, hit):
    told = {"on_behalf_of": "alice", "ticket": "", "reason": "asked by phone"}
    made = post(client, helen, scene.volume(status=status), **told | asked)
    assert made.force is ("force" in asked)
    assert (Question.FORCED in look()) is hit


def test_where_the_volumes_status_was_not_written_down_force_counts(alice, volume, look):
    scene.operation(alice, volume, force=True)
    assert look() == [Question.FORCED]


# --- helpdesk for themselves -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "behalf", "hit"),
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
def test_helpdesk_for_a_volume_of_their_own(client, helen, look, granted, behalf, hit):
    volume = scene.volume()
    of = {"cloud": volume.cloud, "volume_id": "" if granted == "cloud" else volume.volume_id}
    if granted == "group":
        VolumeGrant.objects.create(group=Group.objects.get(name="helpdesk"), **of)
    elif granted:
        VolumeGrant.objects.create(user=helen, **of)
    post(client, helen, volume, on_behalf_of=behalf, ticket="CHG1")
    assert look() == [Question.OWN_VOLUME] * hit


def test_what_was_granted_later_was_not_their_own(client, helen, look):
    volume = scene.volume()
    post(client, helen, volume, on_behalf_of="alice", ticket="CHG1")
    VolumeGrant.objects.create(user=helen, cloud=volume.cloud, volume_id=volume.volume_id)
    assert look() == []


def test_staff_for_their_own_volume_is_what_the_portal_is_for(client, alice, look):
    post(client, alice, scene.volume(granted_to=alice))
    assert look() == []


def test_what_the_helpdesk_asks_again_is_for_whom_it_was_before(alice, helen, look):
    """Also the second time, when the one before is the helpdesk's own already."""
    first = scene.operation(alice, scene.volume(), state="refused", ago_seconds=0)
    again = ask_again(operation=first, person=helen, key=uuid.uuid4())[0]
    cancel_operation(operation=again, person=helen)
    again.refresh_from_db()
    ask_again(operation=again, person=helen, key=uuid.uuid4())
    assert look() == [Question.REFUSED]


# --- refused, unknown ------------------------------------------------------------------------


@pytest.mark.parametrize("state", OperationState)
def test_refused_by_the_cloud_is_nothing_else(alice, volume, look, state):
    scene.operation(alice, volume, state=state)
    assert look() == [Question.REFUSED] * (state == OperationState.REFUSED)


def unknown(alice, volume, *, state="unknown", seconds):
    """Sent so many seconds ago; by a settled one the last look was just now."""
    told = scene.operation(alice, volume, state=state, ago_seconds=seconds)
    Operation.objects.filter(pk=told.pk).update(sent_at=told.asked_at)
    if state != "unknown":
        scene.exchange(told, purpose="settle", status=200)
    return told


@pytest.mark.parametrize("state", ["unknown", "accepted", "succeeded", "not_created"])
@pytest.mark.parametrize(("seconds", "hit"), [(590, False), (610, True)])
def test_unknown_for_more_than_ten_minutes(alice, volume, look, state, seconds, hit):
    unknown(alice, volume, state=state, seconds=seconds)
    assert look() == [Question.LONG_UNKNOWN] * hit


def test_a_slow_snapshot_is_not_unknown(alice, volume, look):
    scene.exchange(scene.operation(alice, volume, state="accepted", ago_seconds=7200))
    assert look() == []


def test_one_that_becomes_unknown_for_long_is_found_when_it_does(alice, volume, look):
    unknown(alice, volume, seconds=60)
    assert look() == []
    with time_machine.travel(MONDAY + timedelta(minutes=9, seconds=1), tick=False):
        assert look() == [Question.LONG_UNKNOWN]
        assert look() == [Question.LONG_UNKNOWN]
    assert Operation.objects.get().judged == OperationState.UNKNOWN


def test_one_that_is_settled_in_time_is_not_found_later(alice, volume, look):
    told = unknown(alice, volume, seconds=60)
    look()
    scene.exchange(told, purpose="settle", status=200)
    Operation.objects.update(state="succeeded")
    with time_machine.travel(MONDAY + timedelta(hours=1), tick=False):
        assert look() == []


def test_a_clock_set_back_does_not_hide_a_long_unknown(alice, volume, look):
    told = unknown(alice, volume, seconds=0)
    look()
    with time_machine.travel(MONDAY - timedelta(hours=1), tick=False):
        scene.exchange(told, purpose="settle", status=200)
        assert look() == []
    with time_machine.travel(MONDAY - timedelta(minutes=49), tick=False):
        assert look() == [Question.LONG_UNKNOWN]


def test_an_answer_that_is_lost_is_found_by_the_whole_portal(loop, ask, sandbox):
    lose_answer(sandbox, made=True)
    operation = ask("reports")
    Operation.objects.update(asked_at=MONDAY)
    loop.run_until_idle()
    start_duty(QUESTIONS, HOUSE, due_at=timezone.now())
    loop.run_until_idle(seconds=5)
    assert Question.LONG_UNKNOWN not in found()
    Operation.objects.filter(pk=operation.pk).update(sent_at=timezone.now() - timedelta(minutes=11))
    Duty.objects.filter(kind=QUESTIONS).update(due_at=timezone.now())
    loop.run_until_idle(seconds=5)
    assert found() == [Question.LONG_UNKNOWN]


# --- working hours ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "hit"),
    [("Mon-Fri 08:00-18:00 UTC", False), ("Mon-Fri 08:00-18:00 Asia/Tokyo", True)],
)
def test_asked_outside_working_hours(alice, volume, look, settings, hours, hit):
    settings.EVSPORTAL_WORKING_HOURS = hours
    scene.operation(alice, volume, ago_seconds=0)
    assert look() == [Question.OUT_OF_HOURS] * hit


def test_hits_are_counted_on_the_day_they_were_asked_on(alice, volume, look):
    for hour in (-1, 1, 2):
        with time_machine.travel(datetime(2026, 3, 8, tzinfo=UTC) + timedelta(hours=hour)):
            scene.operation(alice, volume, ago_seconds=0)
    assert look() == [Question.OUT_OF_HOURS] * 3
    days = Tally.objects.order_by("day").values_list("day", "hits")
    assert list(days) == [(date(2026, 3, 7), 1), (date(2026, 3, 8), 2)]


# --- once, whatever happens ------------------------------------------------------------------


def hits_for(alice, volume, count=5):
    for _ in range(count):
        scene.operation(alice, volume, state="refused", force=True)
    return sorted([Question.REFUSED, Question.FORCED] * count)


def test_looking_again_counts_nothing_twice(alice, volume, look):
    expected = hits_for(alice, volume)
    assert look() == expected
    assert look() == expected
    Operation.objects.update(judged=None)
    assert look() == expected


def test_what_comes_later_is_added_to_the_same_day(alice, volume, look):
    hits_for(alice, volume, 2)
    look()
    hits_for(alice, volume, 3)
    assert len(look()) == 10
    assert set(Tally.objects.values_list("hits", flat=True)) == {5}


def test_what_was_asked_before_the_last_look_and_committed_after_it_is_found(alice, volume, look):
    hits_for(alice, volume, 1)
    look()
    with time_machine.travel(MONDAY - timedelta(hours=2)):  # the clock was set back, too
        scene.operation(alice, volume, state="refused")
    assert look().count(Question.REFUSED) == 2


def test_a_look_that_breaks_off_leaves_neither_hit_nor_tally(alice, volume, duty, monkeypatch):
    hits_for(alice, volume)
    with monkeypatch.context() as broken:
        broken.setattr(questions, "_mark", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            judge_operations(duty)
    assert (found(), Tally.objects.count()) == ([], 0)
    judge_operations(take_over(QUESTIONS, HOUSE, owner="w2", lease=LEASE))
    assert len(found()) == 10


def test_a_worker_frozen_past_its_lease_writes_nothing(alice, volume, duty):
    hits_for(alice, volume)
    take_over(QUESTIONS, HOUSE, owner="w2", lease=LEASE)
    with pytest.raises(LostClaimError):
        judge_operations(duty)
    assert (found(), Tally.objects.count()) == ([], 0)
    assert not Operation.objects.filter(judged__isnull=False).exists()


def test_one_that_changed_while_it_was_judged_is_judged_again(alice, volume, look, monkeypatch):
    scene.operation(alice, volume, state="sending")
    judge = questions._judge

    def and_meanwhile(*args):
        Operation.objects.update(state="refused")
        monkeypatch.setattr(questions, "_judge", judge)
        judge(*args)

    monkeypatch.setattr(questions, "_judge", and_meanwhile)
    assert look() == [Question.REFUSED]


def test_a_backlog_is_worked_off_in_turns(alice, volume, duty, monkeypatch):
    monkeypatch.setattr(questions, "BATCH", 2)
    monkeypatch.setattr(questions, "MOST_BATCHES", 2)
    hits_for(alice, volume, 5)
    judge_operations(duty)
    assert len(found()) == 8
    duty.refresh_from_db()
    assert duty.due_at <= timezone.now()
    judge_operations(take_over(QUESTIONS, HOUSE, owner="w1", lease=LEASE))
    assert len(found()) == 10
    duty.refresh_from_db()
    assert duty.due_at > timezone.now()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_count_each_once(monkeypatch):
    alice, volume = person("alice", "staff"), scene.volume()
    monkeypatch.setattr(questions, "BATCH", 3)
    expected = hits_for(alice, volume, 20)
    lost = []

    def work(name):
        try:
            for _ in range(3):  # each takes the duty from the other, at any moment
                judge_operations(take_over(QUESTIONS, HOUSE, owner=name, lease=LEASE))
        except LostClaimError:
            lost.append(name)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judge_operations(take_over(QUESTIONS, HOUSE, owner="last", lease=LEASE))
    assert found() == expected


@pytest.mark.django_db(transaction=True)
def test_the_worker_fills_them_by_itself(loop, ask):
    ask("reports", force=True)
    Operation.objects.update(asked_at=MONDAY)
    Action.objects.filter(code=ActionCode.OPERATION_ASKED).get()
    loop._enlist()
    loop.run_until_idle(seconds=5)
    Duty.objects.filter(kind=QUESTIONS).update(due_at=timezone.now())
    loop.run_until_idle(seconds=5)
    assert Operation.objects.get().judged == OperationState.ACCEPTED
    assert found() == []  # the volume was available


# --- anew ------------------------------------------------------------------------------------


def rebuilt():
    out = StringIO()
    call_command("questions_rebuild", stdout=out)
    return out.getvalue()


def test_all_is_made_anew_by_the_rules_of_now(client, helen, volume, look, settings):
    post(client, helen, volume, on_behalf_of="alice", reason="by phone", force="on")
    assert look() == [Question.FORCED]
    wrong = Operation.objects.get()
    Hit.objects.create(question=Question.REFUSED, operation=wrong, at=wrong.asked_at)
    Tally.objects.update(hits=7)
    settings.EVSPORTAL_WORKING_HOURS = "Sat 08:00-09:00"
    told = rebuilt()
    assert found() == sorted([Question.FORCED, Question.OUT_OF_HOURS])
    assert "1  Forced while in use, without a ticket" in told
    assert "0  Refused by the cloud" in told


def test_a_rebuild_can_be_run_at_any_time(alice, volume, look):
    rebuilt()
    expected = hits_for(alice, volume)
    rebuilt()
    assert found() == expected
    assert look() == expected


def test_a_rebuild_that_breaks_off_leaves_what_is_right(alice, volume, look, monkeypatch):
    monkeypatch.setattr(questions, "BATCH", 2)
    expected = hits_for(alice, volume)
    look()
    judge, left = questions._judge, [1, 2]

    def break_off(*args, **told):
        left.pop()
        judge(*args, **told)

    with monkeypatch.context() as broken:
        broken.setattr(questions, "_judge", break_off)
        with pytest.raises(IndexError):
            rebuilt()
    assert found() == expected
    assert rebuilt()
    assert found() == expected


def test_a_rebuild_that_another_process_took_over_says_so(alice, volume, monkeypatch):
    hits_for(alice, volume)
    judge = questions._judge

    def after_another(*args, **told):
        take_over(QUESTIONS, HOUSE, owner="w2", lease=LEASE)
        judge(*args, **told)

    monkeypatch.setattr(questions, "_judge", after_another)
    with pytest.raises(CommandError, match="run it again"):
        rebuilt()
    assert found() == []


def test_hits_of_which_the_trail_has_no_asking_any_more_stay(alice, volume, look):
    """As after an archive: there is nothing left to judge them by."""
    told = scene.operation(alice, volume)
    Hit.objects.create(question=Question.OWN_VOLUME, operation=told, at=told.asked_at)
    rebuilt()
    assert found() == [Question.OWN_VOLUME]


def test_a_rebuild_sends_a_worker_away_and_lets_it_come_back(alice, volume, duty):
    expected = hits_for(alice, volume)
    rebuilt()
    with pytest.raises(LostClaimError):
        judge_operations(duty)
    assert Duty.objects.get().due_at <= timezone.now()
    assert found() == expected


def test_a_batch_costs_the_same_for_one_and_for_many(
    alice, volume, duty, django_assert_max_num_queries
):
    hits_for(alice, volume, 90)
    with django_assert_max_num_queries(30):
        judge_operations(duty)
    assert len(found()) == 180


def test_the_looks_of_others_are_not_mistaken_for_its_own(alice, look):
    """Many in one batch: each has its own times."""
    unknown(alice, scene.volume(), state="succeeded", seconds=610)
    unknown(alice, scene.volume("other"), state="succeeded", seconds=30)
    assert look() == [Question.LONG_UNKNOWN]
    assert Hit.objects.get().operation.volume_name == "web-01-data"
    assert (Exchange.objects.count(), Answer.objects.count()) == (2, 2)
