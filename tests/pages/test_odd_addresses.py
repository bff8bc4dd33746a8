"""Whatever stands in an address, a page answers: at worst it is not found, never a server error."""

import base64
import json
from urllib.parse import quote

import pytest
from django.test import Client

from snapshots.models import Snapshot
from tests import factories

PAGES = {
    "/requests/": ("q", "state", "before"),
    "/volumes/": ("q", "after"),
    "/snapshots/": (*("q", "cloud", "volume", "made_by", "older", "presence", "sort", "columns"),),
    "/snapshots/totals/": ("volume", "older"),
    "/snapshots/export/": ("volume", "sort", "format"),
    "/snapshots/new/": ("volume_id", "volume", "server", "ticket", "name", "again", "key"),
    "/snapshots/new/volume/": ("volume_id",),
    "/snapshots/new/volumes/": ("find", "server"),
    "/snapshots/batch/": ("kind", "snapshot"),
}
AUDIT_PAGES = {
    "/audit/": ("q", "operation", "status", "since", "until", "before"),
    "/audit/export/": ("q", "since"),
    "/audit/questions/out-of-hours/": ("since", "until", "before"),
    "/audit/questions/out-of-hours/export/": ("until", "format"),
}
EARLIEST, LATEST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"


def cursor(*value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


ODD = {
    "nul": "\0",
    "surrogates": "%ED%A0%80",
    "right to left": "\u202eelbaliava",
    "long": "x" * 5000,
    "minus": "-1",
    "huge": "9" * 5000,
    "19 digits": "9" * 19,
    "a float": "1e999",
    "digits of another script": "١٢٣",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "no day": "2026-02-30",
    "quotes": "'\"`;--",
    "pattern": "%_\\%",
    "braces": "{0.__class__}%(x)s%s",
    "cursor": cursor("2026-01-01T00:00:00+00:00", 1),
    "cursor before the first year": cursor(EARLIEST, 1),
    "cursor after the last year": cursor(LATEST, 1),
    "cursor with a huge key": cursor("a", 10**400),
    "cursor of a time and more": f"{EARLIEST} 1",
    "nested": base64.urlsafe_b64encode(b"[" * 3000).decode(),
}


def addresses(pages, text):
    """Each parameter of each page alone, and with an order that cursors are for."""
    raw = text if text.startswith(("%E", "%F")) else quote(text)
    for page, names in pages.items():
        for name in names:
            yield f"{page}?{name}={raw}"
        if "sort" in names:
            yield from (f"{page}?sort={sort}&after={raw}" for sort in ("name", "created"))


def assert_answered(browser, address):
    answer = browser.get(address)
    assert answer.status_code < 500, address
    if answer.streaming:
        b"".join(answer.streaming_content)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_lists_answer_whatever_stands_in_the_address(text, helen, volume):
    factories.foreign_snapshot(volume)
    factories.operation(helen.user, volume)
    for address in addresses(PAGES, text):
        assert_answered(helen, address)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_lists_of_auditors_answer_too(text, audrey, volume):
    factories.exchange(factories.operation(audrey.user, volume))
    for address in addresses(AUDIT_PAGES, text):
        assert_answered(audrey, address)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_pages_of_one_thing_answer_too(text, helen, volume):
    row = factories.foreign_snapshot(volume)
    raw = quote(text.replace("/", "~2F"), safe="")
    for address in (
        f"/volumes/sandbox/{raw}/",
        f"/volumes/{raw}/x/",
        f"/snapshots/sandbox/{raw}/",
        f"/snapshots/sandbox/{row.snapshot_id}/{raw[:60]}/",
        f"/snapshots/sandbox/{row.snapshot_id}/rename/?key={raw}",
        f"/batches/{raw}/",
    ):
        assert_answered(helen, address)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_cookie_of_columns_may_hold_anything(text, alice):
    browser = Client(headers={"cookie": f"snapshot_columns={quote(text)}"})
    browser.force_login(alice.user)
    assert_answered(browser, "/snapshots/")


@pytest.mark.parametrize("time", [EARLIEST, LATEST])
@pytest.mark.parametrize("sort", ["created", "-created"])
def test_cursor_that_is_no_time_in_utc_starts_at_the_top(time, sort, helen, volume):
    factories.foreign_snapshot(volume)
    page = helen.get("/snapshots/", {"sort": sort, "after": cursor(time, 1)}).context["page"]
    assert page.rows == [Snapshot.objects.get()]
