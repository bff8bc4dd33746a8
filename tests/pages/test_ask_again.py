"""Asking for the same once more, from the page of a request that ended with nothing."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots.models import Operation
from tests import factories as scene
from tests.pages.test_detail import page_of, post_to


def test_asking_again_links_the_two(alice, volume):
    made = scene.operation(alice.user, volume, state="not_created")
    assert "Ask again" in page_of(alice, made).text
    answer = post_to(alice, made, "again", key=str(uuid.uuid4()))
    newer = Operation.objects.get(again_for=made)
    assert answer.redirect_chain[-1][0] == reverse("snapshots:detail", args=[newer.pk])
    assert "See what was asked again" in page_of(alice, made).text


@pytest.mark.parametrize("kind", ["delete", "rollback", "restore"])
def test_what_is_looked_at_each_time_is_filled_in_again(kind, helen, volume):
    row = scene.foreign_snapshot(volume)
    made = scene.operation(helen.user, volume, kind=kind, state="refused", target_snapshot=row)
    page = page_of(helen, made).text
    assert "Ask again" not in page
    form = reverse("snapshots:change", args=[row.cloud, row.snapshot_id, kind])
    assert f'<a class="button button--main" href="{form}">Fill in again</a>' in page
    scene.Snapshot.objects.update(gone_at=timezone.now())
    page = page_of(helen, made).text
    assert "Fill in again" not in page
    whole = reverse("snapshots:snapshot", args=[row.cloud, row.snapshot_id])
    assert f'<a class="button button--main" href="{whole}">See the snapshot</a>' in page


@pytest.mark.parametrize("kind", ["rename", "metadata"])
def test_what_can_be_asked_the_same_has_the_button(kind, helen, volume):
    row = scene.foreign_snapshot(volume)
    seen = {"target_name": row.name, "target_description": row.description}
    content = {"kind": kind, "state": "refused", "target_snapshot": row, **seen}
    made = scene.operation(helen.user, volume, **content)
    assert "Ask again" in page_of(helen, made).text


def test_name_that_turns_sentences_round_is_set_apart(alice, volume):
    made = scene.operation(
        alice.user,
        volume,
        state="failed",
        name="a\u202eb",
        outcome_code="unclear",
        outcome_values={"names": "x\u202e\u2069y, \u05d0"},
    )
    page = page_of(alice, made).text
    assert "may be the one you asked for: \u2068xy, \u05d0\u2069." in page
    title = page[page.index("<title>") : page.index("</title>")]
    assert "\u202e" not in title


def test_asking_again_twice_with_one_button_is_once(alice, volume):
    made = scene.operation(alice.user, volume, state="not_created")
    key = str(uuid.uuid4())
    post_to(alice, made, "again", key=key)
    assert "already asked again" in post_to(alice, made, "again", key=key).text
    assert Operation.objects.filter(again_for=made).count() == 1


def test_asking_again_without_a_proper_key_asks_nothing(alice, volume):
    made = scene.operation(alice.user, volume, state="failed")
    assert "Nothing was asked" in post_to(alice, made, "again", key="x").text
    assert Operation.objects.count() == 1


def test_asking_again_for_volume_in_use_opens_form(alice):
    busy = scene.volume(granted_to=alice.user, status="in-use")
    made = scene.operation(alice.user, busy, state="refused")
    assert "please fill in a new form" in post_to(alice, made, "again", key=str(uuid.uuid4())).text


def test_a_new_form_can_start_from_an_old_operation(alice, volume):
    made = scene.operation(
        alice.user, volume, state="refused", name="öncesi", metadata={"team": "payroll"}
    )
    page = alice.get("/snapshots/new/", {"again": str(made.pk)}).text
    for words in ('value="öncesi"', 'value="team"', 'value="payroll"', "selected"):
        assert words in page


def test_form_is_not_prefilled_from_others_requests(bob, volume, operation):
    scene.volume(granted_to=bob.user)
    page = bob.get("/snapshots/new/", {"again": str(operation.pk)}).text
    assert "before-upgrade" not in page


def test_metadata_that_the_cloud_dropped_is_marked(alice, volume):
    made = scene.operation(alice.user, volume, state="succeeded", metadata={"team": "payroll"})
    scene.Snapshot.objects.filter(operation=made).delete()
    scene.Snapshot.objects.create(
        operation=made,
        cloud=made.cloud,
        snapshot_id="s-1",
        status="available",
        seen_at=made.asked_at,
    )
    page = alice.get(f"/requests/{made.pk}/").text
    assert "payroll" in page.partition("fact--differs")[2]
    assert "The cloud did not keep it." in page
