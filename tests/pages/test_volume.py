"""The page of a volume: facts, snapshots, requests, limits, and reading it again."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots import clouds
from snapshots.models import CloudHealth, Duty, Maker, Snapshot, Volume, VolumeGrant
from tests import factories


def address(volume, name="volume"):
    return reverse(f"snapshots:{name}", args=[volume.cloud, volume.volume_id])


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
def read(volume):
    """The volume was read a moment ago."""
    Volume.objects.update(snapshots_at=timezone.now())
    volume.refresh_from_db()
    return volume


def test_page_shows_facts_quota_and_action(alice, read):
    page = alice.get(address(read))
    text = text_of(page)
    for part in (read.name, read.volume_id, "40 GiB", "tr-west-1a", "38 of 50"):
        assert part in text
    assert f'href="/snapshots/new/?volume={read.volume_id}"' in page.text


def test_snapshots_stand_oldest_first(alice, read):
    now = timezone.now()
    for number, name in enumerate(["newest", "middle", "oldest"]):
        factories.foreign_snapshot(read, name=name, created_at=now - timedelta(days=number))
    factories.foreign_snapshot(read, name="gone", gone_at=now)
    listed = alice.get(address(read)).context["snapshots"]
    assert [row.name for row in listed] == ["oldest", "middle", "newest"]


def test_many_snapshots_lead_to_the_list(alice, read):
    now = timezone.now()
    for number in range(103):
        factories.foreign_snapshot(
            read, name=f"n{number}", created_at=now - timedelta(hours=number)
        )
    page = alice.get(address(read))
    assert [page.context["snapshots"][i].name for i in (0, -1)] == ["n99", "n0"]
    link = re.search(r'href="(/snapshots/\?[^"]+)"', page.text)[1].replace("&amp;", "&")
    assert alice.get(link).context["page"].rows[0].name == "n102"


def test_manual_snapshots_are_counted_against_seven(alice, read, monkeypatch):
    factories.foreign_snapshot(read)
    factories.foreign_snapshot(read, maker=Maker.SYSTEM)
    assert "Manual snapshots 1 of 7" in text_of(alice.get(address(read)))
    Volume.objects.update(cloud="elsewhere")
    VolumeGrant.objects.update(cloud="elsewhere")
    page = text_of(alice.get(f"/volumes/elsewhere/{read.volume_id}/"))
    assert "Manual snapshots 0 " in page
    assert "of 7" not in page


def test_manual_snapshots_are_counted_though_a_person_sees_few(alice, helen, read):
    made = factories.operation(alice.user, read, state="succeeded")
    factories.snapshot(made)
    factories.foreign_snapshot(read)
    factories.foreign_snapshot(read, gone_at=timezone.now())
    VolumeGrant.objects.all().delete()
    for browser in (alice, helen):
        assert "Manual snapshots 2 of 7" in text_of(browser.get(address(read)))


def test_requests_on_it_are_named(alice, bob, read):
    hers = factories.operation(alice.user, read, name="hers")
    his = factories.operation(bob.user, read, ago_seconds=5)
    factories.operation(alice.user, read, state="succeeded")
    page = alice.get(address(read))
    assert page.context["unfinished"] == [hers, his]
    assert f"/requests/{hers.pk}/" in page.text
    assert f"/requests/{his.pk}/" not in page.text
    assert "Create a snapshot by alice" in text_of(page)
    assert "Create a snapshot by somebody else" in text_of(page)
    assert "by bob" not in text_of(page)


@pytest.mark.parametrize("name", ["volume", "volume_state"])
def test_who_asked_is_told_as_in_the_list_of_requests(name, alice, helen, bob, read):
    made = factories.operation(alice.user, read, state="succeeded")
    factories.snapshot(made)
    factories.operation(helen.user, read, on_behalf_of="Deniz")
    VolumeGrant.objects.all().delete()
    page = text_of(alice.get(address(read, name)))
    assert "by somebody else" in page
    assert "helen" not in page
    assert "Deniz" not in page
    assert "by helen for Deniz" in text_of(helen.get(address(read, name)))


def test_stranger_finds_no_volume(bob, nobody, read):
    factories.foreign_snapshot(read)
    for name in ("volume", "volume_state"):
        assert bob.get(address(read, name)).status_code == 404
        assert nobody.get(address(read, name)).status_code == 404
    assert bob.get("/volumes/sandbox/none/").status_code == 404


def test_own_snapshots_show_without_facts(alice, bob, read):
    made = factories.operation(alice.user, read, state="succeeded")
    factories.snapshot(made, name="hers")
    factories.foreign_snapshot(read, name="other")
    VolumeGrant.objects.all().delete()
    page = alice.get(address(read))
    assert [row.name for row in page.context["snapshots"]] == ["hers"]
    assert "no facts to show" in page.text
    assert "tr-west-1a" not in page.text
    assert "Take a snapshot" not in page.text


def test_gone_volume_has_a_page_with_snapshots(alice, read):
    Volume.objects.update(gone_at=timezone.now())
    assert alice.get(address(read)).status_code == 404
    factories.foreign_snapshot(read, name="left")
    page = alice.get(address(read)).text
    assert "left" in page
    assert "no longer lists this volume" in page
    assert "Take a snapshot" not in page


@pytest.mark.parametrize("who", ["audrey", "root"])
def test_those_who_look_take_no_snapshot(who, read, request):
    page = request.getfixturevalue(who).get(address(read)).text
    assert "Take a snapshot" not in page


def test_volume_that_takes_none_offers_none(alice, read):
    Volume.objects.update(status="error")
    assert "Take a snapshot" not in alice.get(address(read)).text


# --- reading it again ----------------------------------------------------------------------------


def test_opening_asks_for_a_reading_and_polls(alice, volume):
    page = alice.get(address(volume)).text
    assert "reads it again now" in page
    volume.refresh_from_db()
    asked = f'data-changed="{volume.look_asked_at.isoformat()}"'
    assert f'data-live="{address(volume, "volume_state")}"' in page
    assert asked in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert Duty.objects.filter(kind="look", cloud=volume.cloud).exists()


def test_polling_ends_when_it_was_read(alice, volume):
    alice.get(address(volume))
    Volume.objects.update(look_asked_at=None, snapshots_at=timezone.now())
    fragment = alice.get(address(volume, "volume_state")).text
    assert 'data-changed=""' in fragment
    assert "<html" not in fragment
    assert "As read at" in fragment


def test_poll_asks_for_no_reading(alice, volume):
    alice.get(address(volume, "volume_state"))
    volume.refresh_from_db()
    assert volume.look_asked_at is None


def test_held_back_reading_is_said(alice, read):
    CloudHealth.objects.update(snapshots_at=timezone.now(), snapshots_held_back=1)
    assert "lacks 1 snapshot." in text_of(alice.get(address(read)))


@pytest.mark.parametrize("count", [1, 60])
@pytest.mark.usefixtures("kept_for_a_second")
def test_page_takes_few_queries(count, alice, read, django_assert_max_num_queries):
    for number in range(count):
        factories.foreign_snapshot(read)
        factories.operation(alice.user, read, ago_seconds=number)
    for name in ("volume", "volume_state"):
        with django_assert_max_num_queries(13):
            alice.get(address(read, name))


@pytest.mark.parametrize("text", ["<b>x", "a/b", "..", "~"])
def test_hostile_volume_has_a_page(text, helen):
    volume = factories.volume(text, volume_id=text)
    factories.foreign_snapshot(volume, name=text)
    page = helen.get(address(volume))
    assert page.status_code == 200
    assert "<b>x" not in page.text
    assert address(volume) in helen.get("/volumes/").text


def test_list_of_volumes_leads_to_each(alice, read):
    assert f'href="{address(read)}"' in alice.get("/volumes/").text
    assert Snapshot.objects.count() == 0
    assert clouds.cloud_names() == ["sandbox"]
