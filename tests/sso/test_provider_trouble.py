"""A provider that is away, slow or not configured; and what pages say of it to the browser."""

import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from snapshots.sso import metadata
from tests.sso.conftest import CALLBACK, address_of, last_refusal


def _form_action(answer):
    policy = answer.headers["Content-Security-Policy"]
    return next(part for part in policy.split("; ") if part.startswith("form-action"))


def test_provider_that_is_away_is_named_in_a_sentence(client, provider, settings):
    settings.EVSPORTAL_OIDC_ISSUER = "http://127.0.0.1:1"
    answer = client.post("/accounts/provider/")
    assert answer.status_code == 503
    assert "The provider does not answer." in answer.text
    assert last_refusal() == "unreachable"
    assert client.get("/accounts/login/").status_code == 200


def test_slow_provider_is_not_waited_for(client, provider, settings):
    settings.EVSPORTAL_OIDC_SECONDS = 0.3
    provider.pause = 30
    began = time.monotonic()
    assert client.post("/accounts/provider/").status_code == 503
    assert client.get("/accounts/login/").status_code == 200  # which does not ask it
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("part", ["headers", "body"])
def test_dripping_provider_is_cut_off(client, provider, settings, part):
    """Each byte comes in time; the whole would take minutes."""
    settings.EVSPORTAL_OIDC_SECONDS = 0.5
    provider.drips = part
    began = time.monotonic()
    assert client.post("/accounts/provider/").status_code == 503
    assert time.monotonic() - began < 20


def test_provider_that_stops_during_a_sign_in_opens_nothing(sign_in, provider, settings):
    query = sign_in.start()
    settings.EVSPORTAL_OIDC_SECONDS = 0.3
    provider.pause = 30
    assert sign_in.finish(query).status_code == 503
    assert last_refusal() == "unreachable"


def test_endless_answer_is_cut_off(client, provider):
    provider.metadata = {"padding": "x" * 1_100_000}
    assert client.post("/accounts/provider/").status_code == 503


def test_recovered_provider_is_asked_again(client, provider, monkeypatch):
    provider.metadata = {"issuer": "https://elsewhere.example"}
    assert client.post("/accounts/provider/").status_code == 503
    provider.metadata = {}
    assert client.post("/accounts/provider/").status_code == 503
    monkeypatch.setattr(metadata, "REFUSAL_KEPT_SECONDS", 0)
    metadata.forget()
    assert client.post("/accounts/provider/").status_code == 200


def test_without_settings_no_provider_exists(client, db, settings):
    for address in ("/accounts/provider/", "/accounts/provider/signed-out/"):
        assert client.post(address).status_code == 404
    assert client.get("/accounts/provider/callback/").status_code == 404
    assert "/accounts/provider/" not in client.get("/accounts/login/").text


def test_button_names_the_provider_and_keeps_the_page(client, provider):
    page = client.get("/accounts/login/?next=/volumes/")
    assert "Sign in by Example AG" in page.text
    assert page.text.count('name="next" value="/volumes/"') == 3


def test_no_page_lets_forms_lead_elsewhere(client, provider, sign_in):
    pages = [client.get("/accounts/login/"), client.post("/accounts/provider/")]
    sign_in()
    pages += [client.get("/"), client.post("/accounts/logout/")]
    assert {_form_action(page) for page in pages} == {"form-action 'self'"}


def test_hostile_address_of_the_provider_is_escaped(client, provider):
    provider.metadata = {"authorization_endpoint": f'{provider.issuer}/a?x="><script>"'}
    page = client.post("/accounts/provider/")
    assert "<script>" not in page.text
    assert address_of(page).startswith(provider.issuer)


def test_metadata_is_read_once_and_keys_each_time(client, provider, sign_in):
    sign_in()
    sign_in()
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    assert provider.asked.count("/jwks") == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_start_takes_forms_alone(client, provider, method):
    assert client.generic(method, "/accounts/provider/").status_code == 405


def test_start_needs_our_own_form(provider):
    assert Client(enforce_csrf_checks=True).post("/accounts/provider/").status_code == 403


def test_start_leaves_a_short_session(client, provider):
    client.post("/accounts/provider/")
    assert Session.objects.get().expire_date <= timezone.now() + timedelta(minutes=15)


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_busy_provider_is_named_in_a_sentence(client, sign_in, error):
    query = sign_in.start()
    answer = client.get(CALLBACK, {"state": query["state"], "error": error})
    assert answer.status_code == 503
    assert "The provider is busy." in answer.text
    assert last_refusal() == "try later"
    assert client.get(CALLBACK, {"state": "made-up", "error": error}).status_code == 401
