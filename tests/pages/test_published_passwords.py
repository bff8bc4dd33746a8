"""Nobody signs in to a portal with real clouds by a password that the documentation shows."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from snapshots import accounts
from snapshots.accounts import DEMO_PASSWORD, PUBLISHED_PASSWORDS
from snapshots.checks import check_published_passwords
from snapshots.models import Action
from snapshots.sandbox import scenarios
from tests import factories as scene

ROOT = Path(__file__).resolve().parents[2]
LOGIN = "/accounts/login/"
GOOD = "corrEct-horse-battery-9"


@pytest.fixture
def as_real(settings, tmp_path):
    """From here on the portal is one with real clouds, in a process of its own."""

    def switch():
        settings.EVSPORTAL_MODE = "cloud"
        settings.AUTHENTICATION_BACKENDS = ["snapshots.accounts.CloudBackend"]
        settings.DATA_DIR = tmp_path

    return switch


def account(name, password):
    """As a dump or SQL would bring it: no signal, no validator."""
    known = name in scene.PEOPLE
    person = scene.person(name) if known else User.objects.create(username=name, password="!")
    User.objects.filter(pk=person.pk).update(password=make_password(password))
    return person


def sign_in(name, password, path=LOGIN):
    browser = Client()
    page = browser.post(path, {"username": name, "password": password}, follow=True)
    return page, "_auth_user_id" in browser.session


@pytest.mark.parametrize("password", PUBLISHED_PASSWORDS)
@pytest.mark.parametrize("name", ["alice", "root", "renamed"])
def test_published_password_opens_no_real_portal(name, password, as_real):
    account(name, password)
    as_real()
    page, is_in = sign_in(name, password)
    assert not is_in
    assert "published in the portal&#x27;s own documentation" in page.text
    assert Action.objects.latest("seq").details == {"why": "published password"}


def test_other_passwords_and_the_sandbox_are_open(as_real):
    account("alice", DEMO_PASSWORD)
    assert sign_in("alice", DEMO_PASSWORD)[1]
    account("bob", GOOD)
    as_real()
    assert sign_in("bob", GOOD)[1]


def test_session_of_the_sandbox_ends_with_real_clouds(alice, as_real):
    assert alice.get("/volumes/").status_code == 200
    as_real()
    assert alice.get("/volumes/").status_code == 302


def test_person_cannot_choose_a_published_password(as_real):
    account("alice", GOOD)
    as_real()
    browser = Client()
    browser.login(username="alice", password=GOOD)
    told = {"old_password": GOOD, "new_password1": scenarios.PASSWORD}
    page = browser.post(
        "/accounts/password/", told | {"new_password2": scenarios.PASSWORD}, follow=True
    )
    assert "published in the portal&#x27;s own documentation: choose another" in page.text
    assert User.objects.get(username="alice").check_password(GOOD)


def test_superuser_without_dialogue_gets_no_published_password(as_real, monkeypatch):
    as_real()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", DEMO_PASSWORD)
    with pytest.raises(CommandError, match="published in the portal's own documentation"):
        call_command("createsuperuser", "--noinput", username="chief", email="c@example.com")
    assert not User.objects.filter(username="chief").exists()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", GOOD)
    call_command("createsuperuser", "--noinput", username="chief", email="c@example.com")
    assert User.objects.get(username="chief").check_password(GOOD)


def test_set_password_is_not_saved_when_published(as_real):
    person = account("alice", GOOD)
    as_real()
    person.set_password(DEMO_PASSWORD)
    with pytest.raises(ValidationError):
        person.save()
    assert User.objects.get(pk=person.pk).check_password(GOOD)


def test_check_names_accounts_with_published_passwords(as_real):
    account("renamed", DEMO_PASSWORD)
    account("bob", GOOD)
    as_real()
    found = check_published_passwords(databases=["default"])
    assert [one.id for one in found] == ["evsportal.W010"]
    assert "The account renamed has a password that the documentation shows" in found[0].msg
    assert "manage changepassword renamed" in found[0].msg


def test_looking_is_bounded_and_goes_on_where_it_stopped(as_real, monkeypatch):
    for number in range(5):
        account(f"person{number}", GOOD if number < 4 else DEMO_PASSWORD)
    as_real()

    def look():
        return [name for name in accounts.look_for_published_passwords(most_accounts=2) if name]

    assert [look(), look(), look()] == [[], [], ["person4"]]
    monkeypatch.setattr(accounts, "check_password", lambda *_: pytest.fail("compared again"))
    User.objects.filter(username="person4").delete()
    assert look() == []


def test_every_password_that_the_documents_show_is_published():
    shown = re.compile(r"password `([^`]+)`|://\w+:([^@\s:/]+)@|DJANGO_SUPERUSER_PASSWORD=(\w\S*)")
    texts = [ROOT / "README.md", ROOT / ".env.example", *ROOT.glob("docs/**/*.md")]
    passwords = {
        next(filter(None, groups))
        for path in texts
        for groups in shown.findall(path.read_text(encoding="utf-8"))
    }
    assert DEMO_PASSWORD in passwords
    assert passwords <= set(PUBLISHED_PASSWORDS)
