"""Signing in and out by a real provider, a process of its own, in a real browser."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import expect

from snapshots.sso import metadata
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.browser
STYLE = "https://cdn.jsdelivr.net/"
PERSON = {
    "sub": "s-1",
    "preferred_username": "ayse",
    "email": "ayse@example.org",
    "groups": ["evs-staff"],
}


def _answers(issuer):
    try:
        return urlopen(f"{issuer}/.well-known/openid-configuration").status == 200
    except URLError:
        return False


@pytest.fixture(scope="module")
def issuer():
    port = free_port()
    program = Path(sys.executable).with_name("oidc-provider-mock")
    command = (program, "-p", str(port), "--require-nonce", "true")
    process = subprocess.Popen(
        [*command, "--user-claims", json.dumps(PERSON)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    issuer = f"http://127.0.0.1:{port}"
    until(lambda: _answers(issuer), seconds=60)
    yield issuer
    process.terminate()
    process.wait(20)


@pytest.fixture(autouse=True)
def _provider(issuer, portal, watch, settings):
    settings.EVSPORTAL_OIDC_ISSUER = issuer
    settings.EVSPORTAL_OIDC_CLIENT_ID = "portal"
    settings.EVSPORTAL_OIDC_CLIENT_SECRET = "secret of the portal's"
    settings.EVSPORTAL_OIDC_NAME = "Example AG"
    settings.EVSPORTAL_OIDC_ROLES = ["evs-staff=staff"]
    # The provider's own pages know nothing of our rules, and ask for a style that no test gets.
    watch.origin = (portal, issuer, STYLE)
    watch.expected = ["404", "ERR_FAILED"]
    metadata.forget()


@pytest.fixture
def open_page(open_context):
    def open_page(**kind):
        context = open_context(**kind)
        context.route(f"{STYLE}**", lambda route: route.abort())
        return context.new_page()

    return open_page


def _sign_in(page):
    page.goto("/volumes/")
    page.get_by_role("button", name="Sign in by Example AG").click()
    page.get_by_role("button", name="s-1").click()


@pytest.mark.parametrize("javascript", [True, False])
def test_person_signs_in_and_out_by_the_provider(open_page, portal, issuer, javascript):
    page = open_page(javascript=javascript)
    _sign_in(page)
    page.wait_for_url(f"{portal}/volumes/")
    expect(page.locator(".person__name")).to_have_text("ayse")
    assert User.objects.get().groups.get().name == "staff"
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{issuer}/**")
    page.get_by_role("button").first.click()
    page.wait_for_url(f"{portal}/accounts/login/")
    page.goto("/volumes/")
    expect(page.get_by_role("button", name="Sign in by Example AG")).to_be_visible()


def test_denied_sign_in_comes_back_with_a_sentence(open_page, watch):
    watch.expected.append("401")
    page = open_page()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in by Example AG").click()
    page.get_by_role("button", name="Deny").click()
    # This provider forgets to send the state along.
    expect(page.get_by_role("alert")).to_contain_text("The sign-in could not be completed.")
    assert not User.objects.exists()


@pytest.mark.parametrize("dark", [False, True])
def test_pages_are_accessible_and_fit_a_phone(open_page, watch, dark):
    watch.expected.append("401")
    page = open_page(width=320, dark=dark)
    for address in ("/accounts/login/", "/accounts/provider/callback/"):
        page.goto(address)
        report = Axe().run(page)
        assert report.violations_count == 0, report.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == 320
