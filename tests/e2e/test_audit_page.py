"""The auditors' list in a real browser: many records at a glance, and on narrow screens too."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories as scene

pytestmark = pytest.mark.browser
LONG = "ş" * 200


@pytest.fixture
def audit_page(open_context, sign_in):
    """A page of records, as audrey sees it; the newest with texts as long as they may be."""

    def open_page(path="/audit/", **kind):
        context = open_context(**kind)
        sign_in(context, "audrey")
        made = scene.operation(scene.person("alice"), scene.volume(), state="accepted")
        now = timezone.now()
        for number in range(50):
            scene.exchange(made, at=now - timedelta(minutes=number), body='{"force": true}')
        names = {"target_name": LONG, "ticket": "CHG" * 26, "actor_name": "x" * 150}
        scene.exchange(made, on_behalf_of="y" * 150, status=413, **names)
        page = context.new_page()
        page.goto(path)
        return page

    return open_page


def boxes(page, rows="tbody tr:not(.cards__group)"):
    return page.locator(rows).evaluate_all(
        "all => all.map((one) => { const box = one.getBoundingClientRect();"
        " return [box.top, box.bottom]; })"
    )


def test_sixteen_records_are_seen_at_a_glance(audit_page):
    rows = boxes(audit_page())
    assert sum(bottom <= 800 for _top, bottom in rows) >= 16
    assert {round(bottom - top) for top, bottom in rows} == {36}


@pytest.mark.parametrize(("density", "height"), [("compact", 36), ("normal", 44), ("roomy", 52)])
def test_rows_are_as_high_as_was_chosen(density, height, audit_page):
    page = audit_page()
    page.evaluate("density => document.documentElement.dataset.density = density", density)
    assert {round(bottom - top) for top, bottom in boxes(page)} == {height}


@pytest.mark.parametrize("javascript", [True, False])
def test_filters_unfold_and_are_taken_away(javascript, audit_page):
    page = audit_page(javascript=javascript)
    expect(page.locator("#id_actor")).to_be_hidden()
    page.click("summary:has-text('Filters')")
    page.fill("#id_actor", "nobody-of-this-name")
    page.click(".search__panel button")
    expect(page.locator(".chip")).to_have_text("Actor: nobody-of-this-name Take away: Actor")
    expect(page.locator("main h2")).to_have_text("Nothing matches")
    page.click(".chip a")
    expect(page.locator(".audit")).to_be_visible()


def test_a_phone_shows_every_cell(audit_page):
    page = audit_page(width=320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    row = page.locator("tbody tr:not(.cards__group)").first
    for words in ("Create the snapshot", LONG, "CHG" * 26, "413", "87 ms"):
        cell = row.locator(f":text('{words}')").last
        assert cell.evaluate("one => one.scrollWidth <= one.clientWidth || !one.clientWidth")
        assert 0 <= cell.bounding_box()["x"] < 320


@pytest.mark.parametrize("language", ["en-GB", "tr", "zh-Hans", "ar"])
def test_every_heading_of_a_wide_page_is_whole(language, audit_page):
    page = audit_page(language=language)
    for width in (901, 1024, 1279, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        cut = page.locator(".audit thead th:visible").evaluate_all(
            "all => all.filter((one) => one.scrollWidth > one.clientWidth)"
            ".map((one) => one.textContent.trim())"
        )
        assert (width, cut) == (width, [])


def test_text_of_a_row_can_be_selected(audit_page):
    page = audit_page()
    page.locator(".one-line:text-is('web-01-data')").first.dblclick(position={"x": 12, "y": 9})
    selected = page.evaluate("getSelection().toString()").strip()
    assert selected
    assert selected in "web-01-data"
