"""Signing in with a second factor, setting it up, and what a role that needs one may do."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from snapshots.mfa import factors
from snapshots.models import Action
from tests import factories as scene
from tests.audit.every_table import rows_with

PASSWORD = "a long password"
ASK = "/accounts/second-factor/"
SETTINGS = "/accounts/second-factor/settings/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def _code(secret=SECRET, *, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


@pytest.fixture
def person(db):
    return scene.person("alice", password=PASSWORD)


@pytest.fixture
def spare_codes(person):
    """Alice has a factor, set up long ago."""
    return factors.set_up(person, SECRET, 1)


def _give_password(client, name="alice", **form):
    return client.post("/accounts/login/", {"username": name, "password": PASSWORD, **form})


def _is_signed_in(client):
    return "_auth_user_id" in client.session


def _details(code):
    return [row.details for row in Action.objects.filter(code=code).order_by("seq")]


# --- signing in ------------------------------------------------------------------------------


def test_person_without_a_factor_signs_in_as_before(client, person):
    assert _give_password(client, next="/volumes/").url == "/volumes/"
    assert _is_signed_in(client)
    assert _details("session:sign-in") == [{}]


def test_password_alone_opens_nothing(client, spare_codes):
    assert _give_password(client, next="/volumes/").url == ASK
    assert not _is_signed_in(client)
    assert client.get("/volumes/").status_code == 302
    assert client.get(SETTINGS).url.startswith("/accounts/login/")
    assert _details("session:sign-in") == []


def test_code_completes_the_sign_in(client, spare_codes):
    _give_password(client, next="/volumes/")
    code = _code()
    assert client.post(ASK, {"code": f"{code[:3]} {code[3:]}"}).url == "/volumes/"
    assert _is_signed_in(client)
    assert _details("session:sign-in") == [{"second factor": "code"}]


def test_second_step_opens_a_session_of_this_mode(client, spare_codes):
    _give_password(client)
    client.post(ASK, {"code": _code()})
    assert client.session["_auth_user_backend"] == "snapshots.accounts.SandboxBackend"


def test_code_works_once(client, spare_codes):
    code = _code()
    _give_password(client)
    assert client.post(ASK, {"code": code}).status_code == 302
    second = Client()
    _give_password(second)
    answer = second.post(ASK, {"code": code})
    assert "wrong, or was used before" in answer.text
    assert not _is_signed_in(second)


def test_earlier_code_is_refused_after_a_later_one(person, spare_codes):
    assert factors.check_code(person, _code()).is_right
    assert not factors.check_code(person, _code(steps=-1)).is_right


def test_spare_code_works_once(client, spare_codes):
    _give_password(client)
    assert client.post(ASK, {"code": spare_codes[0]}).status_code == 302
    assert _details("session:sign-in") == [{"second factor": "spare code"}]
    second = Client()
    _give_password(second)
    second.post(ASK, {"code": spare_codes[0]})
    assert not _is_signed_in(second)


@pytest.mark.parametrize(
    "code", ["", "12345", "abcdef", "١٢٣٤٥٦", "0" * 20, "0" * 21, "\x00", "12345\ud7ff"]
)
def test_odd_codes_open_nothing(client, spare_codes, code):
    _give_password(client)
    assert client.post(ASK, {"code": code}).status_code == 200
    assert not _is_signed_in(client)


def test_code_of_long_ago_opens_nothing(person, spare_codes):
    assert not factors.check_code(person, _code(steps=-3)).is_right
    assert not factors.check_code(person, _code(steps=3)).is_right


def test_wrong_codes_are_slowed_and_recorded(client, person, spare_codes):
    _give_password(client)
    statuses = [client.post(ASK, {"code": "000000"}).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    answer = client.post(ASK, {"code": _code()})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 5
    assert "Too many wrong codes" in answer.text
    assert not _is_signed_in(client)
    refused = _details("session:sign-in:refused")
    assert refused == [{"why": "wrong second factor"}] * 5


def test_pause_ends_and_a_right_code_forgives(client, person, spare_codes, monkeypatch):
    for _ in range(3):
        factors.check_code(person, "000000")
    now = time.time()
    monkeypatch.setattr(factors.time, "time", lambda: now + 6)
    assert factors.check_code(person, _code()).is_right
    assert factors.check_code(person, "000000").wait_seconds == 0


def test_pauses_grow_to_a_quarter_of_an_hour(person, spare_codes, monkeypatch):
    clock, waits = [time.time()], []
    monkeypatch.setattr(factors.time, "time", lambda: clock[-1])
    for _ in range(14):
        wait = factors.check_code(person, "000000").wait_seconds
        waits.append(wait)
        clock.append(clock[-1] + wait)
    assert waits[:5] == [0, 0, 5, 10, 20]
    assert waits[-1] == 900


def test_clock_set_back_locks_nobody_out(person, spare_codes, monkeypatch):
    now = time.time()
    monkeypatch.setattr(factors.time, "time", lambda: now + 86400)
    for _ in range(3):
        factors.check_code(person, "000000")
    monkeypatch.setattr(factors.time, "time", lambda: now)
    assert factors.check_code(person, _code()).is_right


def test_person_shut_out_between_the_steps_stays_outside(client, person, spare_codes):
    _give_password(client)
    User.objects.update(is_active=False)
    client.post(ASK, {"code": _code()})
    assert not _is_signed_in(client)


def test_second_step_needs_the_first(client, spare_codes):
    assert client.get(ASK).url == "/accounts/login/"
    assert client.post(ASK, {"code": _code()}).url == "/accounts/login/"


def test_rotated_key_opens_and_a_lost_key_does_not(person, spare_codes, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    assert factors.check_code(person, _code()).is_right
    settings.SECRET_KEY_FALLBACKS = []
    assert not factors.check_code(person, _code(steps=1)).is_right


# --- setting it up ---------------------------------------------------------------------------


@pytest.fixture
def alice(client, person):
    client.force_login(person)
    return client


def _secret_on(page):
    return page.text.split("<code>")[1].split("</code>")[0].replace(" ", "")


def test_factor_is_set_up_with_spare_codes(alice, person):
    page = alice.get(SETTINGS)
    secret = _secret_on(page)
    answer = alice.post(SETTINGS, {"password": PASSWORD, "code": _code(secret)})
    assert answer.text.count("<li><code>") == 10
    assert factors.has_factor(person)
    assert Action.objects.filter(code="factor:add", subject="alice").count() == 1
    stored = Authenticator.objects.get(type="totp")
    assert secret not in str(stored.data)
    code = answer.text.split("<li><code>")[1][:8]
    assert rows_with(secret, code) == []
    # The code that was typed here opens nothing any more.
    assert not factors.check_code(person, _code(secret)).is_right


@pytest.mark.parametrize("form", [{"password": "wrong"}, {"code": "000000"}, {"code": ""}])
def test_set_up_needs_password_and_code(alice, person, form):
    secret = _secret_on(alice.get(SETTINGS))
    alice.post(SETTINGS, {"password": PASSWORD, "code": _code(secret), **form})
    assert not factors.has_factor(person)
    assert Action.objects.filter(code="factor:add:refused").count() == 1


def test_secret_stays_the_same_while_it_is_set_up(alice):
    assert _secret_on(alice.get(SETTINGS)) == _secret_on(alice.get(SETTINGS))


def test_picture_is_an_address_of_ours(alice):
    assert alice.get("/accounts/second-factor/picture/").status_code == 404
    page = alice.get(SETTINGS)
    assert "data:" not in page.text
    picture = alice.get("/accounts/second-factor/picture/")
    assert picture.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert "no-store" in picture.headers["Cache-Control"]
    assert b"<svg" in picture.content


def test_factor_is_removed_with_a_code(alice, person, spare_codes):
    assert "Remove it" in alice.get(SETTINGS).text
    alice.post(SETTINGS, {"code": "000000"})
    assert factors.has_factor(person)
    assert Action.objects.filter(code="factor:remove:refused").count() == 1
    alice.post(SETTINGS, {"code": _code()})
    assert not Authenticator.objects.exists()
    assert Action.objects.filter(code="factor:remove", subject="alice").count() == 1


def test_administrator_removes_a_lost_factor_by_command(person, spare_codes, capsys):
    call_command("remove_second_factor", "alice")
    assert not Authenticator.objects.exists()
    row = Action.objects.get(code="factor:remove")
    assert (row.actor_name, row.subject) == ("command line", "alice")
    for name in ("alice", "nobody"):
        with pytest.raises(CommandError):
            call_command("remove_second_factor", name)


# --- roles that need it ----------------------------------------------------------------------


@pytest.fixture
def _needed(settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["staff"]


@pytest.mark.usefixtures("_needed")
@pytest.mark.parametrize("page", ["/", "/volumes/", "/snapshots/new/", "/accounts/password/"])
def test_role_that_needs_a_factor_is_led_there(alice, page):
    assert alice.get(page).url == SETTINGS
    assert alice.post(page).url == SETTINGS
    assert "you can do nothing else here" in alice.get(SETTINGS).text


@pytest.mark.usefixtures("_needed")
def test_pages_open_when_it_is_set_up(alice):
    secret = _secret_on(alice.get(SETTINGS))
    alice.post(SETTINGS, {"password": PASSWORD, "code": _code(secret)})
    assert alice.get("/volumes/").status_code == 200


@pytest.mark.usefixtures("_needed")
def test_needed_factor_is_not_removed(client, person, spare_codes):
    _give_password(client)
    client.post(ASK, {"code": _code()})
    assert client.get("/volumes/").status_code == 200
    assert "cannot be removed" in client.post(SETTINGS, {"code": _code(steps=1)}).text
    assert factors.has_factor(person)


@pytest.mark.usefixtures("_needed")
def test_session_from_before_the_factor_must_sign_in_again(alice, spare_codes):
    assert alice.get("/volumes/").url == "/accounts/login/"
    assert not _is_signed_in(alice)


@pytest.mark.usefixtures("_needed")
def test_other_roles_go_on_without(client, db):
    client.force_login(scene.person("audrey"))
    assert client.get("/audit/").status_code == 200


@pytest.mark.usefixtures("_needed")
def test_person_who_must_set_it_up_may_sign_out(alice):
    alice.post("/accounts/logout/")
    assert not _is_signed_in(alice)


def test_password_that_is_tried_out_leaves_a_trace(client, spare_codes):
    _give_password(client)
    row = Action.objects.get(code="session:password")
    assert (row.actor_name, row.subject) == ("nobody", "alice")


def test_browser_is_known_only_after_the_second_step(client, spare_codes):
    _give_password(client)
    assert "evsportal_device" not in client.cookies
    client.post(ASK, {"code": _code()})
    assert client.cookies["evsportal_device"].value


def test_own_password_is_braked_at_set_up(alice, person):
    alice.get(SETTINGS)
    tried = [alice.post(SETTINGS, {"password": "wrong", "code": "1"}) for _ in range(8)]
    assert [answer.status_code for answer in tried][-1] == 429
