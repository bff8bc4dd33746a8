"""A password that another set is good for choosing one's own, and for some days."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from snapshots.models import Action, OneTimePassword
from tests import factories as scene
from tests.sign_in.conftest import RIGHT

GIVEN = "blue-kettle-marching-4"
OWN = "another-good-passphrase-7"
PASSWORD = "/accounts/password/"


@pytest.fixture
def root(visitor_at):
    scene.person("root", password=RIGHT)
    browser = visitor_at("198.51.100.9")
    browser.sign_in("root")
    return browser


@pytest.fixture
def deniz(root):
    """A new account that root made."""
    root.post("/people/new/", {"username": "deniz", "one_time_password": GIVEN})
    return User.objects.get(username="deniz")


@pytest.fixture
def guest(visitor, deniz):
    """Deniz's browser, after the first sign-in."""
    visitor.sign_in("deniz", GIVEN)
    return visitor


def choose(browser, old=GIVEN, new=OWN):
    fields = {"old_password": old, "new_password1": new, "new_password2": new}
    return browser.post(PASSWORD, fields)


def trail(subject="deniz"):
    rows = Action.objects.filter(subject=subject).order_by("seq")
    return [(row.actor_name, row.code) for row in rows]


def after(hours):
    return time_machine.travel(timezone.now() + timedelta(hours=hours), tick=False)


def test_administrator_reads_that_it_is_good_once(root):
    assert "within 72 hours, they choose another" in root.get("/people/new/").text


@pytest.mark.parametrize(
    "page", ["/", "/volumes/", "/accounts/sessions/", "/accounts/second-factor/settings/"]
)
def test_new_person_is_led_to_choose(guest, page):
    assert guest.get(page).url == PASSWORD
    assert guest.post(page).url == PASSWORD


def test_person_reads_who_set_it_and_when(guest):
    page = guest.get(PASSWORD).text
    at = f"{timezone.now():%d %b %Y}"
    assert "Your password was set by <bdi>root</bdi> at" in page
    assert at in page
    assert "Cancel" not in page


def test_pages_open_with_an_own_password(guest, visitor_at):
    assert choose(guest).url == "/accounts/password/done/"
    assert guest.get("/").status_code == 200
    assert not OneTimePassword.objects.exists()
    other = visitor_at("203.0.113.1")
    other.sign_in("deniz", OWN)
    assert other.get("/").status_code == 200


@pytest.mark.parametrize("new", [GIVEN, "short"])
def test_given_password_is_no_own_one(guest, new):
    assert choose(guest, new=new).status_code == 200
    assert guest.get("/").url == PASSWORD


def open_home(browser):
    return browser.get("/")


@pytest.mark.parametrize("send", [open_home, choose])
def test_old_sign_in_is_confirmed_on_the_way(guest, settings, send):
    """The pages for a new password and for confirming do not lead to each other in a circle."""
    with after(settings.EVSPORTAL_STEP_UP_MINUTES / 60 + 0.1):
        page = guest.get(send(guest).url, follow=True)  # a circle raises
        assert page.status_code == 200
        assert page.request["PATH_INFO"] == "/accounts/confirm/"
        form = {"password": GIVEN, "next": page.context["next"]}
        assert guest.post("/accounts/confirm/", form, follow=True).request["PATH_INFO"] == PASSWORD
        assert choose(guest).url == "/accounts/password/done/"
        assert guest.get("/").status_code == 200


def test_person_may_sign_out_instead(guest):
    guest.post("/accounts/logout/")
    assert not guest.is_in


def test_it_ends_unused_after_72_hours(visitor, deniz):
    with after(71.9):
        assert visitor.sign_in("deniz", GIVEN).status_code == 302
    visitor.logout()
    with after(72.1):
        assert visitor.sign_in("deniz", GIVEN).status_code == 200
    refused = Action.objects.get(code="session:sign-in:refused")
    assert refused.details == {"why": "one-time password is over"}


def test_its_end_is_answered_like_a_wrong_password(visitor_at, deniz):
    with after(73):
        right = visitor_at("203.0.113.1").sign_in("deniz", GIVEN).context["form"].errors
        wrong = visitor_at("203.0.113.2").sign_in("deniz", "wrong").context["form"].errors
    assert right == wrong


def test_clock_that_was_set_back_ends_it(visitor, deniz):
    with after(-1):
        assert visitor.sign_in("deniz", GIVEN).status_code == 200


def test_password_set_later_is_good_once_too(root, account, visitor):
    visitor.sign_in("alice")
    page = f"/people/{account.pk}/password/"
    assert root.post(page, {"one_time_password": GIVEN}).status_code == 302
    assert visitor.get("/volumes/").url.startswith("/accounts/login/")
    visitor.sign_in("alice", GIVEN)
    assert visitor.get("/volumes/").url == PASSWORD
    assert ("root", "password:set") in trail("alice")
    assert ("root", "password:change") not in trail("alice")


def test_trail_says_who_set_it(guest):
    choose(guest)
    assert trail() == [
        ("root", "person:add"),
        ("root", "password:set"),
        ("deniz", "session:sign-in"),
        ("deniz", "password:change"),
    ]


def test_password_by_command_is_good_for_long(account, monkeypatch):
    OneTimePassword.objects.create(person=account, given_by_name="root", given_at=timezone.now())
    monkeypatch.setattr("getpass.getpass", lambda **_prompt: OWN)
    call_command("changepassword", "alice", verbosity=0)
    assert not OneTimePassword.objects.exists()


def test_rehashed_password_stays_a_one_time_one(deniz, visitor, settings):
    settings.PASSWORD_HASHERS = [
        "snapshots.sign_in.hashing.BoundedArgon2",
        *settings.PASSWORD_HASHERS,
    ]
    visitor.sign_in("deniz", GIVEN)
    deniz.refresh_from_db()
    assert deniz.password.startswith("argon2")
    assert visitor.get("/").url == PASSWORD


def test_own_password_comes_before_the_second_factor(guest, deniz, settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["staff"]
    from django.contrib.auth.models import Group

    deniz.groups.add(Group.objects.get(name="staff"))
    assert guest.get("/").url == PASSWORD
    assert guest.get(PASSWORD).status_code == 200
    choose(guest)
    assert guest.get("/").url == "/accounts/second-factor/settings/"
