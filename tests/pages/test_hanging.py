"""What hangs in the cloud is told to those who may end it, and ended by them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from snapshots.models import Action, ActionCode, CloudHealth, OperationState
from snapshots.selectors.hanging import HangingFacts, hangs
from snapshots.selectors.operations import typical_seconds
from tests import factories as scene

pytestmark = pytest.mark.django_db
TOLD = "for much longer than usual."
FORM = "End this request"


@pytest.mark.parametrize(
    ("minutes", "usual_seconds", "changes", "is_hanging"),
    [
        (14, None, {}, False),
        (16, None, {}, True),
        (16, 120, {}, False),
        (18, 120, {}, True),
        (60 * 24, 3600, {}, True),
        (16, None, {"cloud_answers": False}, False),
        (16, None, {"state": OperationState.UNKNOWN}, False),
        (16, None, {"state": OperationState.QUEUED}, False),
        (16, None, {"state": OperationState.SUCCEEDED}, False),
        (-60, None, {}, False),  # the clock was set back
    ],
)
def test_what_hangs(minutes, usual_seconds, changes, is_hanging):
    facts = {
        "state": OperationState.ACCEPTED,
        "unchanged": timedelta(minutes=minutes),
        "usual_seconds": usual_seconds,
        "cloud_answers": True,
    }
    assert hangs(HangingFacts(**facts | changes), longest=timedelta(minutes=15)) is is_hanging


@pytest.fixture
def hanging(alice, volume):
    return _accepted(alice, volume, minutes=16)


def _accepted(alice, volume, *, minutes, **columns):
    ago = timedelta(minutes=minutes)
    return scene.operation(
        alice.user, volume, state="accepted", state_at=timezone.now() - ago, **columns
    )


def _page(browser, made):
    return browser.get(reverse("snapshots:detail", args=[made.pk])).text


def _end(browser, made):
    address = reverse("snapshots:end", args=[made.pk])
    return browser.post(address, {"why": "It stands still there."}, follow=True)


@pytest.mark.parametrize("name", ["helen", "root"])
def test_those_who_may_end_it_are_told_and_end_it(name, request, alice, hanging, volume):
    browser = request.getfixturevalue(name)
    told = browser.get("/volumes/").text
    assert TOLD in told
    assert f'href="/requests/{hanging.pk}/"' in told
    page = _page(browser, hanging)
    assert FORM in page
    assert "it may still finish what it began" in page
    assert "Ended. The volume is free" in _end(browser, hanging).text
    hanging.refresh_from_db()
    assert (hanging.state, hanging.outcome_code) == ("failed", "ended")
    action = Action.objects.get(code=ActionCode.OPERATION_ENDED)
    assert (action.actor_name, action.details) == (name, {"why": "It stands still there."})
    assert f"Ended by {name}: It stands still there." in _page(alice, hanging)
    assert TOLD not in browser.get("/volumes/").text


def test_polled_pages_tell_it_too(helen, hanging):
    assert TOLD in helen.get(reverse("snapshots:status", args=[hanging.pk])).text


def test_others_are_neither_told_nor_asked(alice, audrey, hanging):
    for browser in (alice, audrey):
        assert TOLD not in browser.get("/").text
        assert FORM not in _page(browser, hanging)
        assert _end(browser, hanging).status_code == 404
    hanging.refresh_from_db()
    assert hanging.state == "accepted"


def test_the_helpdesk_ends_nothing_else(helen, alice, volume):
    made = _accepted(alice, volume, minutes=14)
    assert TOLD not in helen.get("/").text
    assert "still working on it" in _end(helen, made).text
    unknown = scene.operation(
        alice.user, scene.volume("b"), state="unknown", state_at=timezone.now() - timedelta(days=2)
    )
    assert "Only administrators end" in _end(helen, unknown).text
    assert not Action.objects.filter(code=ActionCode.OPERATION_ENDED).exists()


def test_time_is_what_is_set_beyond_what_is_usual(helen, alice, hanging, settings):
    took = {"state": "succeeded", "ago_seconds": 9000}
    ended_at = timezone.now() - timedelta(seconds=9000 - 600)
    scene.operation(alice.user, scene.volume("b"), finished_at=ended_at, **took)
    assert TOLD not in helen.get("/").text
    settings.EVSPORTAL_HANGING_SECONDS = 300
    assert TOLD in helen.get("/").text


def test_nobody_can_tell_while_the_cloud_is_silent(helen, hanging):
    health = {"failing_since": timezone.now() - timedelta(minutes=5)}
    CloudHealth.objects.update_or_create(cloud=hanging.cloud, defaults=health)
    assert TOLD not in helen.get("/").text
    assert FORM not in _page(helen, hanging)


def test_hostile_names_are_text(helen, alice, volume):
    _accepted(alice, volume, minutes=16, name="<script>alert(1)</script>")
    page = helen.get("/volumes/").text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in page


@pytest.mark.parametrize("kind", ["create", "rename"])
def test_an_index_has_the_last_of_a_kind(kind, db, django_assert_num_queries):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    with django_assert_num_queries(1) as queries:
        typical_seconds("sandbox", kind)
    with connection.cursor() as cursor:
        explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        cursor.execute(explain + queries[0]["sql"])
        assert "operation_of_kind" in str(cursor.fetchall())
