"""What the form says before it is sent: of the volume, and of what was typed so far."""

import pytest

from snapshots.models import Operation, Quota
from tests import factories as scene
from tests.factories import ask, errors_at, fill_form, rows

FACTS, CHECK = "/snapshots/new/volume/", "/snapshots/new/check/"


def _facts(browser, volume):
    return browser.get(FACTS, {"volume_id": volume.volume_id}).text


def test_free_volume_and_what_is_left_of_the_quota(alice, volume):
    page = _facts(alice, volume)
    assert "No server is using this volume" in page
    assert "After it, 37 more snapshots fit into the quota." in page
    assert "It counts 40 GiB of the quota; 660 GiB are left then." in page


def test_full_quota_is_foreseen_and_blocks_nothing(alice, volume):
    Quota.objects.filter(resource="snapshots").update(in_use=50)
    assert "The quota of snapshots is used up: the cloud will refuse." in _facts(alice, volume)
    ask(alice, volume)
    assert Operation.objects.count() == 1  # the reading may be old: the cloud decides


def test_eighth_snapshot_is_foreseen(alice, volume):
    for _ in range(7):
        scene.foreign_snapshot(volume)
    assert "has its 7 manual snapshots" in _facts(alice, volume)


@pytest.mark.parametrize("status", ["extending", "error", "maintenance", "a-word-never-seen"])
def test_state_that_takes_no_snapshot_is_said_and_blocked(status, alice):
    volume = scene.volume(granted_to=alice.user, status=status)
    assert f"It is “{status}” and takes no snapshot now." in _facts(alice, volume)
    assert "takes no snapshot now" in errors_at(ask(alice, volume), "volume_id")[0]


def test_typed_so_far_is_checked_and_nothing_is_asked(helen, volume):
    told = fill_form(
        volume,
        name="autobk_snapshot_1",
        description="token: abcd1234efgh",
        **rows(("şehir", "Ankara")),
    )
    page = helen.post(CHECK, told).text
    assert "kept for snapshots that the cloud makes" in page
    assert "“Description” looks like a password or a key." in page
    assert "A key may contain the letters A to Z" in page
    assert 'href="#id_metadata-0-key"' in page
    assert not Operation.objects.exists()


def test_secret_that_was_typed_offers_its_box_before_it_is_sent(alice, volume):
    told = fill_form(volume, description="token: abcd1234efgh")
    assert 'name="no_secret"' in alice.post(CHECK, told).text
    ticked = alice.post(CHECK, told | {"no_secret": "true"}).text
    assert "checked" in ticked
    assert "looks like" not in ticked.partition('name="no_secret"')[0]


def test_what_is_still_blank_is_not_missed(helen):
    assert "<li>" not in helen.post(CHECK, {"name": "", "on_behalf_of": "Deniz"}).text


def test_forty_rows_of_metadata_are_asked_for(alice, volume):
    ask(alice, volume, **rows(*[(f"key-{number}", "değer") for number in range(40)]))
    assert len(Operation.objects.get().metadata) == 40


# --- a name without a script ------------------------------------------------------------------


def test_blank_name_without_a_script_gets_the_suggestion(alice, volume):
    page = alice.get("/snapshots/new/", follow=True).text
    assert '<input type="hidden" name="name_it" value="1">' in page
    ask(alice, volume, name="", name_it="1", suggested="")
    assert Operation.objects.get().name.startswith(f"{volume.name}-20")


def test_name_taken_away_from_the_form_stays_blank(alice, volume):
    page = alice.get("/snapshots/new/", {"volume": volume.volume_id}, follow=True).text
    assert "name_it" not in page
    ask(alice, volume, name="", suggested=f"{volume.name}-20261129-1531Z")
    assert not Operation.objects.get().name
