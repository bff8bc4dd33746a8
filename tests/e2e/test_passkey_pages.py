"""Adding a passkey, signing in and confirming by it, in a real browser with a virtual device."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from snapshots.sign_in.sessions import SessionStore, digest_of
from tests import factories as scene

pytestmark = pytest.mark.browser
PASSWORD = "a long password"
SETTINGS = "/accounts/second-factor/settings/"


@pytest.fixture
def portal(portal):
    """By its name: browsers make no passkeys for a plain address."""
    return portal.replace("127.0.0.1", "localhost")


@pytest.fixture
def alice(portal):
    return scene.person("alice", password=PASSWORD)


@pytest.fixture
def open_page(open_context):
    def open_page(*, is_verified=True, **kind):
        page = open_context(**kind).new_page()
        if kind.get("javascript", True):
            _plug_in_device(page, is_verified=is_verified)
        return page

    return open_page


def _plug_in_device(page, *, is_verified):
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": is_verified,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def _give_password(page):
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _add_passkey(page):
    page.goto(SETTINGS)
    page.get_by_role("region", name="Passkeys").get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("li code")).to_have_count(10)


def _age(page):
    """Let the last proof of identity be an hour old."""
    key = next(row["value"] for row in page.context.cookies() if row["name"] == "sessionid")
    store = SessionStore(key)
    store["identity_proved_at"] = time.time() - 3600
    row = Session.objects.get(session_key=digest_of(key))
    row.session_data = store.encode(store._session)
    row.save()


def test_person_adds_a_passkey_and_signs_in_by_it(open_page, portal, alice):
    page = open_page()
    _give_password(page)
    page.wait_for_url(f"{portal}/")
    _add_passkey(page)
    page.get_by_role("link", name="I have written them down").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/accounts/login/?next=/volumes/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{portal}/volumes/")
    expect(page.locator(".person__name")).to_have_text("alice")
    page.get_by_role("button", name="Sign out").click()
    # As the second step after the password.
    _give_password(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{portal}/")
    # And to confirm.
    _age(page)
    page.goto(SETTINGS)
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{portal}{SETTINGS}")
    passkey = page.get_by_role("form", name="Laptop")
    passkey.get_by_label("Name").fill("Old laptop")
    passkey.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("The passkey is renamed.")).to_be_visible()
    page.get_by_role("button", name="Remove Old laptop").click()
    expect(page.get_by_text("Your second factor is removed.")).to_be_visible()


def test_device_that_knows_nobody_makes_nothing(open_page, alice):
    """Its PIN was wrong."""
    page = open_page(is_verified=False)
    _give_password(page)
    page.goto(SETTINGS)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("No passkey was made. Nothing was stored.")).to_be_visible()
    assert not alice.authenticator_set.exists()


def test_page_leads_to_the_confirmation_when_it_is_old(open_page, portal, alice):
    page = open_page()
    _give_password(page)
    page.goto(SETTINGS)
    _age(page)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(f"{portal}{SETTINGS}")
    _add_passkey(page)


def test_pages_say_what_is_missing_without_a_script(open_page, alice):
    page = open_page(javascript=False)
    page.goto("/accounts/login/")
    expect(page.get_by_text("A passkey needs JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    _give_password(page)
    page.goto(SETTINGS)
    expect(page.get_by_text("The authenticator app works without.")).to_be_visible()


def _check(page, *, width):
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_accessible(open_page, alice, dark, width):
    page = open_page(width=width, dark=dark)
    page.goto("/accounts/login/")
    _check(page, width=width)
    _give_password(page)
    _add_passkey(page)
    page.goto(SETTINGS)
    _check(page, width=width)
    _age(page)
    page.goto("/accounts/password/")
    _check(page, width=width)
