"""What the database holds of a session opens none."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone


@pytest.fixture
def signed_in(visitor, account):
    visitor.sign_in("alice")
    return visitor


def page_with(key):
    browser = Client()
    browser.cookies["sessionid"] = key
    return browser.get("/accounts/password/").status_code


def test_database_holds_no_session_key(signed_in):
    key = signed_in.cookies["sessionid"].value
    stored = str(list(Session.objects.values()))
    assert key not in stored
    assert page_with(key) == 200


def test_stored_digest_opens_no_session(signed_in):
    assert page_with(Session.objects.get().session_key) == 302


def test_key_is_another_after_signing_in(visitor, account):
    session = visitor.session
    session["before"] = "sign-in"
    session.save()
    planted = visitor.cookies["sessionid"].value
    visitor.sign_in("alice")
    assert visitor.cookies["sessionid"].value != planted
    assert page_with(planted) == 302


def test_key_that_a_visitor_chose_is_not_taken_over(visitor, account):
    visitor.cookies["sessionid"] = chosen = "a" * 32
    visitor.sign_in("alice")
    assert visitor.cookies["sessionid"].value != chosen
    assert page_with(chosen) == 302


def test_signing_out_removes_the_row(signed_in):
    signed_in.post("/accounts/logout/")
    assert not Session.objects.exists()


def test_changed_password_keeps_this_browser_and_ends_others(signed_in, account):
    other = Client()
    other.force_login(account)
    old = signed_in.cookies["sessionid"].value
    new = "another-good-passphrase-7"
    fields = {"old_password": "corrEct-horse-battery-9", "new_password1": new}
    signed_in.post("/accounts/password/", fields | {"new_password2": new})
    assert signed_in.get("/accounts/password/").status_code == 200
    assert page_with(old) == 302
    assert other.get("/accounts/password/").status_code == 302


def test_session_ends_after_twelve_hours(signed_in):
    later = timezone.now() + timedelta(hours=12, minutes=1)
    with time_machine.travel(later):
        assert signed_in.get("/accounts/password/").status_code == 302


def test_session_of_an_earlier_release_ends(signed_in):
    key = signed_in.cookies["sessionid"].value
    Session.objects.update(session_key=key)
    assert page_with(key) == 302
