"""Confirming that it is you, by a new sign-in at the provider."""

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User

from snapshots.models import Action
from tests.sso.conftest import address_of

PAGE = "/people/new/"


@pytest.fixture
def ayse(provider, sign_in, settings):
    """An administrator of the provider, who signed in there this morning."""
    settings.EVSPORTAL_OIDC_ROLES = ["it-admins=administrator"]
    provider.claims = {"groups": ["it-admins"], "auth_time": int(time.time()) - 7200}
    sign_in()
    return User.objects.get(username="ayse")


def _confirm(sign_in, **claims):
    query = sign_in.start(confirm="yes", next=PAGE)
    sign_in.provider.claims |= claims
    return query, sign_in.finish(query)


def _refusals():
    rows = Action.objects.filter(code="session:confirm:refused").order_by("seq")
    return [row.details["why"] for row in rows]


def _is_open(client):
    return client.get(PAGE).status_code == 200


@pytest.mark.usefixtures("ayse")
def test_old_sign_in_at_the_provider_is_no_proof(client):
    answer = client.get(PAGE, follow=True)
    assert "Confirm that it is you" in answer.text
    assert "Go on to Example AG" in answer.text
    assert 'name="password"' not in answer.text


def test_new_sign_in_at_the_provider_is_a_proof(client, provider, sign_in, settings):
    settings.EVSPORTAL_OIDC_ROLES = ["it-admins=administrator"]
    provider.claims = {"groups": ["it-admins"], "auth_time": int(time.time())}
    sign_in()
    assert _is_open(client)


@pytest.mark.parametrize("value", [None, "now", True, -1, [], 1e300, float("inf")])
def test_sign_in_without_a_time_is_no_proof(client, provider, sign_in, settings, value):
    settings.EVSPORTAL_OIDC_ROLES = ["it-admins=administrator"]
    provider.claims = {"groups": ["it-admins"], "auth_time": value}
    assert sign_in().status_code == 302
    assert not _is_open(client)


def test_new_round_confirms_and_leads_back(client, ayse, sign_in):
    before = client.session.session_key
    query, answer = _confirm(sign_in, auth_time=int(time.time()))
    assert (query["prompt"], query["max_age"]) == ("login", "0")
    assert answer.url == PAGE
    assert _is_open(client)
    assert client.session.session_key != before
    assert client.session["_auth_user_id"] == str(ayse.pk)
    row = Action.objects.get(code="session:confirm")
    assert (row.actor_name, row.subject, row.details) == ("ayse", "ayse", {"by": "Example AG"})
    assert Action.objects.filter(code="session:sign-in").count() == 1


@pytest.mark.usefixtures("ayse")
def test_clocks_may_differ_by_a_minute(client, sign_in):
    _confirm(sign_in, auth_time=int(time.time()) - 50)
    assert _is_open(client)


@pytest.mark.parametrize("age", [7200, 70])
def test_provider_that_asked_nobody_confirms_nothing(client, ayse, sign_in, age):
    _query, answer = _confirm(sign_in, auth_time=int(time.time()) - age)
    page = client.get(answer.url)
    assert "did not ask you to sign in again" in page.text
    assert f'name="next" value="{PAGE}"' in page.text
    assert not _is_open(client)
    assert _refusals() == ["old sign-in"]


@pytest.mark.parametrize("value", [None, "now", True, [], -1])
def test_answer_without_a_time_confirms_nothing(client, ayse, sign_in, value):
    _confirm(sign_in, auth_time=value)
    assert not _is_open(client)
    assert _refusals() == ["old sign-in"]


def test_another_person_confirms_nothing(client, ayse, sign_in):
    people = User.objects.count()
    sign_in.provider.userinfo = {"sub": "s-2"}
    _query, answer = _confirm(sign_in, sub="s-2", auth_time=int(time.time()))
    assert "Another person signed in" in client.get(answer.url).text
    assert client.session["_auth_user_id"] == str(ayse.pk)
    assert User.objects.count() == people
    assert not _is_open(client)
    assert _refusals() == ["another person"]


def test_another_person_of_the_portal_confirms_nothing(client, ayse, sign_in, provider):
    colleague = type(client)()
    provider.claims |= {"sub": "s-2", "preferred_username": "bora"}
    provider.userinfo = {"sub": "s-2"}
    type(sign_in)(colleague, provider)()
    _confirm(sign_in, auth_time=int(time.time()))
    assert client.session["_auth_user_id"] == str(ayse.pk)
    assert not _is_open(client)
    row = Action.objects.get(code="session:confirm:refused")
    assert row.details == {"why": "another person", "by": "Example AG", "detail": "bora"}


def test_person_who_cancels_stays_signed_in(client, ayse, sign_in):
    query = sign_in.start(confirm="yes", next=PAGE)
    answer = client.get(
        "/accounts/provider/callback/", {"state": query["state"], "error": "access_denied"}
    )
    assert "You cancelled the sign-in" in client.get(answer.url).text
    assert client.session["_auth_user_id"] == str(ayse.pk)
    assert _refusals() == ["cancelled"]


def test_old_answer_confirms_only_once(client, ayse, sign_in):
    query, _answer = _confirm(sign_in, auth_time=int(time.time()))
    session = client.session
    session["identity_proved_at"] = 0
    session.save()
    assert sign_in.finish(query).status_code == 401
    assert not _is_open(client)


@pytest.mark.usefixtures("ayse")
def test_sign_in_is_not_turned_into_a_confirmation(client, sign_in):
    """A round without the demand for a new sign-in signs in, and proves what the provider says."""
    query = sign_in.start(next=PAGE)
    assert "prompt" not in query
    sign_in.finish(query)
    assert not _is_open(client)


def test_nobody_confirms_without_a_session(client, provider):
    page = client.post("/accounts/provider/", {"confirm": "yes"})
    assert "prompt" not in dict(parse_qsl(urlsplit(address_of(page)).query))


@pytest.mark.usefixtures("ayse")
def test_provider_that_is_not_used_any_more(client, settings):
    settings.EVSPORTAL_OIDC_CLIENT_ID = ""
    assert "which this portal does not use any more" in client.get(PAGE, follow=True).text


@pytest.mark.usefixtures("ayse")
def test_password_page_says_that_there_is_none(client):
    answer = client.get("/accounts/password/", follow=True)
    assert "your provider signs you in" in answer.text
    assert client.get("/accounts/second-factor/settings/").status_code == 404
