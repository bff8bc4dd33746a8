"""Mail about passwords, received by a real server on this machine."""

import re
from datetime import timedelta

import pytest
import requests
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from evsportal.logs import without_tokens
from evsportal.mail import MailServer, mail_server
from snapshots.models import Action, Preferences
from snapshots.sign_in.brakes import RESET
from snapshots.sign_in.checks import check_mail
from tests import factories as scene
from tests.audit.every_table import rows_with
from tests.e2e.stack import running
from tests.received_mail import mail_server_running
from tests.sign_in.conftest import RIGHT
from tests.waiting import until

ASK = "/accounts/reset/"
OWN = "another-good-passphrase-7"


@pytest.fixture
def mailbox(settings):
    with mail_server_running() as (box, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EVSPORTAL_EMAIL_FROM = "portal@example.org"
        settings.ALLOWED_HOSTS = ["portal.example.org", "testserver", "*"]
        yield box


@pytest.fixture
def alice(transactional_db):
    person = scene.person("alice", password=RIGHT)
    person.email = "alice@example.com"
    person.save()
    return person


def ask(browser, typed="alice", **options):
    return browser.post(ASK, {"account": typed}, **options)


def link_in(message):
    return re.search(r"https?://\S+/accounts/reset/\S+", message.get_content())[0]


def path_in(message):
    return link_in(message).partition("8000")[2]


def choose(browser, path, password=OWN):
    page = browser.get(path, follow=True)
    form = {"new_password1": password, "new_password2": password}
    return browser.post(page.request["PATH_INFO"], form, follow=True)


def why_refused():
    rows = Action.objects.filter(code="password:link:refused").order_by("seq")
    return [(row.subject, row.details["why"]) for row in rows]


@pytest.mark.parametrize("typed", ["alice", "ALICE", "alice@example.com", "Alice@Example.COM"])
def test_forgotten_password_is_replaced(mailbox, alice, visitor, typed):
    other = Client()
    other.force_login(alice)
    assert "a link is on its way" in ask(visitor, typed, follow=True).text
    message = mailbox.next()
    assert (message["To"], message["From"]) == ("alice@example.com", "portal@example.org")
    page = choose(visitor, path_in(message))
    assert "You are signed out everywhere" in page.text
    assert not visitor.is_in
    assert other.get("/accounts/sessions/").status_code == 302
    visitor.sign_in("alice", OWN)
    assert visitor.is_in
    codes = list(Action.objects.order_by("seq").values_list("code", flat=True))
    assert [code for code in codes if code.startswith("password:")] == [
        "password:link",
        "password:reset",
        "password:change",
    ]


@pytest.mark.parametrize(
    ("chosen", "browsers", "heading"),
    [
        ("tr", "ar", "EVS anlık görüntüleri için yeni parola"),
        ("", "tr", "EVS anlık görüntüleri için yeni parola"),
        ("en-gb", "tr", "A new password for EVS snapshots"),
    ],
)
def test_mail_is_in_its_reader_s_language(mailbox, alice, visitor, chosen, browsers, heading):
    Preferences.objects.create(user=alice, language=chosen)
    ask(visitor, headers={"Accept-Language": browsers})
    assert mailbox.next()["Subject"].strip() == heading


def test_link_opens_once(mailbox, alice, visitor, visitor_at):
    ask(visitor)
    path = path_in(mailbox.next())
    choose(visitor, path)
    page = visitor_at("203.0.113.5").get(path, follow=True)
    assert "This link opens nothing any more" in page.text


def test_link_opens_for_an_hour(mailbox, alice, visitor):
    ask(visitor)
    path = path_in(mailbox.next())
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        assert "opens nothing any more" in visitor.get(path, follow=True).text


def test_link_takes_good_passwords_only(mailbox, alice, visitor):
    ask(visitor)
    assert "too common" in choose(visitor, path_in(mailbox.next()), "password1234").text
    alice.refresh_from_db()
    assert alice.check_password(RIGHT)


def test_host_of_the_request_is_not_believed(mailbox, alice, visitor):
    ask(visitor, headers={"Host": "evil.example"})
    assert link_in(mailbox.next()).startswith("http://portal.example.org:8000/")


def test_links_lead_to_the_origin_that_is_set(mailbox, alice, visitor, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org", "https://evs.example.org"]
    ask(visitor)
    assert link_in(mailbox.next()).startswith("https://evs.example.org/accounts/")


def test_token_is_in_no_row_and_no_log(mailbox, alice, visitor, caplog):
    ask(visitor)
    path = path_in(mailbox.next())
    visitor.get(path)  # the session has it now
    token = path.split("/")[-2]
    assert rows_with(token) == []
    assert token not in without_tokens(f'"GET {path} HTTP/1.1" 404, Not Found: {path}')
    assert token not in caplog.text


def test_access_log_has_no_token(tmp_path):
    switches = ("--no-sandbox", "--no-worker")
    with running(tmp_path, *switches, ready="/healthz", EVSPORTAL_ACCESS_LOG="true") as portal:
        requests.get(f"{portal.url}/accounts/reset/MQ/abc-planted/", timeout=20)
        until(lambda: '"GET /accounts/reset/MQ/…/ ' in portal.log())
        assert "planted" not in portal.log()


def test_session_of_the_link_still_knows_the_token(mailbox, alice, visitor):
    ask(visitor)
    page = visitor.get(path_in(mailbox.next()), follow=True)
    assert "Choose a password" in page.text
    again = visitor.get(page.request["PATH_INFO"])
    assert "Choose a password" in again.text


def test_opened_link_leaves_time_to_choose(mailbox, alice, visitor):
    ask(visitor)
    page = visitor.get(path_in(mailbox.next()), follow=True).request["PATH_INFO"]
    with time_machine.travel(timezone.now() + timedelta(minutes=50), tick=False):
        visitor.post(page, {"new_password1": OWN, "new_password2": OWN})
        visitor.sign_in("alice", OWN)
        assert visitor.is_in


def _shut_out(person):
    person.is_active = False
    person.save()


def _give_to_provider(person):
    SocialAccount.objects.create(user=person, provider="oidc-1", uid="1")


def _take_address(person):
    person.email = ""
    person.save()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_shut_out, "shut out"),
        (_give_to_provider, "not by password"),
        (_take_address, "no address"),
    ],
)
def test_answer_is_the_same_where_nothing_is_sent(mailbox, alice, visitor, change, reason):
    change(alice)
    answer = ask(visitor, follow=True).text
    unknown = ask(visitor, "nobody-has-this", follow=True).text
    assert _without_tokens(answer) == _without_tokens(unknown)
    assert why_refused() == [("alice", reason), ("a name that nobody has", "unknown name")]
    assert mailbox.messages == []


def test_shut_out_person_cannot_use_the_link(mailbox, alice, visitor):
    ask(visitor)
    path = path_in(mailbox.next())
    _shut_out(alice)
    assert "opens nothing any more" in visitor.get(path, follow=True).text


@pytest.mark.parametrize("typed", ["alice", "nobody-has-this"])
def test_asking_again_and_again_waits(mailbox, alice, visitor_at, typed):
    for number in range(RESET.free):
        assert ask(visitor_at(f"203.0.113.{number}"), typed).status_code == 302
    answer = ask(visitor_at("203.0.113.99"), typed)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"


def test_asking_does_not_hold_up_signing_in(mailbox, alice, visitor, visitor_at):
    for number in range(RESET.free):
        ask(visitor_at(f"203.0.113.{number}"))
    visitor.sign_in("alice")
    assert visitor.is_in


def test_person_is_told_of_a_password_that_was_set(mailbox, alice):
    root = Client()
    root.force_login(scene.person("root"))
    root.post(f"/people/{alice.pk}/password/", {"one_time_password": OWN})
    text = mailbox.next().get_content()
    assert "root set the password of your account alice" in text
    assert OWN not in text


def test_mail_that_cannot_be_sent_changes_no_answer(mailbox, alice, visitor, settings, caplog):
    settings.EMAIL_PORT = 1
    assert ask(visitor).status_code == 302
    line = until(lambda: "A mail to alice was not sent: ConnectionRefusedError" in caplog.text)
    assert line


def test_without_mail_there_is_no_reset(visitor, account):
    assert visitor.get(ASK).status_code == 404
    assert visitor.get("/accounts/reset/MQ/x-y/").status_code == 404
    assert "Forgotten password" not in visitor.get("/accounts/login/").text


def test_sign_in_page_leads_to_the_reset(mailbox, db, visitor):
    assert f'href="{ASK}"' in visitor.get("/accounts/login/").text


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", MailServer()),
        ("smtp://mail.example.org", {"port": 587, "starts_tls": True}),
        ("smtps://u:p%40x@mail.example.org", {"port": 465, "password": "p@x", "is_tls": True}),
        ("smtp://127.0.0.1:2525", {"port": 2525, "starts_tls": False}),
        ("smtp://[::1]:25", {"host": "::1", "starts_tls": False}),
    ],
)
def test_address_of_the_mail_server_is_read(url, expected):
    server = mail_server(url)
    if isinstance(expected, MailServer):
        assert server == expected
    else:
        assert {name: getattr(server, name) for name in expected} == expected


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://u:planted@h",
        "smtp://",
        "smtp://u@h",
        "smtp://:planted@h",
        "smtp://u:planted@h:port",
        "smtp://u:planted@h:0",
        "smtp://u:planted@h/inbox",
        "smtp://u:planted@h?tls=no",
        "smtp://u:pl@nted@h",
        "smtp://u:planted@h h",
        "smtp://u:planted@h\n",
    ],
)
def test_unclear_addresses_are_refused_without_quoting(url):
    with pytest.raises(ValueError, match=r"\w") as error:
        mail_server(url)
    assert "planted" not in str(error.value)


def test_check_names_half_a_setting(settings):
    assert check_mail() == []
    settings.EMAIL_HOST = "mail.example.org"
    assert "one is set without the other" in check_mail()[0].msg
    settings.EVSPORTAL_EMAIL_FROM = "portal@example.org"
    settings.ALLOWED_HOSTS = ["*"]
    assert "names no host" in check_mail()[0].msg


def _without_tokens(text):
    return re.sub(r"[A-Za-z0-9]{64}|data-now=\"[^\"]*\"", "", text)


def test_several_accounts_of_an_address_get_a_link_each(mailbox, alice, visitor):
    User.objects.create_user("alice2", "alice@example.com", RIGHT)
    ask(visitor, "alice@example.com")
    texts = [mailbox.next().get_content() for _ in range(2)]
    assert {"alice2" in text for text in texts} == {True, False}
