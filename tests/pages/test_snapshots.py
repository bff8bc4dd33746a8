"""The list of snapshots: who sees which, filters, orders, pages, columns, files."""

import base64
import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots.models import Action, ActionCode, CloudHealth, Maker, Snapshot, VolumeGrant
from snapshots.selectors.snapshots import ORDERS
from tests import factories

PAGE = "/snapshots/"
HOSTILE = ["<script>alert(1)</script>", "\u202egnp.exe", "a/../b?c#d%2f", "ş" * 127, "~2F", ".."]


def names(answer):
    return [row.name for row in answer.context["page"].rows]


# --- who sees which ----------------------------------------------------------------------------


def test_staff_see_snapshots_of_their_volumes(alice, bob, volume):
    factories.foreign_snapshot(volume, name="console")
    factories.foreign_snapshot(factories.volume("his", granted_to=bob.user), name="his")
    assert names(alice.get(PAGE)) == ["console"]
    assert names(bob.get(PAGE)) == ["his"]


def test_staff_see_what_their_requests_made(alice, volume):
    made = factories.operation(alice.user, volume, state="succeeded", name="hers")
    factories.snapshot(made)
    VolumeGrant.objects.all().delete()
    assert names(alice.get(PAGE)) == ["hers"]


def test_grant_of_a_cloud_shows_all_of_it(bob, volume):
    factories.foreign_snapshot(volume, name="there")
    factories.foreign_snapshot(factories.volume(cloud="ankara"), name="elsewhere")
    VolumeGrant.objects.create(cloud=volume.cloud, scope="cloud", user=bob.user)
    assert names(bob.get(PAGE)) == ["there"]


@pytest.mark.parametrize("who", ["helen", "audrey", "root"])
def test_other_roles_see_every_snapshot(who, volume, request):
    factories.foreign_snapshot(volume)
    assert len(names(request.getfixturevalue(who).get(PAGE))) == 1


def test_without_a_role_there_is_no_list(nobody, volume):
    assert nobody.get(PAGE).status_code == 404


@pytest.mark.parametrize(("who", "count"), [("alice", 1), ("helen", 1), ("audrey", 0)])
def test_boxes_are_for_those_who_may_ask(who, count, alice, volume, request):
    snapshot = factories.foreign_snapshot(volume)
    factories.foreign_snapshot(volume, maker=Maker.SYSTEM)
    page = request.getfixturevalue(who).get(PAGE).text
    assert page.count('name="snapshot"') == count
    assert (f'value="sandbox/{snapshot.snapshot_id}"' in page) is bool(count)


# --- filters -----------------------------------------------------------------------------------


@pytest.fixture
def several(alice, volume):
    now = timezone.now()
    other = factories.volume("db", granted_to=alice.user)
    made = factories.operation(
        alice.user, volume, state="succeeded", name="asked", ticket="CHG-7", on_behalf_of="Deniz"
    )
    factories.snapshot(made, created_at=now)
    factories.foreign_snapshot(
        other, name="nightly", maker=Maker.SYSTEM, created_at=now - timedelta(days=40)
    )
    factories.foreign_snapshot(
        volume, name="broken", status="error", created_at=now - timedelta(days=9)
    )
    factories.foreign_snapshot(
        volume, name="gone", gone_at=now, created_at=now - timedelta(days=100)
    )
    return other


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["asked", "broken", "nightly"]),
        ({"q": "NIGHT"}, ["nightly"]),
        ({"q": "deniz chg"}, ["asked"]),
        ({"status": "error"}, ["broken"]),
        ({"status": "melting"}, []),
        ({"made_by": "system"}, ["nightly"]),
        ({"made_by": "portal"}, ["asked"]),
        ({"made_by": "nonsense"}, []),
        ({"older": "7"}, ["broken", "nightly"]),
        ({"older": "30"}, ["nightly"]),
        ({"older": "-1"}, []),
        ({"owner": "Deniz"}, ["asked"]),
        ({"ticket": "CHG-7"}, ["asked"]),
        ({"presence": "gone"}, ["gone"]),
        ({"presence": "all"}, ["asked", "broken", "nightly", "gone"]),
        ({"presence": "nonsense"}, []),
        ({"cloud": "sandbox", "sort": "name"}, ["asked", "broken", "nightly"]),
        ({"cloud": "elsewhere"}, []),
        ({"sort": "-name"}, ["nightly", "broken", "asked"]),
        ({"sort": "created"}, ["nightly", "broken", "asked"]),
        ({"sort": "status", "after": "nonsense"}, ["asked", "nightly", "broken"]),
        ({"sort": "nonsense"}, ["asked", "broken", "nightly"]),
        ({"ticket": "x" * 81}, []),
    ],
)
def test_filters_narrow_and_order_the_list(query, expected, alice, several):
    listed = names(alice.get(PAGE, query))
    assert sorted(listed) == sorted(expected)
    if "sort" in query or not query:
        assert listed[-1:] == expected[-1:]


def test_ids_are_found_by_their_parts(alice, several):
    row = Snapshot.objects.get(name="nightly")
    assert names(alice.get(PAGE, {"q": row.snapshot_id[4:14]})) == ["nightly"]
    assert names(alice.get(PAGE, {"q": several.volume_id})) == ["nightly"]
    assert names(alice.get(PAGE, {"volume": several.volume_id})) == ["nightly"]


def test_totals_of_the_filtered_list(alice, several):
    totals = alice.get(PAGE, {"older": "7"}).context["totals"]
    assert (totals.count, totals.size_gb, totals.has_more) == (2, 80, False)
    assert totals.oldest_at == Snapshot.objects.get(name="nightly").listed_at
    sums = alice.get("/snapshots/totals/", {"older": "7"}).context["totals"]
    assert sums == totals
    assert alice.get("/snapshots/totals/", {"ticket": "x" * 81}).status_code == 404


def test_long_list_is_added_up_later(alice, volume, monkeypatch):
    monkeypatch.setattr("snapshots.selectors.snapshots.MOST_ADDED_UP", 3)
    for _ in range(52):
        factories.foreign_snapshot(volume)
    page = alice.get(PAGE).text
    assert "More than 3 snapshots" in page
    assert 'hx-get="/snapshots/totals/"' in page
    part = alice.get("/snapshots/totals/", HTTP_HX_REQUEST="true")
    assert part.context["totals"].count == 52
    assert "<html" not in part.text
    assert "<html" in alice.get("/snapshots/totals/").text  # the link, without JavaScript


def test_search_of_several_pages_is_added_up_later(alice, volume):
    for _ in range(51):
        factories.foreign_snapshot(volume, name="same")
    page = alice.get(PAGE, {"q": "same"})
    assert page.context["totals"] is None
    assert 'hx-get="/snapshots/totals/?q=same"' in page.text
    assert alice.get("/snapshots/totals/", {"q": "same"}).context["totals"].count == 51


# --- pages -------------------------------------------------------------------------------------


def all_pages(browser, **query):
    """The ids of all rows, page by page."""
    listed, after = [], ""
    for _ in range(9):
        page = browser.get(PAGE, {**query, "after": after}).context["page"]
        listed.append([row.pk for row in page.rows])
        after = page.next
        if after is None:
            return listed
    raise AssertionError("The pages do not end.")


@pytest.mark.parametrize("sort", ORDERS)
def test_pages_miss_and_double_nothing(sort, alice, volume):
    moments = [timezone.now() - timedelta(days=day) for day in range(3)]
    for number in range(120):
        factories.foreign_snapshot(
            volume,
            name=["", "ş", "Same"][number % 3],
            status=["available", "error"][number % 2],
            created_at=moments[number % 3],
        )
    listed = all_pages(alice, sort=sort)
    assert [len(page) for page in listed] == [50, 50, 20]
    rows = [pk for page in listed for pk in page]
    assert len(set(rows)) == 120
    order = ORDERS[sort]
    assert rows == list(order.of(Snapshot.objects.all()).values_list("pk", flat=True))


def test_changed_last_row_does_not_shift_pages(alice, volume):
    for number in range(60):
        factories.foreign_snapshot(volume, name=f"n{number:02}")
    first = alice.get(PAGE, {"sort": "name"}).context["page"]
    Snapshot.objects.filter(pk=first.rows[-1].pk).update(name="zz")
    second = alice.get(PAGE, {"sort": "name", "after": first.next}).context["page"]
    assert [row.name for row in second.rows] == [*(f"n{n}" for n in range(50, 60)), "zz"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "ş", "[]", "W10", "A" * 5000]
    + [
        base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        for value in (
            {},
            ["a"],
            ["a", "b"],
            [1, 2],
            ["\0", 1],
            ["\ud800", 1],
            ["2026-01-01", 1],
            ["2026-13-01T00:00:00Z", 1],
            ["a", 2**63],
            ["a", -1],
            ["a", True],
            [None, None],
        )
    ],
)
@pytest.mark.parametrize("sort", ["name", "created"])
def test_nonsense_cursor_does_no_harm(cursor, sort, alice, volume):
    factories.foreign_snapshot(volume)
    assert alice.get(PAGE, {"sort": sort, "after": cursor}).status_code == 200


def test_next_page_keeps_the_query(alice, volume):
    for _ in range(51):
        factories.foreign_snapshot(volume, name="same")
    answer = alice.get(PAGE, {"q": "same", "sort": "name"})
    assert f'href="?q=same&amp;sort=name&amp;after={answer.context["page"].next}"' in answer.text


@pytest.mark.parametrize("count", [1, 60])
def test_queries_do_not_grow_with_the_list(count, alice, volume, django_assert_max_num_queries):
    for number in range(count):
        made = factories.operation(alice.user, volume, ago_seconds=number, state="succeeded")
        factories.snapshot(made)
    for query in ({}, {"q": "before", "sort": "status"}):
        with django_assert_max_num_queries(12):
            alice.get(PAGE, query)


# --- what a row says ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_and_linked(text, helen):
    of = factories.volume(text, volume_id=text[:60])
    row = factories.foreign_snapshot(of, name=text, snapshot_id=text[:60], cloud=text[:70])
    page = helen.get(PAGE, {"q": ""}).text
    assert "<script>alert" not in page
    address = reverse("snapshots:snapshot", args=[row.cloud, row.snapshot_id])
    assert address in page
    opened = helen.get(address)
    assert opened.context["snapshot"] == row
    assert "<script>alert" not in opened.text


def test_rows_say_what_is_no_longer_listed(alice, volume):
    moment = timezone.now().replace(hour=0, minute=2)
    factories.foreign_snapshot(volume, name="a", missing_since=moment)
    factories.foreign_snapshot(volume, name="b", seen_at=moment, gone_at=timezone.now())
    page = re.sub(r"<[^>]+>", "", alice.get(PAGE, {"presence": "all"}).text)
    assert "Not in the list since 00:02" in page
    assert "Deleted in the cloud after 00:02" in page


def test_list_says_when_it_was_read(alice, volume):
    factories.foreign_snapshot(volume)
    moment = timezone.now().replace(hour=0, minute=2)
    CloudHealth.objects.update(snapshots_at=moment)
    page = re.sub(r"<[^>]+>", "", alice.get(PAGE).text)
    assert "As read at 00:02 (cloud sandbox)" in page
    CloudHealth.objects.update(snapshots_held_back=1204)
    page = re.sub(r"<[^>]+>", "", alice.get(PAGE).text)
    assert "Since 00:02, the list of the cloud sandbox lacks 1,204 snapshots" in page


# --- columns and files -------------------------------------------------------------------------


def test_chosen_columns_are_remembered(alice, volume):
    factories.foreign_snapshot(volume, description="as it was")
    assert "as it was" not in alice.get(PAGE).text
    page = alice.get(PAGE, {"columns": ["name", "description"], "q": "made"}).text
    assert "as it was" in page
    assert 'data-label="Volume"' not in page
    assert '<input type="hidden" name="q" value="made">' in page
    assert "as it was" in alice.get(PAGE).text
    assert 'data-label="Volume"' in alice.get(PAGE, {"columns": ["name", "volume", "melt"]}).text


def test_csv_holds_all_rows_and_no_formula(alice, volume):
    for number in range(60):
        factories.foreign_snapshot(volume, name="=1+1" if number else '"x", y')
    answer = alice.get("/snapshots/export/", {"sort": "name", "format": "csv"})
    assert re.search(r'filename="snapshots-[\d-]+\.csv"', answer["Content-Disposition"])
    text = b"".join(answer).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ['"x", y', *["'=1+1"] * 59]


def test_json_is_filtered_and_recorded(alice, volume):
    factories.foreign_snapshot(volume, name="=1", metadata={"team": "a"})
    factories.foreign_snapshot(volume, name="other")
    answer = alice.get("/snapshots/export/", {"q": "=1", "format": "json"})
    (row,) = json.loads(b"".join(answer))
    assert (row["name"], row["metadata"], row["gone_at"]) == ("=1", {"team": "a"}, None)
    action = Action.objects.get(code=ActionCode.SNAPSHOTS_EXPORTED)
    assert action.details == {"query": "q=%3D1", "format": "json"}
    assert (
        json.loads(b"".join(alice.get("/snapshots/export/", {"q": "none", "format": "json"}))) == []
    )


def test_refused_exports_record_nothing(alice, volume):
    assert alice.get("/snapshots/export/", {"format": "xls"}).status_code == 404
    assert alice.get("/snapshots/export/", {"ticket": "x" * 81}).status_code == 302
    assert not Action.objects.filter(code=ActionCode.SNAPSHOTS_EXPORTED).exists()


def test_stranger_exports_nothing_of_others(bob, volume):
    factories.foreign_snapshot(volume)
    assert json.loads(b"".join(bob.get("/snapshots/export/", {"format": "json"}))) == []


def test_deleted_row_says_so_without_its_column(alice, volume):
    factories.foreign_snapshot(volume, gone_at=timezone.now())
    page = alice.get(PAGE, {"presence": "gone", "columns": ["name", "size"]}).text
    assert "Deleted in the cloud after" in page


def test_nonsense_for_an_order_is_the_usual_one(alice, several):
    page = alice.get(PAGE, {"sort": "nonsense"}).text
    assert 'aria-sort="descending"><a class="order" href="?sort=created">' in page
