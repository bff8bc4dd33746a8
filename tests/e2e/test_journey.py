"""The main job on the whole portal, as `./run` starts it: from a form to an available snapshot,
and every request before an auditor. With and without JavaScript.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.choosing import has_picker
from tests.e2e.stack import open_browser, running
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("journey")) as stack:
        yield stack
        assert "Traceback" not in stack.log()


def sign_in(page, name, password="demo"):
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")


def reload_until_there(wanted):
    """What the worker has not read yet, right after the start."""
    for _ in range(60):
        if wanted.count():
            return
        wanted.page.wait_for_timeout(500)
        wanted.page.reload()
    raise AssertionError("It never came.")


def choose_volume(page, label):
    option = page.locator("#id_volume_id option", has_text=label)
    reload_until_there(option)
    if has_picker(page):
        page.locator("#id_find").fill(label)
        page.get_by_role("listbox").get_by_role("option", name=label).first.click()
    else:
        page.locator("#id_volume_id").select_option(option.first.get_attribute("value"))


def take(page):
    page.get_by_role("button", name="Take the snapshot").last.click()


def status(page):
    return page.locator("#status-title")


def reload_until(page, text):
    """Without JavaScript a person presses reload."""
    for _ in range(60):
        if text in status(page).inner_text():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"Never {text}: {status(page).inner_text()}")


def test_a_snapshot_is_asked_for_watched_and_audited(stack, chromium):
    with open_browser(chromium, stack.url) as page:
        sign_in(page, "alice")
        page.get_by_role("link", name="New snapshot").click()
        choose_volume(page, "db-primary-data")
        expect(page.get_by_text("Take it while the volume is in use")).to_be_visible()
        page.get_by_label("Take it while the volume is in use").check()
        page.get_by_label("Name").fill("before the release")
        page.locator("summary").click()
        page.get_by_role("textbox", name="Key").fill("change")
        page.get_by_label("Value").fill("CHG-1")
        take(page)
        expect(status(page)).to_contain_text("Creating")
        expect(status(page)).to_contain_text("Available", timeout=30_000)
        expect(page.locator("#status")).not_to_have_attribute("hx-get", re.compile("."))
        page.goto("/requests/")
        expect(page.get_by_role("row", name="before the release")).to_contain_text("Available")
        operation = page.get_by_role("link", name="before the release").get_attribute("href")
    with open_browser(chromium, stack.url) as page:
        sign_in(page, "audrey")
        page.goto(f"/audit/?operation={operation.split('/')[-2]}&background=on")
        page.get_by_role("row", name="Create the snapshot").get_by_role("link").first.click()
        for words in ("CHG-1", '"force": true', "evsportal-operation", "202", "alice"):
            expect(page.locator("main")).to_contain_text(words)


def test_the_same_without_javascript(stack, chromium):
    with open_browser(chromium, stack.url, javascript=False) as page:
        sign_in(page, "alice")
        page.get_by_role("link", name="New snapshot").click()
        choose_volume(page, "web-01-system")
        page.get_by_role("button", name="Show volume").click()
        page.get_by_label("Take it while the volume is in use").check()
        page.get_by_label("Name").fill("no script")
        page.locator("summary").click()
        page.get_by_role("textbox", name="Key").fill("one")
        page.get_by_label("Value").fill("1")
        page.get_by_role("button", name="Add a row").click()
        expect(page.get_by_role("textbox", name="Key")).to_have_count(2)
        expect(page.get_by_label("Name")).to_have_value("no script")
        take(page)
        reload_until(page, "Available")


def test_a_double_click_is_one_snapshot(stack, chromium):
    with open_browser(chromium, stack.url) as page:
        sign_in(page, "alice")
        page.goto("/snapshots/new/")
        choose_volume(page, "reports")
        page.get_by_label("Name").fill("clicked twice")
        page.get_by_role("button", name="Take the snapshot").last.dblclick()
        expect(status(page)).to_contain_text(re.compile("Waiting|Being sent|Creating"))
        page.go_back()
        expect(page.locator("body")).to_contain_text("already sent")
        page.goto("/requests/?q=clicked")
        expect(page.get_by_role("row", name="clicked twice")).to_have_count(1)


@pytest.mark.parametrize(
    ("volume", "first", "then"),
    [
        ("trouble: quota full", "Refused", ""),
        ("trouble: answer cut", "Being checked", "Available"),
        ("trouble: ends in error", "Creating", "Failed"),
    ],
)
def test_trouble_is_told_in_plain_words(stack, chromium, volume, first, then):
    with open_browser(chromium, stack.url) as page:
        sign_in(page, "alice")
        page.goto("/snapshots/new/")
        choose_volume(page, volume)
        take(page)
        expect(status(page)).to_contain_text(first, timeout=15_000)
        if then:
            expect(status(page)).to_contain_text(then, timeout=40_000)
        assert "Traceback" not in page.content()


def test_every_request_the_cloud_got_is_in_the_audit_trail(stack, chromium):
    import requests

    sandbox = f"http://127.0.0.1:{stack.port + 9}/_sandbox/requests"
    # The worker reads volumes by itself, but may not have begun where this test is the first.
    counted = until(lambda: requests.get(sandbox, timeout=5).json()["total"], seconds=60)
    rows = int(
        stack.manage(
            "shell",
            "-v0",
            "-c",
            "from snapshots.models import Exchange as E; print(E.objects.count())",
        ).split()[-1]
    )
    assert rows >= counted


def test_a_portal_without_its_worker_says_so(stack, chromium, tmp_path):
    with (
        running(tmp_path, "--no-worker", ready="/healthz") as lonely,
        open_browser(chromium, lonely.url) as page,
    ):
        sign_in(page, "alice")
        expect(page.locator("body")).to_contain_text("worker is not running")
