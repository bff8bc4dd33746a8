"""Signing in and confirming by a passkey, and every answer that opens nothing."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client

from snapshots.mfa import factors, passkeys
from snapshots.models import Action
from tests import factories as scene
from tests.mfa.conftest import (
    ADD,
    ASK,
    CHALLENGE,
    CONFIRM,
    OPTIONS,
    PASSWORD,
    SETTINGS,
    SIGN_IN,
    actions,
    add,
    is_signed_in,
    lie,
    sign_in,
)
from tests.mfa.device import PRESENT, Device

# --- signing in ------------------------------------------------------------------------------


def test_passkey_signs_in_alone(passkey, device, stranger):
    answer = sign_in(stranger, device, next="/volumes/")
    assert answer.url == "/volumes/"
    assert is_signed_in(stranger)
    assert actions("session:sign-in")[-1] == ("alice", {"second factor": "passkey"})
    assert stranger.session["_auth_user_backend"] == "snapshots.accounts.SandboxBackend"
    passkey.refresh_from_db()
    assert passkey.data["count"] == 2
    assert passkey.last_used_at is not None


def test_challenge_names_no_account(passkey, stranger):
    options = stranger.post(CHALLENGE).json()["publicKey"]
    assert not options.get("allowCredentials")
    assert options["userVerification"] == "required"
    assert options["rpId"] == "testserver"


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_passkey_leads_nowhere_else(passkey, device, stranger, page):
    assert sign_in(stranger, device, next=page).url == "/"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"origin": "https://evil.example"}, "Invalid origin in CollectedClientData."),
        ({"origin": "http://testserver:8000"}, "Invalid origin in CollectedClientData."),
        ({"origin": "http://below.testserver"}, "Invalid origin in CollectedClientData."),
        ({"rp_id": "evil.example"}, "Wrong RP ID hash in response."),
        ({"flags": PRESENT}, "User verification required, but user verified flag not set."),
        ({"key": Device().key}, "Invalid signature."),
        ({"handle": b"evsportal-0"}, "made for another person"),
        ({"count": 0}, "used elsewhere: its counter is behind"),
    ],
)
def test_wrong_answer_opens_nothing(passkey, device, stranger, facts, why):
    answer = sign_in(stranger, lie(device, **facts))
    assert "This passkey was not accepted" in stranger.get(answer.url).text
    assert not is_signed_in(stranger)
    assert actions("session:sign-in:refused") == [("alice", {"why": why, "by": "passkey"})]
    row = Action.objects.get(code="session:sign-in:refused")
    assert row.actor_name == "nobody"


def test_unknown_passkey_opens_nothing(passkey, stranger):
    sign_in(stranger, Device())
    assert not is_signed_in(stranger)
    assert actions("session:sign-in:refused") == [
        ("a passkey that nobody has", {"why": "nobody has this passkey", "by": "passkey"})
    ]


def test_answer_opens_once(passkey, device, stranger):
    answer = device.sign(stranger.post(CHALLENGE).json())
    stranger.post(SIGN_IN, {"passkey": answer})
    stranger.post("/accounts/logout/")
    stranger.post(SIGN_IN, {"passkey": answer})
    assert not is_signed_in(stranger)
    again = Client()
    again.post(CHALLENGE)
    again.post(SIGN_IN, {"passkey": answer})
    assert not is_signed_in(again)
    whys = [details["why"] for _subject, details in actions("session:sign-in:refused")]
    assert whys == ["no challenge", "Wrong challenge in response."]


def test_challenge_of_another_session_opens_nothing(passkey, device, stranger):
    answer = device.sign(Client().post(CHALLENGE).json())
    stranger.post(CHALLENGE)
    stranger.post(SIGN_IN, {"passkey": answer})
    assert not is_signed_in(stranger)


def test_challenge_is_old_after_five_minutes(passkey, device, stranger):
    answer = device.sign(stranger.post(CHALLENGE).json())
    session = stranger.session
    session["passkey_challenge"] |= {"at": time.time() - 310}
    session.save()
    stranger.post(SIGN_IN, {"passkey": answer})
    assert not is_signed_in(stranger)


def test_challenge_to_add_opens_nothing(alice, device, passkey):
    options = alice.post(OPTIONS).json()
    alice.post("/accounts/logout/")
    alice.post(SIGN_IN, {"passkey": device.sign(options)})
    assert not is_signed_in(alice)


def test_copied_passkey_stops_opening(passkey, device, stranger):
    """The copy signs with the number that the original has used up."""
    device.count = 5
    sign_in(stranger, device)
    copy = Client()
    device.count = 5
    sign_in(copy, device)
    assert not is_signed_in(copy)


def test_passkeys_without_a_counter_open_again(alice, device):
    device.count = 0
    add(alice, device)
    for _ in range(2):
        browser, device.count = Client(), -1
        sign_in(browser, device)
        assert is_signed_in(browser)


ODD = [
    "",
    "x",
    "{}",
    "[]",
    "null",
    "1" * 30_000,
    "[" * 10_000,
    json.dumps({"id": 1, "rawId": 1, "type": "public-key", "response": {}}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "x", "response": []}),
    json.dumps({"id": "é", "rawId": "AA", "type": "public-key", "response": {"signature": None}}),
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_answers_open_nothing(alice, passkey, stranger, text):
    stranger.post(CHALLENGE)
    assert stranger.post(SIGN_IN, {"passkey": text}).url == "/accounts/login/"
    assert not is_signed_in(stranger)
    alice.post(OPTIONS)
    assert alice.post(ADD, {"name": "x", "passkey": text}).url == SETTINGS
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_damaged_answers_open_nothing(passkey, device, stranger):
    """Each field of an honest answer cut and turned round."""
    for name in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for change in (lambda text: text[:7], lambda text: text[::-1], lambda _text: ""):
            answer = json.loads(device.sign(stranger.post(CHALLENGE).json()))
            answer["response"][name] = change(answer["response"][name])
            stranger.post(SIGN_IN, {"passkey": json.dumps(answer)})
            if name == "userHandle" and is_signed_in(stranger):  # empty: it may be left out
                stranger.post("/accounts/logout/")
                continue
            assert not is_signed_in(stranger), name


def test_person_shut_out_stays_outside(passkey, device, stranger):
    User.objects.update(is_active=False)
    answer = sign_in(stranger, device)
    assert "This passkey was not accepted" in stranger.get(answer.url).text
    assert not is_signed_in(stranger)
    assert actions("session:sign-in:refused")[0][1]["why"] == "shut out"


def test_local_accounts_may_be_for_administrators_alone(passkey, device, stranger, settings):
    settings.EVSPORTAL_LOCAL_ACCOUNTS = "administrators"
    sign_in(stranger, device)
    assert not is_signed_in(stranger)


def test_account_that_became_the_providers(passkey, person, device, stranger):
    SocialAccount.objects.create(user=person, provider="oidc-x", uid="s-1")
    sign_in(stranger, device)
    assert not is_signed_in(stranger)


# --- as the second step of a sign-in ---------------------------------------------------------


def _give_password(browser):
    form = {"username": "alice", "password": PASSWORD, "next": "/volumes/"}
    return browser.post("/accounts/login/", form)


def test_password_asks_people_with_a_passkey(passkey, stranger):
    assert _give_password(stranger).url == ASK
    assert not is_signed_in(stranger)
    assert "Use a passkey" in stranger.get(ASK).text


def test_passkey_completes_the_sign_in(passkey, device, stranger):
    _give_password(stranger)
    answer = device.sign(stranger.post(CHALLENGE).json())
    assert stranger.post(ASK, {"passkey": answer}).url == "/volumes/"
    assert actions("session:sign-in")[-1] == ("alice", {"second factor": "passkey"})


def test_spare_code_completes_the_sign_in_once(alice, device, stranger):
    codes = add(alice, device).text.split("<li><code>")[1][:8]
    for browser, is_opened in ((stranger, True), (Client(), False)):
        _give_password(browser)
        browser.post(ASK, {"code": codes})
        assert is_signed_in(browser) is is_opened


def test_wrong_codes_are_slowed_without_an_app(passkey, stranger):
    _give_password(stranger)
    statuses = [stranger.post(ASK, {"code": "000000"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_passkey_of_another_completes_nothing(passkey, stranger):
    other, bob = Device(), Client()
    bob.force_login(scene.person("bob", password=PASSWORD))
    add(bob, other)
    _give_password(stranger)
    answer = other.sign(stranger.post(CHALLENGE).json())
    page = stranger.post(ASK, {"passkey": answer}, follow=True)
    assert "This passkey was not accepted" in page.text
    assert not is_signed_in(stranger)
    assert actions("session:sign-in:refused") == [("alice", {"why": "wrong second factor"})]


# --- confirming that it is you ---------------------------------------------------------------


@pytest.fixture
def stale(alice, passkey):
    session = alice.session
    session["identity_proved_at"] = time.time() - 3600
    session.save()
    return alice


def test_passkey_confirms_without_a_password(stale, device):
    assert "Use a passkey" in stale.get(SETTINGS, follow=True).text
    answer = device.sign(stale.post(CHALLENGE).json())
    assert stale.post(CONFIRM, {"passkey": answer, "next": SETTINGS}).url == SETTINGS
    assert stale.get(SETTINGS).status_code == 200
    assert actions("session:confirm") == [("alice", {"by": "passkey"})]


def test_passkey_of_another_confirms_nothing(stale):
    other, bob = Device(), Client()
    bob.force_login(scene.person("bob", password=PASSWORD))
    add(bob, other)
    answer = other.sign(stale.post(CHALLENGE).json())
    stale.post(CONFIRM, {"passkey": answer})
    assert stale.get(SETTINGS).url.startswith(CONFIRM)
    assert actions("session:confirm:refused") == [("alice", {"why": "passkey of another person"})]


def test_refused_passkey_leads_back_to_the_same_page(stale):
    stale.post(CHALLENGE)
    answer = stale.post(CONFIRM, {"passkey": "{}", "next": SETTINGS}, follow=True)
    assert f'name="next" value="{SETTINGS}"' in answer.text
    assert "This passkey was not accepted" in answer.text


# --- roles that need a second factor ---------------------------------------------------------


@pytest.fixture
def _needed(settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["staff"]


@pytest.mark.usefixtures("_needed")
def test_passkey_is_a_second_factor_for_a_role(alice, device):
    assert alice.get("/volumes/").url == SETTINGS
    add(alice, device)
    assert alice.get("/volumes/").status_code == 200


@pytest.mark.usefixtures("_needed")
def test_sign_in_by_a_passkey_satisfies_a_role(passkey, device, stranger):
    sign_in(stranger, device)
    assert stranger.get("/volumes/").status_code == 200


@pytest.mark.usefixtures("_needed")
def test_last_factor_of_a_role_stays(alice, person, passkey):
    page = alice.get(SETTINGS).text
    assert 'name="remove"' not in page
    alice.post(f"{ADD}{passkey.pk}/", {"remove": "yes"})
    assert factors.has_factor(person)
    assert actions("factor:remove:refused") == [("alice", {"why": "the role needs it"})]
    add(alice, Device(), name="Key")
    assert 'name="remove"' in alice.get(SETTINGS).text
    alice.post(f"{ADD}{passkey.pk}/", {"remove": "yes"})
    assert [row.data["name"] for row in passkeys.passkeys_of(person)] == ["Key"]
