"""A person's time zone, density and shortcuts, and the times that the pages then show."""

import re
from datetime import UTC, datetime

import pytest

from snapshots.models import Preferences
from tests import factories as scene

AT = datetime(2026, 7, 1, 21, 30, 5, tzinfo=UTC)


@pytest.fixture
def made(alice, volume):
    return scene.operation(alice.user, volume, state="succeeded", asked_at=AT)


def _asked_at(browser, operation):
    page = browser.get(f"/requests/{operation.pk}/").text
    part = page.partition('<ol class="steps">')[2]
    return re.search(r'<time datetime="([^"]*)"(?: title="([^"]*)")?>([^<]*)<', part).groups()


def _prefer(browser, **columns):
    Preferences.objects.update_or_create(user=browser.user, defaults=columns)


def test_times_are_utc_for_somebody_who_chose_nothing(alice, made):
    exact = "01 Jul 2026, 21:30:05 UTC"
    assert _asked_at(alice, made) == ("2026-07-01T21:30:05.000+00:00", None, exact)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Istanbul", "02 Jul 2026, 00:30:05 UTC+03"),
        ("America/St_Johns", "01 Jul 2026, 19:00:05 UTC-02:30"),
        ("Asia/Kathmandu", "02 Jul 2026, 03:15:05 UTC+05:45"),
    ],
)
def test_times_are_the_person_s_with_utc_beside(alice, made, zone, words):
    _prefer(alice, zone=zone)
    stamp, title, text = _asked_at(alice, made)
    assert stamp == "2026-07-01T21:30:05.000+00:00"
    assert (text, title) == (words, "01 Jul 2026, 21:30:05 UTC")


def test_auditors_read_utc_first(audrey, made):
    _prefer(audrey, zone="Europe/Istanbul")
    _stamp, title, text = _asked_at(audrey, made)
    assert text == "01 Jul 2026, 21:30:05 UTC"
    assert title == "02 Jul 2026, 00:30:05 UTC+03"


def test_zone_that_is_no_longer_known_is_utc(alice, made):
    _prefer(alice, zone="Mars/Olympus")
    assert _asked_at(alice, made)[2] == "01 Jul 2026, 21:30:05 UTC"


def test_one_person_s_zone_is_not_another_s(alice, helen, made):
    _prefer(alice, zone="Europe/Istanbul")
    assert _asked_at(alice, made)[2].endswith("UTC+03")
    assert _asked_at(helen, made)[2].endswith(" UTC")


def test_preferences_are_kept(alice):
    chosen = {"zone": "Asia/Tokyo", "density": "roomy"}
    page = alice.post("/preferences/", chosen, follow=True).text
    assert "Your preferences are saved" in page
    assert 'data-density="roomy"' in page
    assert 'data-shortcuts="off"' in page
    assert 'id="shortcuts"' not in page
    assert "Times are Asia/Tokyo (UTC+09)" in page


def test_unknown_zone_is_refused_and_nothing_kept(alice):
    page = alice.post("/preferences/", {"zone": "Mars/Olympus", "density": "normal"}).text
    assert "Mars/Olympus is not one of the available choices" in page
    assert not Preferences.objects.exists()


@pytest.mark.parametrize(
    ("told", "kept"),
    [("Europe/Istanbul", "Europe/Istanbul"), ("Mars/Olympus", "UTC"), ("x" * 900, "UTC")],
)
def test_browser_tells_its_zone_once(alice, told, kept):
    assert 'data-tell-zone="/preferences/zone/"' in alice.get("/").text
    assert alice.post("/preferences/zone/", {"zone": told}).status_code == 204
    alice.post("/preferences/zone/", {"zone": "Asia/Tokyo"})
    assert Preferences.objects.get(user=alice.user).zone == kept
    assert "data-tell-zone" not in alice.get("/").text


def test_suggested_name_carries_the_zone(alice, volume):
    form = f"/snapshots/new/?volume={volume.volume_id}"
    assert re.search(r"web-01-data-\d{8}-\d{4}Z", alice.get(form, follow=True).text)
    _prefer(alice, zone="Europe/Istanbul")
    assert re.search(r"web-01-data-\d{8}-\d{4}\+0300", alice.get(form, follow=True).text)


def test_page_asks_for_preferences_once(alice, made, django_assert_max_num_queries):
    _prefer(alice, zone="Europe/Istanbul")
    with django_assert_max_num_queries(60) as queries:
        alice.get("/")
    asked = [query for query in queries.captured_queries if "snapshots_preferences" in query["sql"]]
    assert len(asked) == 1
