"""Asking the provider again whether a person is still signed in there."""

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.contrib.auth.models import Group, User

from snapshots.models import Action, Operation, Role, roles_of
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


# --- what cannot go to the provider ----------------------------------------------------------


@pytest.fixture
def overdue(client, ayse):
    """Signed in, and the check was due a quarter of an hour ago."""
    _age(client, 75)
    return client


UNSEEN = [
    {"HX-Request": "true"},
    {"HX-Request": "true", "HX-Current-URL": "http://testserver/volumes/"},
    {"Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Dest": "image"},
]


@pytest.mark.parametrize("headers", UNSEEN)
@pytest.mark.parametrize(
    "page", ["/volumes/", "/accounts/sessions/", "/people/export/", "/people/new/"]
)
def test_what_a_page_loads_is_refused_then(overdue, ayse, page, headers):
    ayse.groups.add(Group.objects.get_or_create(name="administrator")[0])
    answer = overdue.get(page, headers=headers)
    assert answer.status_code == 401
    assert "Your session has ended" in answer.text
    assert _is_signed_in(overdue)


def test_fragment_leads_to_the_page_it_stands_in(overdue):
    answer = overdue.get("/requests/rows/", headers=UNSEEN[1])
    assert "/accounts/login/?next=/volumes/" in answer.text


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE"])
def test_no_method_does_without_the_check(overdue, method):
    assert overdue.generic(method, "/volumes/").status_code in {302, 401}


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}, {"Sec-Fetch-Dest": "empty"}])
def test_form_changes_nothing_then(overdue, ayse, headers):
    disk = scene.volume(granted_to=ayse)
    overdue.post("/snapshots/new/", scene.fill_form(disk), headers=headers)
    assert not Operation.objects.exists()


def test_form_leads_back_and_is_sent_again(overdue, ayse, provider, sign_in):
    form = scene.fill_form(scene.volume(granted_to=ayse))
    page = "/snapshots/new/?again"
    answer = overdue.post("/snapshots/new/", form, headers={"Referer": f"http://testserver{page}"})
    assert answer.url == page
    assert sign_in.finish(_open(overdue, provider, page)).url == page
    assert "nothing was asked. Send it again." in overdue.get(page, follow=True).text
    assert overdue.post("/snapshots/new/", form).status_code == 302
    assert Operation.objects.get().requester == ayse


def test_form_is_sent_again_while_the_provider_is_away(overdue, ayse, settings):
    settings.EVSPORTAL_OIDC_ISSUER = "http://127.0.0.1:1"
    form = scene.fill_form(scene.volume(granted_to=ayse))
    assert "nothing was asked" in overdue.post("/snapshots/new/", form, follow=True).text
    overdue.post("/snapshots/new/", form)
    assert Operation.objects.get().requester == ayse


def test_public_pages_are_answered_then(overdue):
    assert overdue.get("/healthz").status_code == 200
    overdue.post("/accounts/logout/")
    assert not _is_signed_in(overdue)


def test_page_that_is_opened_is_checked_as_before(overdue, provider, sign_in):
    assert sign_in.finish(_open(overdue, provider)).url == "/volumes/?q=a"
    assert overdue.get("/volumes/", headers=UNSEEN[0]).status_code == 200


@pytest.mark.parametrize("minutes", [-5, 0, 69])
def test_nothing_is_refused_in_time(overdue, minutes):
    """Also where another machine's clock is ahead."""
    _age(overdue, minutes)
    for headers in UNSEEN:
        assert overdue.get("/volumes/", headers=headers).status_code == 200
    assert overdue.post("/snapshots/new/", {}).status_code == 200


def test_local_people_are_refused_nothing(client, provider):
    client.force_login(scene.person("alice"))
    assert client.get("/volumes/", headers=UNSEEN[0]).status_code == 200
    assert client.post("/snapshots/new/", {}).status_code == 200


def test_zone_that_is_told_then_leaves_no_message(overdue):
    """The script tells it by itself: nobody wants to know that it was not asked."""
    answer = overdue.post("/preferences/zone/", {"zone": "Asia/Tokyo"})
    assert answer.status_code == 302
    assert "messages" not in answer.cookies
    assert _is_signed_in(overdue)
