"""One operation: what became of it, and what a person may do about it."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots.models import (
    MARKER,
    Action,
    ActionCode,
    AnomalyKind,
    AnomalyMessage,
    OperationState,
)
from snapshots.operations.anomalies import report
from snapshots.operations.messages import label_of, outcome_sentence
from tests import factories as scene


def page_of(browser, operation, name="detail", **query):
    return browser.get(reverse(f"snapshots:{name}", args=[operation.pk]), query)


@pytest.mark.parametrize("state", OperationState)
def test_every_state_has_words_and_asks_often_while_open(state, alice, volume):
    made = scene.operation(alice.user, volume, state=state, outcome_code="busy")
    page = page_of(alice, made).text
    assert label_of(made) in page
    assert "The cloud is busy." in page
    assert ('data-changed=""' in page) is made.is_final


def test_unknown_says_not_to_ask_again(alice, volume):
    made = scene.operation(alice.user, volume, state="unknown")
    page = page_of(alice, made).text
    assert "not ask again" in page
    assert "New snapshot of this volume" not in page


def test_the_timeline_tells_each_step(alice, volume):
    made = scene.operation(alice.user, volume, state="succeeded")
    scene.exchange(made, at=made.sent_at)
    steps = page_of(alice, made).context["steps"]
    assert [step.text for step in steps] == [
        "Asked",
        "Sent to the cloud",
        "Accepted by the cloud",
        "Available",
    ]


def test_what_the_cloud_kept_stands_beside_what_was_asked(alice, volume):
    made = scene.operation(
        alice.user, volume, state="succeeded", metadata={"team": "payroll"}, request_id="req-7"
    )
    kept = scene.snapshot(made, name="before_upgrade")
    page = page_of(alice, made).text
    for words in (
        kept.snapshot_id,
        "The cloud kept something else: <bdi>before_upgrade</bdi>",
        "payroll",
        "The cloud did not keep it.",
        "req-7",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("kept", "differing"),
    [
        ({"name": "before-upgrade"}, 0),
        ({"name": "before-upgrade", "metadata": {MARKER: "its id"}}, 0),
        ({"name": "before-upgrade", "metadata": {"added": "by the cloud"}}, 1),
        ({"name": "other", "description": "also"}, 2),
    ],
)
def test_only_differences_are_told_of_what_the_cloud_kept(kept, differing, alice, volume):
    made = scene.operation(alice.user, volume, state="succeeded")
    scene.snapshot(made, **kept)
    page = page_of(alice, made).text
    assert page.count("fact--differs") == differing
    assert page.count("<bdi>before-upgrade</bdi>") == 1  # of the facts; the head has a class


def test_a_rename_that_is_not_done_yet_differs_in_nothing(alice, volume):
    row = scene.foreign_snapshot(volume, name="old")
    content = {"kind": "rename", "target_snapshot": row, "target_name": "old", "name": "new"}
    for state, differing in (("accepted", 0), ("refused", 0), ("succeeded", 1)):
        made = scene.operation(alice.user, volume, state=state, **content)
        assert page_of(alice, made).text.count("fact--differs") == differing


def test_steps_name_their_day_once(alice, volume):
    asked_at = datetime(2026, 5, 2, 23, 59, 50, tzinfo=UTC)
    times = {"asked_at": asked_at, "sent_at": asked_at + timedelta(seconds=1)}
    finished_at = asked_at + timedelta(seconds=20)
    made = scene.operation(alice.user, volume, state="succeeded", **times, finished_at=finished_at)
    steps = page_of(alice, made).text.partition('<ol class="steps">')[2].partition("</ol>")[0]
    shown = [text for text in re.findall("<time[^>]*>(.*?)</time>", steps) if text]
    assert shown == ["02 May 2026, 23:59:50 UTC", "23:59:51", "03 May 2026, 00:00:10 UTC"]


@pytest.mark.parametrize(
    ("state", "code", "main"),
    [
        ("refused", "quota_used_up", ["Find old snapshots to delete"]),
        ("refused", "bad_name", ["Ask again with changes"]),
        ("refused", "volume_state", ["Ask again with changes"]),
        ("refused", "busy", ["Ask again"]),
        ("refused", "forbidden", []),
        ("refused", "volume_gone", []),
        ("failed", "unusable", ["Ask again"]),
        ("cancelled", "", ["Ask again"]),
        ("not_created", "not_there", ["Ask again"]),
        ("unknown", "no_clear_answer", []),
        ("succeeded", "ready", []),
        ("queued", "", []),
    ],
)
def test_the_main_action_is_what_helps(state, code, main, alice, volume):
    made = scene.operation(alice.user, volume, state=state, outcome_code=code)
    result = page_of(alice, made).text.partition('id="result"')[2]
    buttons = re.findall(r'class="button button--main"[^>]*>(?:<svg.*?</svg>)?(.*?)<', result)
    assert buttons == main


def test_a_full_quota_says_how_full(alice, volume):
    made = scene.operation(alice.user, volume, state="refused", outcome_code="quota_used_up")
    scene.Quota.objects.filter(resource="gigabytes").update(in_use=4000)
    page = page_of(alice, made).text
    assert "Gigabytes: 4,000 of 4,000 in use, as read at" in page
    assert "Ask again when there is room" in page


def test_waiting_in_line_is_not_slow(alice, volume, operation):
    done_at = timezone.now() - timedelta(seconds=895)
    for _ in range(3):
        content = {"state": "succeeded", "ago_seconds": 900, "finished_at": done_at}
        scene.operation(alice.user, volume, **content)
    waiting = scene.operation(alice.user, volume, ago_seconds=600)
    assert re.search(r"10 min \d+ s</time> so far", page_of(alice, waiting).text)
    assert "than usual" not in page_of(alice, waiting).text
    waited = {"sent_at": timezone.now(), "state": "accepted"}
    sent = scene.operation(alice.user, scene.volume("other"), ago_seconds=600, **waited)
    assert "usually about 5.0 s" in page_of(alice, sent).text


def test_new_status_is_shown_unchanged(alice, operation):
    scene.snapshot(operation, status="defragmenting", progress="37%")
    page = page_of(alice, operation).text
    assert "“defragmenting”, 37%" in page
    assert f'data-changed="{operation.state_at.isoformat()}"' in page


def test_a_waiting_one_names_what_it_waits_for(alice, volume, operation):
    waiting = scene.operation(alice.user, volume, ago_seconds=1)
    page = page_of(alice, waiting).text
    assert "It waits for" in page
    assert reverse("snapshots:detail", args=[operation.pk]) in page


def test_shared_volumes_are_waited_for_when_alone(alice, volume, operation):
    waiting = scene.operation(alice.user, volume, ago_seconds=1, shares_volume=True)
    assert "a volume takes one change" not in page_of(alice, waiting).text
    assert "It waits for" in page_of(alice, waiting).text
    operation.shares_volume = True
    operation.save()
    assert "It waits for" not in page_of(alice, waiting).text


def test_somebody_elses_operation_is_not_named(bob, volume, operation):
    waiting = scene.operation(bob.user, volume, ago_seconds=1)
    page = page_of(bob, waiting).text
    assert "somebody else" in page
    assert str(operation.pk) not in page


def test_both_halves_tell_the_same_status(alice, operation):
    scene.snapshot(operation, status="quiescing")
    told = page_of(alice, operation, "status").text
    assert "In the cloud the snapshot is now “quiescing”" in told
    assert '<dt>Status</dt><dd><span class="badge badge--quiet">quiescing' in told


def test_the_number_of_queries(alice, audrey, volume, operation, django_assert_max_num_queries):
    scene.exchange(operation)
    waiting = scene.operation(alice.user, volume, ago_seconds=1)
    for browser in (alice, audrey):
        for made in (operation, waiting):
            with django_assert_max_num_queries(13):
                page_of(browser, made)


# --- cancel ----------------------------------------------------------------------------------


def post_to(browser, operation, name, **fields):
    path = reverse(f"snapshots:{name}", args=[operation.pk])
    return browser.post(path, fields, follow=True)


def test_a_waiting_one_is_cancelled(alice, volume):
    made = scene.operation(alice.user, volume)
    assert "Cancel the request" in page_of(alice, made).text
    assert "Cancelled before it was sent" in post_to(alice, made, "cancel").text
    made.refresh_from_db()
    assert made.state == "cancelled"


def test_one_that_was_sent_is_not_cancelled(alice, operation):
    assert "Cancel the request" not in page_of(alice, operation).text
    assert "Too late to cancel" in post_to(alice, operation, "cancel").text
    operation.refresh_from_db()
    assert operation.state == "accepted"


# --- end -------------------------------------------------------------------------------------

STUCK = "Look in the cloud first"


@pytest.fixture
def doubted(operation):
    """The cloud shows something else than was asked."""
    report(AnomalyKind.OTHER_VOLUME, operation, AnomalyMessage.READING_SHOWED, {})
    return operation


def test_an_administrator_ends_one_that_the_portal_cannot(root, alice, doubted):
    assert STUCK in page_of(root, doubted).text
    page = post_to(root, doubted, "end", why="No such snapshot there").text
    assert "Ended. The volume is free" in page
    doubted.refresh_from_db()
    assert (doubted.state, doubted.finished_at is not None) == ("failed", True)
    words = page_of(alice, doubted).text
    assert "Ended by root: No such snapshot there." in words
    assert "look there before you ask again" in words
    assert "Ask again" in words
    action = Action.objects.get(code=ActionCode.OPERATION_ENDED)
    assert (action.actor_name, action.operation_id) == ("root", doubted.pk)
    assert action.details == {"why": "No such snapshot there."}


def test_the_volume_is_free_for_the_next(root, alice, doubted, volume):
    waiting = scene.operation(alice.user, volume)
    assert "It waits for" in page_of(alice, waiting).text
    post_to(root, doubted, "end", why="Gone.")
    assert "It waits for" not in page_of(alice, waiting).text


@pytest.mark.parametrize("state", OperationState)
def test_one_that_was_sent_is_ended_after_a_day(state, root, alice, volume):
    ago = timezone.now() - timedelta(hours=25)
    made = scene.operation(alice.user, volume, state=state, state_at=ago)
    is_stuck = state in {OperationState.UNKNOWN, OperationState.ACCEPTED}
    assert (STUCK in page_of(root, made).text) is is_stuck
    page = post_to(root, made, "end", why="Nothing there.").text
    assert ("Ended. The volume" in page) is is_stuck
    made.refresh_from_db()
    assert (made.state == "failed") is (is_stuck or state == "failed")
    refused = Action.objects.filter(code=ActionCode.OPERATION_END_REFUSED)
    assert refused.exists() is not is_stuck


def test_operation_in_progress_cannot_be_ended(root, operation):
    report(AnomalyKind.METADATA_DROPPED, operation, AnomalyMessage.METADATA_DROPPED, {})
    assert STUCK not in page_of(root, operation).text
    assert "still working on it" in post_to(root, operation, "end", why="I am impatient.").text
    operation.refresh_from_db()
    assert operation.state == "accepted"


def test_nobody_else_ends_one(alice, helen, audrey, doubted):
    for browser in (alice, helen, audrey):
        assert STUCK not in page_of(browser, doubted).text
    for browser in (alice, audrey):
        assert post_to(browser, doubted, "end", why="Away.").status_code == 404
    assert "Only administrators end" in post_to(helen, doubted, "end", why="Away.").text
    doubted.refresh_from_db()
    assert doubted.state == "accepted"


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (" ", "Say what you found in the cloud."),
        ("x" * 256, "at most 255"),
        ("password=Tr0ub4dor-3", "This looks like"),
    ],
)
def test_an_end_without_a_good_reason_changes_nothing(root, doubted, why, words):
    page = post_to(root, doubted, "end", why=why).text
    assert words in page
    assert why in page
    doubted.refresh_from_db()
    assert doubted.state == "accepted"
    assert not Action.objects.filter(code__startswith="operation:end").exists()


def test_auditors_get_no_buttons(audrey, alice, volume):
    made = scene.operation(alice.user, volume)
    page = page_of(audrey, made).text
    assert "Cancel the request" not in page
    assert f"/audit/?operation={made.pk}" in page


def test_buttons_take_no_get(alice, root, operation):
    for browser, name in ((alice, "cancel"), (alice, "again"), (root, "end")):
        assert page_of(browser, operation, name).status_code == 405


# --- the words -------------------------------------------------------------------------------


def _words(browser, operation):
    """The sentences above the steps."""
    page = page_of(browser, operation).text
    return [html.unescape(text) for text in re.findall(r'status__words">(.*?)</p>', page)]


def test_what_became_of_it_is_said_once(alice, volume):
    in_doubt = scene.operation(alice.user, volume, state="unknown", outcome_code="in_doubt")
    gone = scene.operation(alice.user, volume, state="failed", outcome_code="gone")
    assert _words(alice, in_doubt) == [outcome_sentence(in_doubt)]
    assert _words(alice, gone) == [outcome_sentence(gone)]


def test_unknown_says_how_long_the_portal_looks(alice, volume):
    made = scene.operation(alice.user, volume, state="unknown")
    (words,) = _words(alice, made)
    assert "usually for two to three minutes" in words


@pytest.mark.parametrize(("kept", "told"), [({}, True), ({"team": "payroll"}, False)])
def test_dropped_metadata_is_told_in_words(kept, told, alice, volume):
    made = scene.operation(alice.user, volume, state="succeeded", metadata={"team": "payroll"})
    scene.snapshot(made, metadata=kept | {"evsportal-operation": str(made.pk)})
    sentences = _words(alice, made)
    assert ("The cloud did not keep its metadata." in sentences) is told


def test_a_snapshot_found_after_a_lost_answer_says_so(alice, volume):
    made = scene.operation(alice.user, volume, state="succeeded", looks=2)
    assert "the portal found the snapshot" in _words(alice, made)[1]


@pytest.mark.parametrize(
    ("seconds", "words"), [(18, "usually about 5.0 s"), (60, "longer than usual (about 5.0 s)")]
)
def test_much_longer_than_usual_is_said(seconds, words, alice, volume):
    for number in range(3):
        scene.operation(
            alice.user,
            volume,
            state="succeeded",
            ago_seconds=900 + number,
            finished_at=timezone.now() - timedelta(seconds=895 + number),
        )
    made = scene.operation(alice.user, volume, state="accepted", ago_seconds=seconds)
    assert words in page_of(alice, made).text
    assert words in alice.get("/requests/").text
