"""People with passkeys, their browsers and their devices."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from snapshots.models import Action
from tests import factories as scene
from tests.mfa.device import Device

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


def add(browser, device, *, name="Laptop"):
    options = browser.post(OPTIONS).json()
    return browser.post(ADD, {"name": name, "passkey": device.make(options)})


@pytest.fixture
def passkey(alice, device):
    """Alice has one; she sits in another browser now."""
    add(alice, device)
    return Authenticator.objects.get(type="webauthn")


def sign_in(browser, device, **form):
    options = browser.post(CHALLENGE).json()
    return browser.post(SIGN_IN, {"passkey": device.sign(options), **form})


def is_signed_in(browser):
    return "_auth_user_id" in browser.session


def actions(code):
    rows = Action.objects.filter(code=code).order_by("seq")
    return [(row.subject, row.details) for row in rows]


def lie(device, **facts):
    for name, value in facts.items():
        setattr(device, name, value)
    return device
