"""Asking the provider again whether a person is still signed in there."""

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User

from snapshots.models import Action, Role, roles_of
from snapshots.sso import metadata
from tests import factories as scene
from tests.sso.conftest import CALLBACK, SignIn


@pytest.fixture(autouse=True)
def _every_hour(settings):
    settings.EVSPORTAL_OIDC_RECHECK_MINUTES = 60


def _age(client, minutes):
    session = client.session
    session["provider_checked_at"] = time.time() - 60 * minutes
    session.save()


@pytest.fixture
def ayse(client, provider, sign_in):
    """Signed in an hour ago and more."""
    provider.claims = {"groups": ["evs-staff"]}
    sign_in()
    _age(client, 61)
    return User.objects.get(username="ayse")


def _open(client, provider, page="/volumes/?q=a"):
    """What the browser takes to the provider when the person opens a page."""
    answer = client.get(page)
    assert answer.url.startswith(f"{provider.issuer}/authorize?")
    query = dict(parse_qsl(urlsplit(answer.url).query))
    provider.code_challenge = query["code_challenge"]
    return query


def _is_signed_in(client):
    return "_auth_user_id" in client.session


@pytest.mark.usefixtures("ayse")
def test_page_comes_back_unseen_with_the_roles_of_now(client, provider, sign_in):
    query = _open(client, provider)
    assert query["prompt"] == "none"
    provider.claims = {"groups": ["evs-help"]}
    assert sign_in.finish(query).url == "/volumes/?q=a"
    assert set(roles_of(User.objects.get(username="ayse"))) == {Role.HELPDESK}
    assert client.get("/volumes/").status_code == 200
    assert Action.objects.filter(code="session:sign-in").count() == 1


@pytest.mark.parametrize("error", ["login_required", "access_denied", "interaction_required"])
def test_person_who_signed_out_there_is_signed_out_here(client, ayse, provider, error):
    query = _open(client, provider)
    answer = client.get(CALLBACK, {"state": query["state"], "error": error})
    assert answer.url == "/accounts/login/?next=/volumes/%3Fq%3Da"
    assert not _is_signed_in(client)
    assert "Example AG did not confirm" in client.get(answer.url).text
    row = Action.objects.get(code="session:sign-out")
    assert row.subject == "ayse"


@pytest.mark.parametrize("has_account", [True, False])
def test_another_person_there_is_signed_out_here(client, ayse, provider, sign_in, has_account):
    if has_account:
        provider.claims, provider.userinfo = {"sub": "s-2"}, {"sub": "s-2"}
        SignIn(type(client)(), provider)()
    people = User.objects.count()
    query = _open(client, provider)
    provider.claims, provider.userinfo = {"sub": "s-2"}, {"sub": "s-2"}
    sign_in.finish(query)
    assert not _is_signed_in(client)
    assert User.objects.count() == people


@pytest.mark.usefixtures("ayse")
def test_hostile_answer_ends_the_session(client, provider, sign_in):
    query = _open(client, provider)
    provider.claims = {"nonce": "of another sign-in"}
    sign_in.finish(query)
    assert not _is_signed_in(client)


@pytest.mark.usefixtures("ayse")
def test_provider_that_is_away_signs_nobody_out(client, settings):
    settings.EVSPORTAL_OIDC_ISSUER = "http://127.0.0.1:1"
    assert client.get("/volumes/").status_code == 200
    age = time.time() - client.session["provider_checked_at"]
    assert 3500 < age < 3600  # it is asked again in a minute


@pytest.mark.usefixtures("ayse")
def test_provider_that_stops_on_the_way_signs_nobody_out(client, provider, sign_in):
    query = _open(client, provider)
    provider.metadata = {"jwks_uri": "http://127.0.0.1:1/jwks"}
    metadata.forget()
    assert sign_in.finish(query).url == "/volumes/?q=a"
    assert client.get("/volumes/").status_code == 200


BUSY = ["temporarily_unavailable", "server_error"]


def _is_asked_again_in_a_minute(client):
    age = time.time() - client.session["provider_checked_at"]
    return _is_signed_in(client) and 3500 < age < 3600


@pytest.mark.usefixtures("ayse")
@pytest.mark.parametrize("error", BUSY)
def test_busy_provider_signs_nobody_out(client, provider, error):
    query = _open(client, provider)
    answer = client.get(CALLBACK, {"state": query["state"], "error": error})
    assert answer.url == "/volumes/?q=a"
    assert client.get(answer.url).status_code == 200
    assert _is_asked_again_in_a_minute(client)


@pytest.fixture
def minutes_later(ayse):
    began = time.time()
    return lambda minutes: time_machine.travel(began + 60 * minutes, tick=False)


def _be_busy(client, provider):
    query = _open(client, provider)
    client.get(CALLBACK, {"state": query["state"], "error": BUSY[0]})


def test_browser_delays_the_check_for_a_while_only(client, provider, minutes_later):
    """The answer that the provider is busy comes by the browser, which may make it up."""
    for minutes in range(0, 71, 10):
        with minutes_later(minutes):
            _be_busy(client, provider)
            assert _is_signed_in(client)
    with minutes_later(72):
        _be_busy(client, provider)
        assert not _is_signed_in(client)


def test_check_ends_the_wait(client, provider, sign_in, minutes_later, settings):
    settings.EVSPORTAL_SESSION_IDLE_MINUTES = 0
    with minutes_later(0):
        _be_busy(client, provider)
    with minutes_later(2):
        sign_in.finish(_open(client, provider))
    with minutes_later(80):
        _be_busy(client, provider)
        assert _is_signed_in(client)


@pytest.mark.usefixtures("ayse")
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {}),
        (503, b"<h1>Try later</h1>"),
        (429, {"error": "slow_down"}),
        *[(status, {"error": error}) for status in (200, 400) for error in BUSY],
    ],
)
def test_busy_token_endpoint_signs_nobody_out(client, provider, sign_in, status, answer):
    query = _open(client, provider)
    provider.token_status, provider.token_answer = status, answer
    assert sign_in.finish(query).url == "/volumes/?q=a"
    assert _is_asked_again_in_a_minute(client)


@pytest.mark.usefixtures("ayse")
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": "invalid_grant"}),
        (401, {"error": "invalid_client"}),
        (400, {"error": ["server_error"]}),
        (400, b"[" * 9_000),
        (400, b"server_error"),
        (200, {}),
    ],
)
def test_refusing_token_endpoint_ends_the_session(client, provider, sign_in, status, answer):
    query = _open(client, provider)
    provider.token_status, provider.token_answer = status, answer
    sign_in.finish(query)
    assert not _is_signed_in(client)


@pytest.mark.usefixtures("ayse")
@pytest.mark.parametrize(
    "headers",
    [{"HX-Request": "true"}, {"Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Dest": "empty"}],
)
def test_what_a_page_loads_by_itself_asks_nothing(client, headers):
    assert client.get("/volumes/", headers=headers).status_code == 200


@pytest.mark.usefixtures("ayse")
def test_forms_and_public_pages_ask_nothing(client):
    assert client.post("/snapshots/new/", {}).status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.usefixtures("ayse")
def test_new_check_and_no_setting_ask_nothing(client, settings):
    _age(client, 59)
    assert client.get("/volumes/").status_code == 200
    _age(client, 61)
    settings.EVSPORTAL_OIDC_RECHECK_MINUTES = 0
    assert client.get("/volumes/").status_code == 200


@pytest.mark.usefixtures("provider")
def test_local_people_are_not_asked(client):
    client.force_login(scene.person("alice"))
    assert client.get("/volumes/").status_code == 200
