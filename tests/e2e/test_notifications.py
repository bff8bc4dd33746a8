"""Notifications of the browser, for somebody who wishes them and looks at something else."""

import pytest
from playwright.sync_api import expect

from tests import factories as scene
from tests.e2e.browser import CHROMIUM, QUIET
from tests.e2e.test_live_pages import ASK, finish
from tests.waiting import until

pytestmark = pytest.mark.browser
# The browser's own, and what it was given. A window without focus is one that nobody looks at.
WATCHED = """
    window.notified = [];
    window.Notification = class extends Notification {
        constructor(text, options) { super(text, options); window.notified.push(text); }
    };
    document.hasFocus = () => false;
"""


@pytest.fixture(scope="module")
def chromium(playwright):
    """The whole program: there are no notifications without what belongs to a window."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture
def alice(open_context, sign_in):
    context = open_context()
    context.grant_permissions(["notifications"])
    context.add_init_script(WATCHED)
    page = context.new_page()
    page.person = sign_in(context, "alice")
    page.goto("/preferences/")
    return page


def made(page, name):
    volume = scene.volume(name, granted_to=page.person)
    return scene.operation(page.person, volume, name=name, ago_seconds=5)


def end_both(page):
    good, bad = made(page, "good"), made(page, "bad")
    page.goto("/requests/")
    finish(good, "succeeded")
    finish(bad, "failed")
    page.evaluate(ASK)
    expect(page.locator(".badge--bad")).to_be_visible()
    return page.evaluate("notified")


@pytest.mark.parametrize(
    ("wish", "notified"),
    [("", []), ("bad", ["bad: failed"]), ("all", ["bad: failed", "good: available"])],
)
def test_browser_notifies_of_what_is_wished(wish, notified, alice):
    alice.select_option("[data-notify]", wish)
    until(lambda: alice.evaluate("localStorage.getItem('notify') || ''") == wish)
    alice.reload()
    expect(alice.locator("[data-notify]")).to_have_value(wish)
    assert sorted(end_both(alice)) == notified


def test_refused_permission_is_said_beside_the_choice(open_context, sign_in):
    context = open_context()
    sign_in(context, "alice")
    page = context.new_page()
    page.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    )
    page.goto("/preferences/")
    expect(page.locator("#notify-refused")).to_be_visible()
    expect(page.locator("[data-notify]")).to_be_disabled()
