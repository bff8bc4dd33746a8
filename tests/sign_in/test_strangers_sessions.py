"""Sessions of people who are not signed in: short, and removed faster than strangers make them."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.sessions.models import Session
from django.db.models import Max
from django.utils import timezone

from snapshots.mfa import factors
from snapshots.models import OpenSession
from snapshots.sign_in import open_sessions
from snapshots.sign_in.open_sessions import remove_ended_sessions

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ASK = "/accounts/second-factor/"


def after(minutes):
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


def code():
    return format_hotp_value(hotp_value(SECRET, int(timezone.now().timestamp()) // 30))


@pytest.fixture
def careful(account):
    """Alice has a second factor."""
    factors.set_up(account, SECRET, 1)


def ask_for_a_challenge(browser):
    browser.post("/accounts/passkey/challenge/")


def give_the_password(browser):
    browser.sign_in("alice")


@pytest.mark.parametrize("ask", [ask_for_a_challenge, give_the_password])
def test_it_lasts_a_quarter_of_an_hour(visitor, careful, ask):
    ask(visitor)
    longest = Session.objects.aggregate(at=Max("expire_date"))["at"]
    assert longest <= timezone.now() + timedelta(minutes=15)
    with after(16):
        remove_ended_sessions()
    assert not Session.objects.exists()


def test_sign_in_may_take_as_long(visitor, careful):
    assert visitor.sign_in("alice").url == ASK
    with after(14):
        assert visitor.get(ASK).status_code == 200
        visitor.post(ASK, {"code": code()})
        assert visitor.is_in


def test_session_is_a_long_one_after_the_sign_in(visitor, careful):
    visitor.sign_in("alice")
    visitor.post(ASK, {"code": code()})
    with after(59):
        remove_ended_sessions()
        assert visitor.get("/").status_code == 200


def test_it_is_short_again_after_signing_out(visitor, account):
    visitor.sign_in("alice")
    visitor.post("/accounts/logout/")
    ask_for_a_challenge(visitor)
    with after(16):
        remove_ended_sessions()
    assert not Session.objects.exists()


def test_all_that_ended_goes_at_once(account, monkeypatch):
    """More than a step of the duty takes, of both kinds of rows."""
    monkeypatch.setattr(open_sessions, "MOST_REMOVED", 3)
    now = timezone.now()
    for number in range(10):
        content = Session(session_key=f"{number:040}", expire_date=now - timedelta(days=1))
        if number % 2:
            content.save()
        opened = {"signed_in_at": now - timedelta(days=9), "used_at": now}
        OpenSession.objects.create(session=content, person=account, **opened)
    for number in range(10, 20):
        Session.objects.create(session_key=f"{number:040}", expire_date=now)
    Session.objects.create(session_key="a" * 40, expire_date=now + timedelta(hours=1))
    remove_ended_sessions()
    assert not OpenSession.objects.exists()
    assert Session.objects.get().session_key == "a" * 40


def test_duty_ends_although_rows_are_left(db, monkeypatch):
    monkeypatch.setattr(open_sessions, "MOST_REMOVED", 1)
    monkeypatch.setattr(open_sessions, "MOST_STEPS", 3)
    for number in range(5):
        Session.objects.create(session_key=f"{number:040}", expire_date=timezone.now())
    remove_ended_sessions()
    assert Session.objects.count() == 2
