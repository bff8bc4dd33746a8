"""The page of a snapshot: what it is, what was done to it, what may be done; and old addresses."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots.models import CloudHealth, Maker, Snapshot, Volume, VolumeGrant
from snapshots.views.addresses import CloudText
from tests import factories


def address(snapshot):
    return reverse("snapshots:snapshot", args=[snapshot.cloud, snapshot.snapshot_id])


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
def made(alice, volume):
    operation = factories.operation(
        alice.user, volume, state="succeeded", ticket="CHG-7", reason="Before the upgrade."
    )
    return factories.snapshot(operation, metadata={"team": "blue"}, description="as asked")


def test_page_shows_facts_and_who_asked(alice, made, volume):
    page = text_of(alice.get(address(made)))
    for text in (made.snapshot_id, volume.name, "40 GiB", "CHG-7", "Before the upgrade.", "blue"):
        assert text in page
    assert "evsportal-operation" not in page


def test_page_lists_requests_newest_first(alice, volume, made):
    factories.operation(
        alice.user, volume, kind="rename", target_snapshot=made, state="refused", ago_seconds=9
    )
    page = text_of(alice.get(address(made)))
    assert page.index("Rename a snapshot by alice") < page.index("Create a snapshot by alice")


def test_requests_of_others_are_named_without_link(bob, volume, made):
    VolumeGrant.objects.create(cloud=volume.cloud, volume_id=volume.volume_id, user=bob.user)
    page = bob.get(address(made))
    assert "Create a snapshot by alice" in text_of(page)
    assert f"/requests/{made.operation_id}/" not in page.text
    assert "Before the upgrade." not in page.text


def test_stranger_gets_404_for_alices_snapshot(bob, nobody, made):
    assert bob.get(address(made)).status_code == 404
    assert nobody.get(address(made)).status_code == 404
    assert bob.get(f"{address(made)}rename/").status_code == 404


@pytest.mark.parametrize("path", ["/snapshots/sandbox/nonsense/", "/snapshots/sandbox/a%00b/"])
def test_unknown_snapshot_has_no_page(path, alice):
    assert alice.get(path).status_code in {400, 404}


def test_auditors_get_links_to_the_trail(alice, audrey, made):
    page = audrey.get(address(made)).text
    assert f"/audit/?q=target%3A%22{made.snapshot_id}%22" in page
    assert audrey.get("/audit/", {"q": f'target:"{made.snapshot_id}"'}).status_code == 200
    assert "/audit/?" not in alice.get(address(made)).text


def test_changes_are_offered_to_those_who_may(alice, audrey, made):
    assert f"{address(made)}rename/" in alice.get(address(made)).text
    page = audrey.get(address(made)).text
    assert f"{address(made)}rename/" not in page
    assert "Staff and the helpdesk may change snapshots" in page


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"gone_at": timezone.now()}, "It was deleted in the cloud"),
        ({"missing_since": timezone.now()}, "The portal checks whether it was deleted"),
        ({"maker": Maker.SYSTEM}, "backup service made it"),
        ({"status": "Creating"}, "still making it"),
        ({"volume_id": "gone"}, "no longer lists its volume"),
    ],
)
def test_page_says_why_nothing_can_be_changed(columns, sentence, helen, made):
    Snapshot.objects.update(**columns)
    page = helen.get(address(made)).text
    assert sentence in page
    assert f"{address(made)}rename/" not in page
    form = helen.get(
        f"{address(made)}rename/?key=0b5c7f4e-3d3a-4a51-9a3e-0d8c1f1f7a55", follow=True
    )
    assert sentence in form.text
    assert "Nothing was asked." in form.text


def test_volume_not_granted_allows_no_change(alice, made):
    VolumeGrant.objects.all().delete()
    assert "You may not use its volume" in alice.get(address(made)).text


def test_page_admits_the_age_of_its_state(alice, made, volume):
    at = timezone.now().replace(hour=0, minute=2)
    Snapshot.objects.update(seen_at=at - timedelta(hours=9))
    CloudHealth.objects.update(snapshots_at=at)
    assert "As read at 00:02 (cloud sandbox)" in text_of(alice.get(address(made)))
    Volume.objects.update(snapshots_at=at + timedelta(minutes=3))
    assert "As read at 00:05 (cloud sandbox)" in text_of(alice.get(address(made)))


def test_page_admits_that_the_list_is_unreadable(alice, made):
    at = timezone.now().replace(hour=0, minute=2)
    Snapshot.objects.update(seen_at=at, unread_since=at + timedelta(minutes=1))
    CloudHealth.objects.update(snapshots_at=timezone.now())
    page = text_of(alice.get(address(made)))
    assert "available, as read at 00:02" in page
    assert "Since 00:03 the portal cannot read what the cloud" in page
    assert "It was last read at 00:02" in page
    assert "As read at" not in page
    for path in ("/snapshots/", f"/volumes/sandbox/{made.volume_id}/", "/snapshots/?columns=name"):
        assert "available, as read at 00:02" in text_of(alice.get(path))


def test_no_page_shows_a_time_to_come(alice, made, volume):
    """What was read while the clock was ahead is as old as the snapshot, as far as is known."""
    at = timezone.now() + timedelta(days=1)
    Snapshot.objects.update(seen_at=at)
    Volume.objects.update(seen_at=at, snapshots_at=at)
    CloudHealth.objects.update(snapshots_at=at, inventory_at=at)
    made.refresh_from_db()
    assert f"As read at {made.listed_at:%H:%M} (cloud sandbox)" in text_of(alice.get(address(made)))
    paths = [
        address(made),
        "/snapshots/",
        "/volumes/",
        f"/volumes/sandbox/{volume.volume_id}/",
        f"/requests/{made.operation_id}/",
    ]
    for columns in ({}, {"missing_since": timezone.now()}, {"gone_at": timezone.now()}):
        Snapshot.objects.update(**columns)
        for path in paths:
            page = alice.get(path, {"presence": "all"} if path == "/snapshots/" else {}).text
            assert f"{at:%Y-%m-%dT%H:}" not in page, (path, columns)
            assert f"{at:%d %b %Y}" not in page, (path, columns)


def test_opening_the_page_asks_for_a_reading(alice, made, volume):
    assert "reads it again now" in alice.get(address(made)).text
    volume.refresh_from_db()
    assert volume.look_asked_at is not None


def test_snapshot_without_volume_has_a_page(helen, volume):
    row = factories.foreign_snapshot(volume, volume_id="", created_at=None, size_gb=None)
    assert "not reported" in helen.get(address(row)).text


def test_page_takes_few_queries(alice, volume, made, django_assert_max_num_queries):
    for number in range(30):
        factories.operation(
            alice.user,
            volume,
            kind="rename",
            target_snapshot=made,
            state="refused",
            ago_seconds=number,
        )
    alice.get(address(made))
    with django_assert_max_num_queries(14):
        alice.get(address(made))


# --- the request that made it --------------------------------------------------------------------


def test_request_says_that_its_snapshot_is_gone(alice, made):
    at = timezone.now().replace(hour=0, minute=2)
    Snapshot.objects.update(gone_at=timezone.now(), seen_at=at)
    page = text_of(alice.get(f"/requests/{made.operation_id}/"))
    assert "The snapshot was deleted in the cloud after 00:02" in page
    assert "can be used" not in page
    assert "ready to use" not in page
    assert "Rename the snapshot" not in page
    assert "Deleted in the cloud after 00:02" in text_of(alice.get("/requests/"))


def test_request_leads_to_its_snapshot_and_volume(alice, made, volume):
    page = alice.get(f"/requests/{made.operation_id}/").text
    assert f'href="{address(made)}"' in page
    assert f'href="/volumes/sandbox/{volume.volume_id}/"' in page


def test_request_shows_another_status_than_available(alice, made):
    Snapshot.objects.update(status="error_deleting")
    assert 'badge--bad">error_deleting' in alice.get("/requests/").text


# --- old addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "status/", "cancel/", "end/", "again/"])
def test_old_addresses_of_requests_lead_on(page, alice, made):
    old = f"/snapshots/{made.operation_id}/{page}?seen=1&a=%2F"
    assert alice.get(old).url == f"/requests/{made.operation_id}/{page}?seen=1&a=%2F"


def test_old_addresses_lead_to_pages(alice, made):
    assert alice.get(f"/snapshots/{made.operation_id}/", follow=True).status_code == 200
    assert alice.get("/snapshots/rows/?q=a").url == "/requests/rows/?q=a"
    old = f"/snapshots/{made.operation_id}/change/rename/"
    assert alice.get(old).url == f"{address(made)}rename/"


def test_old_change_shows_strangers_nothing(bob, made):
    assert bob.get(f"/snapshots/{made.operation_id}/change/rename/").status_code == 404


def test_form_sent_to_an_old_address_is_sent_on(alice, volume):
    waiting = factories.operation(alice.user, volume)
    answer = alice.post(f"/snapshots/{waiting.pk}/cancel/")
    assert (answer.status_code, answer.url) == (308, f"/requests/{waiting.pk}/cancel/")


@pytest.mark.parametrize("text", ["a/b", "..", ".", "~", "~2F", "~7E2F", "a b?c#d%", "ş"])
def test_cloud_texts_come_back_from_addresses(text):
    converter = CloudText()
    written = converter.to_url(text)
    assert converter.to_python(written) == text
    assert "/" not in written
    assert written.strip(".")
