"""Passkeys: adding them, signing in by them, and every answer that opens nothing."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from snapshots.mfa import factors, passkeys
from snapshots.models import Action
from tests import factories as scene
from tests.mfa.device import PRESENT, Device

PASSWORD = "a long password"
SETTINGS = "/accounts/second-factor/settings/"
ADD, OPTIONS = "/accounts/second-factor/passkeys/", "/accounts/second-factor/passkeys/options/"
CHALLENGE, SIGN_IN = "/accounts/passkey/challenge/", "/accounts/passkey/"
ASK, CONFIRM = "/accounts/second-factor/", "/accounts/confirm/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def person(db):
    return scene.person("alice", password=PASSWORD)


@pytest.fixture
def alice(client, person):
    client.force_login(person)
    return client


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def stranger():
    return Client()


def _add(browser, device, *, name="Laptop"):
    options = browser.post(OPTIONS).json()
    return browser.post(ADD, {"name": name, "passkey": device.make(options)})


@pytest.fixture
def passkey(alice, device):
    """Alice has one; she sits in another browser now."""
    _add(alice, device)
    return Authenticator.objects.get(type="webauthn")


def _sign_in(browser, device, **form):
    options = browser.post(CHALLENGE).json()
    return browser.post(SIGN_IN, {"passkey": device.sign(options), **form})


def _is_signed_in(browser):
    return "_auth_user_id" in browser.session


def _actions(code):
    rows = Action.objects.filter(code=code).order_by("seq")
    return [(row.subject, row.details) for row in rows]


# --- adding ----------------------------------------------------------------------------------


def test_first_passkey_comes_with_spare_codes(alice, person, device):
    answer = _add(alice, device)
    assert answer.text.count("<li><code>") == 10
    assert factors.has_factor(person)
    row = Authenticator.objects.get(type="webauthn")
    assert (row.data["name"], row.data["host"]) == ("Laptop", "testserver")
    assert _actions("factor:add") == [("alice", {"passkey": "Laptop"})]
    assert "Laptop" in alice.get(SETTINGS).text


def test_options_ask_for_a_pin_and_name_the_host(alice, passkey):
    options = alice.post(OPTIONS).json()["publicKey"]
    assert options["rp"]["id"] == "testserver"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert [row["id"] for row in options["excludeCredentials"]] == [passkey.data["id"]]


def test_further_passkeys_leave_the_spare_codes(alice, person, passkey):
    codes = Authenticator.objects.get(type="recovery_codes").data
    answer = _add(alice, Device(), name="Key")
    assert answer.url == SETTINGS
    assert Authenticator.objects.get(type="recovery_codes").data == codes
    assert [row.data["name"] for row in passkeys.passkeys_of(person)] == ["Laptop", "Key"]


def test_app_beside_a_passkey_leaves_the_spare_codes(alice, person, passkey):
    codes = Authenticator.objects.get(type="recovery_codes").data
    page = alice.get(SETTINGS).text
    secret = page.split('qr__key"><code>')[1].split("</code>")[0].replace(" ", "")
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert alice.post(SETTINGS, {"password": PASSWORD, "code": code}).url == SETTINGS
    assert factors.has_app(person)
    assert Authenticator.objects.get(type="recovery_codes").data == codes


def _lie(device, **facts):
    for name, value in facts.items():
        setattr(device, name, value)
    return device


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"origin": "https://evil.example"}, "Invalid origin in CollectedClientData."),
        ({"origin": "http://testserver:8000"}, "Invalid origin in CollectedClientData."),
        ({"origin": "https://testserver"}, "Invalid origin in CollectedClientData."),
        ({"origin": "http://below.testserver"}, "Invalid origin in CollectedClientData."),
        ({"rp_id": "evil.example"}, "Wrong RP ID hash in response."),
        ({"flags": PRESENT}, "User verification required, but User Verified flag not set."),
        ({"algorithm": -65535}, "algorithm"),
    ],
)
def test_wrong_passkey_is_not_stored(alice, device, facts, why):
    answer = _add(alice, _lie(device, **facts))
    assert answer.url == SETTINGS
    assert not Authenticator.objects.exists()
    assert _actions("factor:add:refused") == [("alice", {"why": f"passkey: {why}"})]


def test_answer_is_stored_once(alice, person, device, passkey):
    options = alice.post(OPTIONS).json()
    device = Device()
    answer = device.make(options)
    for _ in range(2):
        alice.post(ADD, {"name": "Key", "passkey": answer})
    assert passkeys.passkeys_of(person).count() == 2
    assert _actions("factor:add:refused") == [("alice", {"why": "passkey: no challenge"})]


def test_passkey_of_another_person_is_not_stored(passkey, device, stranger):
    bob = scene.person("bob", password=PASSWORD)
    stranger.force_login(bob)
    _add(stranger, device)
    assert not factors.has_factor(bob)
    assert _actions("factor:add:refused") == [("bob", {"why": "passkey: it is stored already"})]


def test_person_has_at_most_ten(alice, person):
    for number in range(11):
        _add(alice, Device(), name=f"Key {number}")
    assert passkeys.passkeys_of(person).count() == 10


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\x00b"])
def test_passkey_needs_a_name(alice, device, name):
    _add(alice, device, name=name)
    assert not Authenticator.objects.exists()


def test_old_proof_adds_nothing(alice, device):
    session = alice.session
    session["identity_proved_at"] = time.time() - 3600
    session.save()
    assert alice.post(OPTIONS).url.startswith(CONFIRM)
    assert alice.post(ADD, {"name": "x", "passkey": "{}"}).url.startswith(CONFIRM)


def test_people_of_the_provider_have_none_here(client, person):
    person.set_unusable_password()
    person.save()
    client.force_login(person)
    for address in (OPTIONS, ADD, f"{ADD}1/"):
        assert client.post(address).status_code == 404


# --- signing in ------------------------------------------------------------------------------


def test_passkey_signs_in_alone(passkey, device, stranger):
    answer = _sign_in(stranger, device, next="/volumes/")
    assert answer.url == "/volumes/"
    assert _is_signed_in(stranger)
    assert _actions("session:sign-in")[-1] == ("alice", {"second factor": "passkey"})
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
    assert _sign_in(stranger, device, next=page).url == "/"


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
    answer = _sign_in(stranger, _lie(device, **facts))
    assert "This passkey was not accepted" in stranger.get(answer.url).text
    assert not _is_signed_in(stranger)
    assert _actions("session:sign-in:refused") == [("alice", {"why": why, "by": "passkey"})]
    row = Action.objects.get(code="session:sign-in:refused")
    assert row.actor_name == "nobody"


def test_unknown_passkey_opens_nothing(passkey, stranger):
    _sign_in(stranger, Device())
    assert not _is_signed_in(stranger)
    assert _actions("session:sign-in:refused") == [
        ("a passkey that nobody has", {"why": "nobody has this passkey", "by": "passkey"})
    ]


def test_answer_opens_once(passkey, device, stranger):
    answer = device.sign(stranger.post(CHALLENGE).json())
    stranger.post(SIGN_IN, {"passkey": answer})
    stranger.post("/accounts/logout/")
    stranger.post(SIGN_IN, {"passkey": answer})
    assert not _is_signed_in(stranger)
    again = Client()
    again.post(CHALLENGE)
    again.post(SIGN_IN, {"passkey": answer})
    assert not _is_signed_in(again)
    whys = [details["why"] for _subject, details in _actions("session:sign-in:refused")]
    assert whys == ["no challenge", "Wrong challenge in response."]


def test_challenge_of_another_session_opens_nothing(passkey, device, stranger):
    answer = device.sign(Client().post(CHALLENGE).json())
    stranger.post(CHALLENGE)
    stranger.post(SIGN_IN, {"passkey": answer})
    assert not _is_signed_in(stranger)


def test_challenge_is_old_after_five_minutes(passkey, device, stranger):
    answer = device.sign(stranger.post(CHALLENGE).json())
    session = stranger.session
    session["passkey_challenge"] |= {"at": time.time() - 310}
    session.save()
    stranger.post(SIGN_IN, {"passkey": answer})
    assert not _is_signed_in(stranger)


def test_challenge_to_add_opens_nothing(alice, device, passkey):
    options = alice.post(OPTIONS).json()
    alice.post("/accounts/logout/")
    alice.post(SIGN_IN, {"passkey": device.sign(options)})
    assert not _is_signed_in(alice)


def test_copied_passkey_stops_opening(passkey, device, stranger):
    """The copy signs with the number that the original has used up."""
    device.count = 5
    _sign_in(stranger, device)
    copy = Client()
    device.count = 5
    _sign_in(copy, device)
    assert not _is_signed_in(copy)


def test_passkeys_without_a_counter_open_again(alice, device):
    device.count = 0
    _add(alice, device)
    for _ in range(2):
        browser, device.count = Client(), -1
        _sign_in(browser, device)
        assert _is_signed_in(browser)


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
    assert not _is_signed_in(stranger)
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
            if name == "userHandle" and _is_signed_in(stranger):  # empty: it may be left out
                stranger.post("/accounts/logout/")
                continue
            assert not _is_signed_in(stranger), name


def test_person_shut_out_stays_outside(passkey, device, stranger):
    User.objects.update(is_active=False)
    answer = _sign_in(stranger, device)
    assert "This passkey was not accepted" in stranger.get(answer.url).text
    assert not _is_signed_in(stranger)
    assert _actions("session:sign-in:refused")[0][1]["why"] == "shut out"


def test_local_accounts_may_be_for_administrators_alone(passkey, device, stranger, settings):
    settings.EVSPORTAL_LOCAL_ACCOUNTS = "administrators"
    _sign_in(stranger, device)
    assert not _is_signed_in(stranger)


def test_account_that_became_the_providers(passkey, person, device, stranger):
    SocialAccount.objects.create(user=person, provider="oidc-x", uid="s-1")
    _sign_in(stranger, device)
    assert not _is_signed_in(stranger)


@pytest.mark.parametrize("address", [CHALLENGE, SIGN_IN, OPTIONS, ADD, f"{ADD}1/"])
def test_links_start_nothing(alice, address):
    assert alice.get(address).status_code == 405


# --- as the second step of a sign-in ---------------------------------------------------------


def _give_password(browser):
    form = {"username": "alice", "password": PASSWORD, "next": "/volumes/"}
    return browser.post("/accounts/login/", form)


def test_password_asks_people_with_a_passkey(passkey, stranger):
    assert _give_password(stranger).url == ASK
    assert not _is_signed_in(stranger)
    assert "Use a passkey" in stranger.get(ASK).text


def test_passkey_completes_the_sign_in(passkey, device, stranger):
    _give_password(stranger)
    answer = device.sign(stranger.post(CHALLENGE).json())
    assert stranger.post(ASK, {"passkey": answer}).url == "/volumes/"
    assert _actions("session:sign-in")[-1] == ("alice", {"second factor": "passkey"})


def test_spare_code_completes_the_sign_in_once(alice, device, stranger):
    codes = _add(alice, device).text.split("<li><code>")[1][:8]
    for browser, is_opened in ((stranger, True), (Client(), False)):
        _give_password(browser)
        browser.post(ASK, {"code": codes})
        assert _is_signed_in(browser) is is_opened


def test_wrong_codes_are_slowed_without_an_app(passkey, stranger):
    _give_password(stranger)
    statuses = [stranger.post(ASK, {"code": "000000"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_passkey_of_another_completes_nothing(passkey, stranger):
    other, bob = Device(), Client()
    bob.force_login(scene.person("bob", password=PASSWORD))
    _add(bob, other)
    _give_password(stranger)
    answer = other.sign(stranger.post(CHALLENGE).json())
    page = stranger.post(ASK, {"passkey": answer}, follow=True)
    assert "This passkey was not accepted" in page.text
    assert not _is_signed_in(stranger)
    assert _actions("session:sign-in:refused") == [("alice", {"why": "wrong second factor"})]


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
    assert _actions("session:confirm") == [("alice", {"by": "passkey"})]


def test_passkey_of_another_confirms_nothing(stale):
    other, bob = Device(), Client()
    bob.force_login(scene.person("bob", password=PASSWORD))
    _add(bob, other)
    answer = other.sign(stale.post(CHALLENGE).json())
    stale.post(CONFIRM, {"passkey": answer})
    assert stale.get(SETTINGS).url.startswith(CONFIRM)
    assert _actions("session:confirm:refused") == [("alice", {"why": "passkey of another person"})]


def test_refused_passkey_leads_back_to_the_same_page(stale):
    stale.post(CHALLENGE)
    answer = stale.post(CONFIRM, {"passkey": "{}", "next": SETTINGS}, follow=True)
    assert f'name="next" value="{SETTINGS}"' in answer.text
    assert "This passkey was not accepted" in answer.text


# --- renaming and removing -------------------------------------------------------------------


def test_passkey_is_renamed(alice, passkey):
    alice.post(f"{ADD}{passkey.pk}/", {"name": "Old laptop"})
    passkey.refresh_from_db()
    assert passkey.data["name"] == "Old laptop"
    assert _actions("factor:rename") == [("alice", {"passkey": "Laptop → Old laptop"})]
    assert "Old laptop" in alice.get(SETTINGS).text


def test_removed_passkey_opens_nothing(alice, passkey, device, stranger):
    alice.post(f"{ADD}{passkey.pk}/", {"name": "x", "remove": "yes"})
    assert not Authenticator.objects.exists()
    _sign_in(stranger, device)
    assert not _is_signed_in(stranger)
    assert _actions("factor:remove") == [("alice", {"passkey": "Laptop"})]


def test_spare_codes_stay_while_there_is_a_factor(alice, person, passkey):
    factors.set_up(person, SECRET, 1)
    alice.post(f"{ADD}{passkey.pk}/", {"remove": "yes"})
    kinds = set(Authenticator.objects.values_list("type", flat=True))
    assert kinds == {"totp", "recovery_codes"}


def test_app_is_removed_beside_a_passkey(alice, person, passkey):
    factors.set_up(person, SECRET, 1)
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
    alice.post(SETTINGS, {"code": code})
    kinds = set(Authenticator.objects.values_list("type", flat=True))
    assert kinds == {"webauthn", "recovery_codes"}


def test_passkeys_of_others_do_not_exist(passkey, stranger):
    stranger.force_login(scene.person("bob", password=PASSWORD))
    for form in ({"name": "x"}, {"remove": "yes"}):
        assert stranger.post(f"{ADD}{passkey.pk}/", form).status_code == 404
    passkey.refresh_from_db()
    assert passkey.data["name"] == "Laptop"


def test_command_removes_passkeys_too(person, passkey):
    call_command("remove_second_factor", "alice")
    assert not Authenticator.objects.exists()


# --- roles that need a second factor ---------------------------------------------------------


@pytest.fixture
def _needed(settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["staff"]


@pytest.mark.usefixtures("_needed")
def test_passkey_is_a_second_factor_for_a_role(alice, device):
    assert alice.get("/volumes/").url == SETTINGS
    _add(alice, device)
    assert alice.get("/volumes/").status_code == 200


@pytest.mark.usefixtures("_needed")
def test_sign_in_by_a_passkey_satisfies_a_role(passkey, device, stranger):
    _sign_in(stranger, device)
    assert stranger.get("/volumes/").status_code == 200


@pytest.mark.usefixtures("_needed")
def test_last_factor_of_a_role_stays(alice, person, passkey):
    page = alice.get(SETTINGS).text
    assert 'name="remove"' not in page
    alice.post(f"{ADD}{passkey.pk}/", {"remove": "yes"})
    assert factors.has_factor(person)
    assert _actions("factor:remove:refused") == [("alice", {"why": "the role needs it"})]
    _add(alice, Device(), name="Key")
    assert 'name="remove"' in alice.get(SETTINGS).text
    alice.post(f"{ADD}{passkey.pk}/", {"remove": "yes"})
    assert [row.data["name"] for row in passkeys.passkeys_of(person)] == ["Key"]
