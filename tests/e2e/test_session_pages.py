"""The pages of sessions and one-time passwords in a real browser, and what keeps a session."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.models import OneTimePassword, OpenSession, Preferences
from tests import factories as scene
from tests.waiting import until

pytestmark = pytest.mark.browser
PAGE = "/accounts/sessions/"
GIVEN = "blue-kettle-marching-4"
OWN = "another-good-passphrase-7"


@pytest.fixture
def elsewhere():
    """Signs somebody in at other devices; their browsers."""

    def sign_in(person, count=1):
        before = list(OpenSession.objects.values_list("pk", flat=True))
        browsers = [Client() for _ in range(count)]
        for browser in browsers:
            browser.force_login(person)
        facts = {"device": "Edge on Windows", "address": "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"}
        OpenSession.objects.exclude(pk__in=before).update(**facts)
        return browsers

    return sign_in


def _check(page, *, width):
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("javascript", [True, False])
def test_person_ends_the_others(open_context, sign_in, elsewhere, javascript):
    context = open_context(javascript=javascript)
    others = elsewhere(sign_in(context, "alice"), 3)
    page = context.new_page()
    page.goto(PAGE)
    expect(page.get_by_text("this one")).to_have_count(1)
    page.get_by_role("button", name="End the session of").first.click()
    expect(page.get_by_text("Ended: Edge on Windows")).to_be_visible()
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_text("Ended 2 sessions.")).to_be_visible()
    expect(page.get_by_role("button", name="End all others")).to_have_count(0)
    assert [browser.get(PAGE).status_code for browser in others] == [302, 302, 302]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_pages_of_sessions_are_accessible(open_context, sign_in, elsewhere, width, dark):
    context = open_context(width=width, dark=dark)
    elsewhere(sign_in(context, "alice"), 2)
    page = context.new_page()
    page.goto(PAGE)
    expect(page.get_by_role("button", name="End the session of")).to_have_count(2)
    _check(page, width=width)
    page.get_by_role("button", name="End all others").click()
    _check(page, width=width)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_administrator_ends_all_of_a_person(open_context, sign_in, elsewhere, width, dark):
    context = open_context(width=width, dark=dark)
    sign_in(context, "root")
    alice = scene.person("alice")
    (other,) = elsewhere(alice)
    page = context.new_page()
    page.goto(f"/people/{alice.pk}/")
    page.get_by_role("link", name="1 open").click()
    expect(page.get_by_role("heading", name="Sessions of alice")).to_be_visible()
    _check(page, width=width)
    page.get_by_role("button", name="End all", exact=True).click()
    expect(page.get_by_text("No session is open")).to_be_visible()
    _check(page, width=width)
    assert other.get(PAGE).status_code == 302


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_given_password_leads_to_an_own_one(open_context, width, dark):
    person = scene.person("alice", password=GIVEN)
    OneTimePassword.objects.create(person=person, given_by_name="root", given_at=timezone.now())
    page = open_context(width=width, dark=dark).new_page()
    page.goto("/accounts/login/?next=/volumes/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(GIVEN)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Your password was set by root at")).to_be_visible()
    _check(page, width=width)
    page.get_by_label("Old password").fill(GIVEN)
    for label in ("New password", "New password confirmation"):
        page.get_by_label(label, exact=True).fill(OWN)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("heading", name="has been changed")).to_be_visible()
    page.goto("/volumes/")
    expect(page.get_by_role("heading", name="Volumes")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_forgotten_password_is_replaced(open_context, portal, settings, width, dark):
    settings.EMAIL_HOST, settings.EVSPORTAL_EMAIL_FROM = "127.0.0.1", "portal@example.org"
    settings.CSRF_TRUSTED_ORIGINS = [portal]
    person = scene.person("alice", password=GIVEN)
    person.email = "alice@example.com"
    person.save()
    page = open_context(width=width, dark=dark).new_page()
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgotten password").click()
    _check(page, width=width)
    page.get_by_label("Username or e-mail address").fill("alice")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    _check(page, width=width)
    (message,) = until(lambda: mail.outbox)
    page.goto(re.search(r"http\S+", message.body)[0])
    _check(page, width=width)
    for label in ("New password", "New password confirmation"):
        page.get_by_label(label, exact=True).fill(OWN)
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_text("You are signed out everywhere.")).to_be_visible()
    _check(page, width=width)
    page.goto("/accounts/reset/MQ/x-y/")
    expect(page.get_by_text("opens nothing any more")).to_be_visible()
    _check(page, width=width)


def test_only_somebody_who_is_there_keeps_a_session(open_context, sign_in):
    context = open_context()
    alice = sign_in(context, "alice")
    scene.operation(alice, scene.volume(granted_to=alice), state="queued", ago_seconds=1)
    Preferences.objects.create(user=alice, zone="UTC")  # or the browser tells its own, some time
    page = context.new_page()
    page.goto("/requests/")
    long_ago = timezone.now() - timedelta(minutes=50)
    OpenSession.objects.update(used_at=long_ago)
    for _ in range(2):
        with page.expect_response(lambda answer: "/requests/rows/" in answer.url):
            pass
    assert OpenSession.objects.get().used_at == long_ago
    page.mouse.move(200, 200)
    page.mouse.move(220, 230)
    until(lambda: OpenSession.objects.get().used_at > long_ago)


def test_page_whose_session_was_ended_says_so(open_context, sign_in, watch):
    watch.expected.append("401")
    context = open_context()
    alice = sign_in(context, "alice")
    scene.operation(alice, scene.volume(granted_to=alice), state="queued", ago_seconds=1)
    page = context.new_page()
    page.goto("/requests/")
    OpenSession.objects.update(used_at=timezone.now() - timedelta(minutes=61))
    expect(page.locator("main [role=alert]")).to_contain_text("Your session has ended")
    expect(page.get_by_text("web-01-data").first).to_be_visible()
