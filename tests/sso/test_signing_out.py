"""Signing out at the provider too, and being signed out by it."""

import time
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from snapshots.models import Action
from snapshots.sso.sign_out import sign_out_address
from snapshots.sso.tokens import LOGOUT_EVENT
from tests import factories as scene
from tests.sso.conftest import SignIn, address_of

ADDRESS = "/accounts/provider/signed-out/"


def test_sign_out_goes_on_to_the_provider(client, provider, sign_in):
    sign_in()
    answer = client.post("/accounts/logout/")
    address = address_of(answer)
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{provider.issuer}/end?")
    assert query["client_id"] == ["portal"]
    assert query["post_logout_redirect_uri"] == ["http://testserver/accounts/login/"]
    assert len(query["id_token_hint"][0].split(".")) == 3
    assert "_auth_user_id" not in client.session


def test_sign_out_ends_here_without_an_address(client, provider, sign_in):
    provider.metadata = {"end_session_endpoint": None}
    sign_in()
    assert client.post("/accounts/logout/").url == "/accounts/login/"


def test_local_people_do_not_meet_the_provider(client, provider):
    client.force_login(scene.person("alice"))
    assert client.post("/accounts/logout/").url == "/accounts/login/"


def test_replaced_key_still_reads_the_hint(client, sign_in, settings):
    sign_in()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    assert "id_token_hint" in address_of(client.post("/accounts/logout/"))


def test_lost_key_leaves_the_hint_out(rf, client, provider, sign_in, settings):
    sign_in()
    request = rf.post("/accounts/logout/")
    request.session = client.session
    request.session.accessed = bool(request.session.keys())  # read while the key is known
    settings.SECRET_KEY = "another key"
    address = sign_out_address(request)
    assert address.startswith(f"{provider.issuer}/end?")
    assert "id_token_hint" not in address


def _logout_token(provider, **claims):
    honest = {"events": {LOGOUT_EVENT: {}}, "jti": str(uuid.uuid4())}
    return provider.sign({**honest, "preferred_username": None, **claims})


def _tell(provider, token):
    """As the provider does: without a session, and without our CSRF token."""
    return Client(enforce_csrf_checks=True).post(ADDRESS, {"logout_token": token})


def test_provider_ends_every_session_of_the_person(client, provider, sign_in):
    other = Client()
    sign_in()
    SignIn(other, provider)()
    assert _tell(provider, _logout_token(provider)).status_code == 200
    assert client.get("/accounts/password/").url.startswith("/accounts/login/")
    assert other.get("/accounts/password/").url.startswith("/accounts/login/")
    action = Action.objects.filter(code="session:sign-out").order_by("-seq")[0]
    assert (action.actor_name, action.subject) == ("portal", "ayse")
    assert action.details == {"by": "Example AG", "sessions": "all"}
    assert not Action.objects.filter(code="password:change").exists()
    assert sign_in().status_code == 302


def test_sessions_of_others_stay(provider, sign_in, client):
    provider.claims, provider.userinfo = {"sub": "s-2"}, {"sub": "s-2"}
    sign_in()
    assert _tell(provider, _logout_token(provider, sub="s-1")).status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"events": None},
        {"events": {}},
        {"events": [LOGOUT_EVENT]},
        {"events": {LOGOUT_EVENT: 1}},
        {"sub": None},
        {"sub": 7},
        {"jti": None},
        {"nonce": "an id_token"},
    ],
)
def test_hostile_logout_tokens_end_nothing(client, provider, sign_in, lie):
    sign_in()
    assert _tell(provider, _logout_token(provider, **lie)).status_code == 400
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_garbage_ends_nothing(provider, token):
    assert _tell(provider, token).status_code == 400


def test_unsigned_logout_token_ends_nothing(client, provider, sign_in):
    sign_in()
    provider.algorithm = "none"
    assert _tell(provider, _logout_token(provider)).status_code == 400
    assert User.objects.filter(username="ayse").exists()
    assert client.get("/").status_code == 200


def test_tokens_of_strangers_cost_the_provider_little(provider):
    _tell(provider, _logout_token(provider))
    asked = len(provider.asked)
    for number in range(10):
        forged = provider.sign({"sub": f"s-{number}"})
        assert _tell(provider, f"{forged[:-4]}AAAA").status_code == 400
    assert len(provider.asked) == asked
