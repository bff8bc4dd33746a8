"""Setting a second factor up and signing in with it in a real browser, without script too."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import factories as scene

pytestmark = pytest.mark.browser
PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _needed(portal, settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["staff"]
    scene.person("alice", password=PASSWORD)


def _give_password(page):
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _code(secret, *, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def _check(page, *, width):
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def _set_up(page):
    """The secret that the page shows, after it was set up."""
    secret = page.locator("code").inner_text().replace(" ", "")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code").fill(_code(secret))
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator("li code")).to_have_count(10)
    return secret


@pytest.mark.parametrize("javascript", [True, False])
def test_person_sets_it_up_and_signs_in_with_it(open_context, portal, javascript):
    page = open_context(javascript=javascript).new_page()
    _give_password(page)
    secret = _set_up(page)
    page.get_by_role("link", name="I have written them down").click()
    page.wait_for_url(f"{portal}/")
    page.get_by_role("button", name="Sign out").click()
    _give_password(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("This code is wrong, or was used before.")).to_be_visible()
    page.get_by_label("Code").fill(_code(secret, steps=1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{portal}/")


@pytest.mark.parametrize("dark", [False, True])
def test_pages_of_the_factor_are_accessible(open_context, dark):
    page = open_context(width=320, dark=dark).new_page()
    _give_password(page)
    picture = page.get_by_alt_text("The key as a QR code")
    assert picture.evaluate("one => one.complete && one.naturalWidth > 0")
    _check(page, width=320)
    _set_up(page)
    _check(page, width=320)
    page.goto("/accounts/second-factor/settings/")
    _check(page, width=320)
    page.get_by_role("button", name="Sign out").click()
    _give_password(page)
    _check(page, width=320)
