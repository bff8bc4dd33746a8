"""What a person sees before any cloud's volumes were read."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.models import CloudHealth, Duty
from tests import factories as scene

PAGES = ["/volumes/", "/snapshots/new/"]
FRAGMENT = "/volumes/first/"
BEING_READ = "The volumes are being read"


@pytest.fixture
def unread():
    """A worker has planned to read the cloud, and has not."""
    CloudHealth.objects.all().delete()
    Duty.objects.create(name="inventory:ankara", kind="inventory", cloud="ankara")
    Duty.objects.update(due_at=timezone.now())


@pytest.mark.parametrize("path", PAGES)
def test_page_waits_for_the_first_reading_and_asks_again(path, alice, unread):
    page = alice.get(path).text
    assert BEING_READ in page
    assert "<strong>ankara</strong> for the first time" in page
    assert f'hx-get="{FRAGMENT}" hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert f'<a href="{path}' in page
    assert "Ask an administrator" not in page


@pytest.mark.parametrize("path", PAGES)
def test_page_without_any_worker_says_what_it_waits_for(path, alice):
    CloudHealth.objects.all().delete()
    page = alice.get(path).text
    assert "waits for its worker" in page
    assert f'hx-get="{FRAGMENT}"' in page


@pytest.mark.parametrize("path", PAGES)
def test_silent_cloud_is_named_with_its_trouble(path, alice, unread):
    CloudHealth.objects.create(cloud="ankara", trouble_code="unreachable")
    page = alice.get(path).text
    assert "The cloud <strong>ankara</strong> does not answer as it should: it cannot be" in page
    assert 'hx-trigger="every 10s"' in page


@pytest.mark.parametrize("path", PAGES)
def test_page_after_the_reading_names_who_helps(path, alice, unread):
    CloudHealth.objects.create(cloud="ankara", inventory_at=timezone.now())
    page = alice.get(path).text
    assert "There is no volume you may use" in page
    assert BEING_READ not in page
    assert FRAGMENT not in page
    assert "http-equiv" not in page


def test_fragment_reloads_the_page_at_the_end(alice, unread):
    url = {"HX-Current-URL": "http://testserver/snapshots/new/?key=1"}
    waiting = alice.get(FRAGMENT, headers={"HX-Request": "true"} | url)
    assert BEING_READ in waiting.text
    assert '<a href="/snapshots/new/?key=1">' in waiting.text
    CloudHealth.objects.create(cloud="ankara", inventory_at=timezone.now())
    assert alice.get(FRAGMENT).headers["HX-Refresh"] == "true"


def test_one_unread_cloud_of_two_is_waited_for(alice, unread):
    CloudHealth.objects.create(cloud="istanbul", inventory_at=timezone.now())
    assert "<strong>ankara</strong> for the first time" in alice.get("/volumes/").text


def test_cloud_that_left_the_settings_is_not_waited_for(alice, unread):
    CloudHealth.objects.create(cloud="istanbul", inventory_at=timezone.now())
    Duty.objects.update(due_at=timezone.now() - timedelta(hours=1))
    assert BEING_READ not in alice.get("/volumes/").text


def test_page_with_volumes_does_not_wait(alice, unread):
    assert BEING_READ not in alice.get("/volumes/", {"q": "x"}).text
    scene.volume(granted_to=alice.user)
    assert BEING_READ not in alice.get("/volumes/").text
