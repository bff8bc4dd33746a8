"""Adding, renaming and removing passkeys, and every answer that adds none."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import call_command

from snapshots.mfa import factors, passkeys
from tests import factories as scene
from tests.mfa.conftest import (
    ADD,
    CHALLENGE,
    CONFIRM,
    OPTIONS,
    PASSWORD,
    SECRET,
    SETTINGS,
    SIGN_IN,
    actions,
    add,
    is_signed_in,
    lie,
    sign_in,
)
from tests.mfa.device import PRESENT, Device

# --- adding ----------------------------------------------------------------------------------


def test_first_passkey_comes_with_spare_codes(alice, person, device):
    answer = add(alice, device)
    assert answer.text.count("<li><code>") == 10
    assert factors.has_factor(person)
    row = Authenticator.objects.get(type="webauthn")
    assert (row.data["name"], row.data["host"]) == ("Laptop", "testserver")
    assert actions("factor:add") == [("alice", {"passkey": "Laptop"})]
    assert "Laptop" in alice.get(SETTINGS).text


def test_options_ask_for_a_pin_and_name_the_host(alice, passkey):
    options = alice.post(OPTIONS).json()["publicKey"]
    assert options["rp"]["id"] == "testserver"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert [row["id"] for row in options["excludeCredentials"]] == [passkey.data["id"]]


def test_further_passkeys_leave_the_spare_codes(alice, person, passkey):
    codes = Authenticator.objects.get(type="recovery_codes").data
    answer = add(alice, Device(), name="Key")
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
    answer = add(alice, lie(device, **facts))
    assert answer.url == SETTINGS
    assert not Authenticator.objects.exists()
    assert actions("factor:add:refused") == [("alice", {"why": f"passkey: {why}"})]


def test_answer_is_stored_once(alice, person, device, passkey):
    options = alice.post(OPTIONS).json()
    device = Device()
    answer = device.make(options)
    for _ in range(2):
        alice.post(ADD, {"name": "Key", "passkey": answer})
    assert passkeys.passkeys_of(person).count() == 2
    assert actions("factor:add:refused") == [("alice", {"why": "passkey: no challenge"})]


def test_passkey_of_another_person_is_not_stored(passkey, device, stranger):
    bob = scene.person("bob", password=PASSWORD)
    stranger.force_login(bob)
    add(stranger, device)
    assert not factors.has_factor(bob)
    assert actions("factor:add:refused") == [("bob", {"why": "passkey: it is stored already"})]


def test_person_has_at_most_ten(alice, person):
    for number in range(11):
        add(alice, Device(), name=f"Key {number}")
    assert passkeys.passkeys_of(person).count() == 10


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\x00b"])
def test_passkey_needs_a_name(alice, device, name):
    add(alice, device, name=name)
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


@pytest.mark.parametrize("address", [CHALLENGE, SIGN_IN, OPTIONS, ADD, f"{ADD}1/"])
def test_links_start_nothing(alice, address):
    assert alice.get(address).status_code == 405


# --- renaming and removing -------------------------------------------------------------------


def test_passkey_is_renamed(alice, passkey):
    alice.post(f"{ADD}{passkey.pk}/", {"name": "Old laptop"})
    passkey.refresh_from_db()
    assert passkey.data["name"] == "Old laptop"
    assert actions("factor:rename") == [("alice", {"passkey": "Laptop → Old laptop"})]
    assert "Old laptop" in alice.get(SETTINGS).text


def test_removed_passkey_opens_nothing(alice, passkey, device, stranger):
    alice.post(f"{ADD}{passkey.pk}/", {"name": "x", "remove": "yes"})
    assert not Authenticator.objects.exists()
    sign_in(stranger, device)
    assert not is_signed_in(stranger)
    assert actions("factor:remove") == [("alice", {"passkey": "Laptop"})]


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
