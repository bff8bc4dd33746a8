"""Answers that come after the session of their page has got another key, or has ended."""

from django.test import Client

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
    assert answer.status_code == 401
    assert "messages" not in answer.cookies
