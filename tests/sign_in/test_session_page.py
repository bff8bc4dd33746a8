"""People see where they are signed in, and end it; administrators end it for them."""

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from snapshots.models import Action, ActionCode, OpenSession
from tests import factories as scene
from tests.sign_in.conftest import RIGHT

PAGE = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)


@pytest.fixture
def browser_of(visitor_at):
    def open_browser(person, address, user_agent):
        browser = visitor_at(address)
        browser.defaults["HTTP_USER_AGENT"] = user_agent
        browser.sign_in(person.username)
        return browser

    return open_browser


@pytest.fixture
def linux(account, browser_of):
    return browser_of(account, "198.51.100.1", FIREFOX)


@pytest.fixture
def phone(account, linux, browser_of):
    return browser_of(account, "198.51.100.2", SAFARI)


@pytest.fixture
def root(browser_of):
    return browser_of(scene.person("root", password=RIGHT), "198.51.100.9", EDGE)


def is_in(browser):
    return browser.get(PAGE).status_code == 200


def digest_at(address):
    return OpenSession.objects.get(address=address).pk


def ended():
    rows = Action.objects.filter(code=ActionCode.SESSIONS_ENDED).order_by("seq")
    return [(row.actor_name, row.subject, row.details) for row in rows]


def test_page_lists_device_address_and_times(linux, phone):
    page = phone.get(PAGE).text
    for text in ("Firefox on Linux", "198.51.100.1", "Safari on iPhone", "198.51.100.2"):
        assert text in page
    assert page.count("this one") == 1
    assert page.index("Safari on iPhone") < page.index("this one") < page.index("Firefox on Linux")
    assert page.count(">just now</time>") == 4


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_only_own_words_are_stored(account, browser_of, user_agent, expected):
    browser_of(account, "198.51.100.1", user_agent)
    assert OpenSession.objects.get().device == expected


def test_no_page_and_no_row_has_a_key(linux, phone):
    keys = [browser.cookies["sessionid"].value for browser in (linux, phone)]
    texts = linux.get(PAGE).text + str(list(OpenSession.objects.values()))
    assert [key for key in keys if key in texts] == []


def test_person_ends_one_session(linux, phone):
    answer = linux.post(PAGE, {"end": digest_at("198.51.100.2")}, follow=True)
    assert "Ended: Safari on iPhone, 198.51.100.2." in answer.text
    assert (is_in(linux), is_in(phone)) == (True, False)
    assert ended() == [("alice", "alice", {"session": "Safari on iPhone, 198.51.100.2"})]
    assert OpenSession.objects.count() == Session.objects.count() == 1


def test_person_ends_all_others(linux, phone, account, browser_of):
    third = browser_of(account, "198.51.100.3", EDGE)
    assert "Ended 2 sessions." in linux.post(PAGE, {"end": "all"}, follow=True).text
    assert [is_in(browser) for browser in (linux, phone, third)] == [True, False, False]
    assert ended() == [("alice", "alice", {"sessions": "all others", "count": "2"})]
    assert "End all others" not in linux.get(PAGE).text


@pytest.mark.parametrize("chosen", ["", "0" * 40, "\x00", "of-root"])
def test_nobody_ends_what_is_not_theirs(linux, root, chosen):
    digest = digest_at("198.51.100.9") if chosen == "of-root" else chosen
    answer = linux.post(PAGE, {"end": digest}, follow=True)
    assert "had ended already" in answer.text
    assert is_in(root)
    assert ended() == []


def test_page_takes_no_post_without_a_token(linux, phone):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = linux.cookies
    assert strict.post(PAGE, {"end": "all"}).status_code == 403
    assert is_in(phone)


def test_administrator_ends_all_of_a_person(root, linux, phone, account):
    page = f"{PAGE}{account.pk}/"
    assert f'<a href="{page}">2 open</a>' in root.get(f"/people/{account.pk}/").text
    assert "Firefox on Linux" in root.get(page).text
    root.post(page, {"end": "all"})
    assert [is_in(browser) for browser in (root, linux, phone)] == [True, False, False]
    assert ended() == [("root", "alice", {"sessions": "all", "count": "2"})]
    assert "No session is open" in root.get(page).text


def test_others_find_no_sessions_of_people(linux, root, account):
    other = User.objects.get(username="root")
    assert linux.get(f"{PAGE}{other.pk}/").status_code == 404
    assert linux.post(f"{PAGE}{other.pk}/", {"end": "all"}).status_code == 404
    assert is_in(root)


def test_superusers_do_not_exist_for_an_administrator(root):
    boss = User.objects.create_superuser("boss")
    assert root.get(f"{PAGE}{boss.pk}/").status_code == 404


def test_shutting_out_ends_sessions_for_good(linux, account):
    account.is_active = False
    account.save()
    assert not is_in(linux)
    account.is_active = True
    account.save()
    assert not is_in(linux)
    assert not Session.objects.exists()


def test_changed_password_ends_the_others(linux, phone):
    new = "another-good-passphrase-7"
    fields = {"old_password": RIGHT, "new_password1": new, "new_password2": new}
    linux.post("/accounts/password/", fields)
    assert (is_in(linux), is_in(phone)) == (True, False)
    row = OpenSession.objects.get()
    assert (row.device, row.address) == ("Firefox on Linux", "198.51.100.1")
    assert Session.objects.filter(pk=row.pk).exists()


def test_signing_out_removes_both_rows(linux):
    linux.post("/accounts/logout/")
    assert not OpenSession.objects.exists()
    assert not Session.objects.exists()


def test_password_page_leads_to_the_sessions(linux):
    assert f'href="{PAGE}"' in linux.get("/accounts/password/").text
