"""The volumes page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.models import CloudHealth, Quota, Volume
from snapshots.selectors.volumes import volumes_page
from tests import factories as scene

PAGE = "/volumes/"


def test_staff_see_the_volumes_granted_to_them(alice, bob, volume):
    scene.volume("his-volume", granted_to=bob.user)
    page = alice.get(PAGE).text
    assert "web-01-data" in page
    assert "his-volume" not in page


def test_facts_and_action(alice):
    made = scene.volume(granted_to=alice.user, status="in-use", attached_to="db-01 (/dev/vdb)")
    page = alice.get(PAGE).text
    for words in ("in-use", "40 GiB", "SSD", "tr-west-1a", "db-01 (/dev/vdb)", "just now"):
        assert words in page
    assert f"/snapshots/new/?volume={made.volume_id}" in page


def test_no_action_where_none_is_possible(alice, audrey, volume):
    scene.volume("broken", granted_to=alice.user, status="error_extending")
    assert alice.get(PAGE).text.count("?volume=") == 1
    assert "?volume=" not in audrey.get(PAGE).text


def test_search(alice, volume):
    scene.volume("db-data", granted_to=alice.user)
    assert "web-01-data" not in alice.get(PAGE, {"q": "db"}).text
    assert "No volume you may see matches" in alice.get(PAGE, {"q": "zzz"}).text


def test_quotas_with_bars(alice, volume):
    page = alice.get(PAGE).text
    assert "<strong>12</strong> of 50 in use, 38 left" in page
    assert 'aria-label="24 per cent in use"' in page
    assert "bar--warning" in page  # the gigabytes are at 82 per cent
    assert "style=" not in page


def test_a_quota_without_limit(alice, volume):
    Quota.objects.filter(resource="snapshots").update(limit=-1)
    assert "12</strong> in use, no limit" in alice.get(PAGE).text


def test_an_old_list_is_called_old(alice, volume):
    assert "may be out of date" not in alice.get(PAGE).text
    CloudHealth.objects.update(inventory_at=timezone.now() - timedelta(hours=2))
    page = alice.get(PAGE).text
    assert "may be out of date" in page
    assert "2 hours ago" in page


def test_list_that_is_seldom_read_is_old_later(alice, volume, settings):
    settings.EVSPORTAL_INVENTORY_SECONDS = 1800
    CloudHealth.objects.update(inventory_at=timezone.now() - timedelta(minutes=59))
    assert "may be out of date" not in alice.get(PAGE).text
    CloudHealth.objects.update(inventory_at=timezone.now() - timedelta(minutes=61))
    assert "may be out of date" in alice.get(PAGE).text


def test_many_volumes_come_in_pages(alice):
    for number in range(103):
        scene.volume(f"v{number:03}", granted_to=alice.user)
    first = alice.get(PAGE)
    second = alice.get(PAGE, {"after": first.context["page"].next})
    assert [one.name for one in second.context["page"].rows] == ["v100", "v101", "v102"]


@pytest.mark.parametrize("letter", ["\U0001f4be", "盘", '"', "\x7f"])
@pytest.mark.parametrize(
    ("sort", "column"), [("name", "name"), ("-type", "volume_type"), ("zone", "availability_zone")]
)
def test_pages_go_on_behind_the_longest_texts(alice, sort, column, letter):
    for _ in range(3):
        scene.volume(granted_to=alice.user, **{column: letter * 255})
    first = volumes_page(Volume.objects.all(), sort=sort, size=2)
    second = volumes_page(Volume.objects.all(), sort=sort, size=2, after=first.next)
    assert len({row.pk for row in first.rows + second.rows}) == 3


@pytest.mark.parametrize("volumes", [1, 60])
def test_the_number_of_queries(volumes, alice, django_assert_max_num_queries):
    for number in range(volumes):
        scene.volume(f"v{number}", granted_to=alice.user)
    with django_assert_max_num_queries(12):
        alice.get(PAGE)


def test_a_volume_being_attached_has_words_of_its_own(alice):
    attaching = scene.volume(granted_to=alice.user, status="attaching")
    busy = scene.volume(granted_to=alice.user, status="in-use")
    page = alice.get("/snapshots/new/volume/", {"volume_id": attaching.volume_id}).text
    assert "Take it while the volume is being attached" in page
    assert "A server is using this volume" not in page
    page = alice.get("/snapshots/new/volume/", {"volume_id": busy.volume_id}).text
    assert "Take it while the volume is in use" in page
    assert "Quota left: Snapshots" in page


def test_unknown_size_is_not_shown_as_zero(alice):
    made = scene.volume(granted_to=alice.user, size_gb=None)
    facts = alice.get("/snapshots/new/volume/", {"volume_id": made.volume_id}).text
    form = alice.get("/snapshots/new/").text
    for page in (alice.get(PAGE).text, facts, form):
        assert "not reported" in page
        assert "0 GiB" not in page
        assert "None" not in page


@pytest.mark.parametrize(
    ("limit", "words"),
    [(50, "Limit 50; the cloud did not tell"), (-1, "No limit; the cloud did not tell")],
)
def test_quota_without_use_shows_no_numbers(alice, volume, limit, words):
    Quota.objects.update(in_use=None, limit=limit)
    page = alice.get(PAGE).text
    assert words in page
    assert "in use, " not in page
    assert "per cent" not in page
    facts = alice.get("/snapshots/new/volume/", {"volume_id": volume.volume_id}).text
    assert ("not reported, limit 50" if limit > 0 else "no limit") in facts


@pytest.mark.parametrize("status", ["Available", "IN-USE", "in_use", "In Use", " attaching "])
def test_a_status_in_another_spelling_allows_a_snapshot(alice, status):
    made = scene.volume(granted_to=alice.user, status=status)
    page = alice.get(PAGE).text
    assert f"?volume={made.volume_id}" in page
    assert status.strip() in page
    assert made.needs_force is (status != "Available")


@pytest.mark.parametrize("status", ["ERROR", "Error Extending", "not-available", "in-user"])
def test_a_status_that_only_looks_alike_allows_none(alice, status):
    scene.volume(granted_to=alice.user, status=status)
    assert "?volume=" not in alice.get(PAGE).text


@pytest.mark.parametrize("typed", ["payroll", "SIRKET", "cost-centre", "payroll 4711"])
def test_volumes_are_found_by_their_tags(typed, alice):
    tags = {"team": "payroll", "firma": "Şirket", "cost-centre": "4711"}
    scene.volume("tagged", granted_to=alice.user, metadata=tags)
    scene.volume("plain", granted_to=alice.user, metadata={})
    page = alice.get("/volumes/", {"q": typed}).text
    assert "tagged" in page
    assert ">plain<" not in page


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("name", lambda row: row.name),
        ("status", lambda row: row.status),
        ("size", lambda row: -1 if row.size_gb is None else row.size_gb),
        ("type", lambda row: row.volume_type),
        ("zone", lambda row: row.availability_zone),
    ],
)
def test_order_goes_through_all_pages(sort, key, alice, volume):
    for number in range(230):
        columns = {"size_gb": None if number % 5 == 0 else number % 7 * 10}
        columns |= {"volume_type": "SAS" if number % 2 else "SSD", "availability_zone": "b" * 3}
        status = "in-use" if number % 3 else "available"
        scene.volume(f"v{number % 9}", granted_to=alice.user, status=status, **columns)
    for sign in ("", "-"):
        rows, after = [], ""
        while after is not None and len(rows) < 400:
            page = alice.get(PAGE, {"sort": f"{sign}{sort}", "after": after}).context["page"]
            rows, after = rows + page.rows, page.next
        assert len({row.pk for row in rows}) == 231
        assert [*map(key, rows)] == sorted(map(key, rows), reverse=bool(sign))


def test_largest_volumes_come_first_at_one_click(alice, volume):
    assert '<a class="order" href="?sort=-size">Size</a>' in alice.get(PAGE).text
    assert 'aria-sort="ascending"><a class="order" href="?sort=-name">Volume</a>' in (
        alice.get(PAGE).text
    )


@pytest.mark.parametrize("sort", ["nonsense", "-", "--name", "size_gb", "x" * 81])
def test_nonsense_for_an_order_is_the_usual_one(sort, alice, volume):
    response = alice.get(PAGE, {"sort": sort})
    assert response.context["sorting"].sort == "name"
    assert 'aria-sort="ascending"><a class="order" href="?sort=-name">' in response.text
