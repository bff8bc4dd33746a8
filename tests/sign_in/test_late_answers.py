"""Answers that come after the session of their page has got another key, or has ended."""

from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client

from snapshots import middleware
from snapshots.mfa import factors
from snapshots.models import Preferences
from tests import factories


def signed_in():
    browser = Client()
    browser.force_login(factories.person("alice"))
    return browser


def test_late_answer_takes_no_cookie_away(db):
    browser = signed_in()
    browser.session.delete()  # as the old one is when a session gets another key
    answer = browser.get("/requests/")
    assert answer.url.startswith("/accounts/login/")
    assert "sessionid" not in answer.cookies


def test_signing_out_takes_the_cookie_away(db):
    answer = signed_in().post("/accounts/logout/")
    assert answer.cookies["sessionid"].value == ""


def test_late_zone_leaves_no_message(db):
    """It would tell on the next page that something was not asked."""
    browser = signed_in()
    browser.session.delete()
    answer = browser.post("/preferences/zone/", {"zone": "Asia/Tokyo"})
    assert answer.status_code == 302  # an error would stand in the browser's console
    assert "messages" not in answer.cookies


def test_two_tabs_clicked_at_once(db, monkeypatch):
    """After a change of rights one brings the new key; the other has done what was asked."""
    browser, other = signed_in(), Client()
    other.cookies["sessionid"] = browser.cookies["sessionid"].value
    person = User.objects.get()
    person.groups.add(Group.objects.get_or_create(name="helpdesk")[0])
    note_use = middleware.note_use

    def other_first(request):
        monkeypatch.setattr(middleware, "note_use", note_use)
        assert other.get("/").cookies["sessionid"].value
        note_use(request)

    monkeypatch.setattr(middleware, "note_use", other_first)
    fields = {"zone": "Asia/Tokyo", "density": "normal"}
    answer = browser.post("/preferences/", fields)
    assert (answer.status_code, Preferences.objects.get().zone) == (302, "Asia/Tokyo")
    assert "sessionid" not in answer.cookies
    assert browser.get("/").url == "/accounts/login/?next=/"  # the old key opens nothing
    assert other.get("/accounts/login/?next=/requests/").url == "/requests/"


def test_zone_ends_no_session_of_a_set_up(db, settings):
    """The factor is stored a moment before the session is saved that says so."""
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["administrator"]
    browser = signed_in()
    person = User.objects.get()
    person.is_superuser = True
    person.save()
    factors.set_up(person, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 1)
    answer = browser.post("/preferences/zone/", {"zone": "Asia/Tokyo"})
    assert not Preferences.objects.exists()  # the session without the factor opens nothing
    assert "sessionid" not in answer.cookies
    assert Session.objects.exists()
    assert browser.get("/").url == "/accounts/login/"  # who clicks signs in with the factor
    assert not Session.objects.exists()
