"""Tokens: shared by threads, renewed in time, few logins after refusals."""

import threading
import time

import pytest
from evs_loopback import CUT, Reply

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.config import PasswordCredentials

REJECTED = Reply(401, {"error_code": "APIGW.0301", "error_msg": "token expires"})
EMPTY = Reply(200, {"snapshots": []})


def in_threads(count, work):
    results = []
    start = threading.Barrier(count)

    def run():
        start.wait()
        try:
            results.append(work())
        except errors.EvsError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_login_asks_for_the_project_by_name(cloud, client):
    cloud.otherwise = EMPTY
    client().ping()
    assert cloud.logins[0].json == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "portal",
                        "password": "right",
                        "domain": {"name": "Default"},
                    }
                },
            },
            "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
        }
    }


def test_login_prefers_ids(cloud, client):
    cloud.otherwise = EMPTY
    client(credentials={"project_id": "p-id", "user_domain_id": "d-id"}).ping()
    auth = cloud.logins[0].json["auth"]
    assert auth["scope"] == {"project": {"id": "p-id"}}
    assert auth["identity"]["password"]["user"]["domain"] == {"id": "d-id"}


@pytest.mark.parametrize("suffix", ["/v3", "/v3/", ""])
def test_auth_url_is_taken_with_and_without_version(cloud, client, suffix):
    cloud.otherwise = EMPTY
    client(credentials={"auth_url": cloud.url + suffix}).ping()
    assert cloud.logins[0].path == "/v3/auth/tokens"


def test_token_is_used_until_shortly_before_its_end(cloud, client, hand):
    cloud.otherwise = EMPTY
    calling = client()
    for seconds, logins in [(0, 1), (3539, 1), (2, 2)]:
        hand.seconds += seconds
        calling.ping()
        assert len(cloud.logins) == logins


def test_tokens_that_live_seconds_are_used_too(cloud, client, hand):
    cloud.otherwise = EMPTY
    cloud.token_seconds = 12
    calling = client()
    for seconds, logins in [(0, 1), (11, 1), (1, 2), (5, 2)]:
        hand.seconds += seconds
        calling.ping()
        assert len(cloud.logins) == logins


def test_eight_threads_sign_in_once(cloud, client):
    cloud.otherwise = EMPTY
    calling = client()
    assert len(set(in_threads(8, calling.ping))) == 1
    assert len(cloud.logins) == 1


def test_eight_threads_with_a_rejected_token_renew_it_once(cloud, client):
    def answer(request):
        return REJECTED if request.headers["x-auth-token"] == "token-1" else EMPTY

    cloud.otherwise = answer
    calling = client()
    assert in_threads(8, calling.list_snapshots) == [[]] * 8
    assert len(cloud.logins) == 2


def test_rejected_new_token_starts_no_loop(cloud, client, hand):
    cloud.otherwise = REJECTED
    calling = client()
    for _ in range(5):
        with pytest.raises(errors.AuthFailed):
            calling.show_snapshot("a")
    assert len(cloud.logins) == 2
    hand.seconds += 61
    with pytest.raises(errors.AuthFailed):
        calling.show_snapshot("a")
    assert len(cloud.logins) == 3


def test_wrong_password_is_tried_once_and_remembered(cloud, client, hand):
    calling = client(credentials={"password": "wrong"})
    for _ in range(5):
        with pytest.raises(errors.LoginFailed, match="refused our sign-in") as caught:
            calling.show_snapshot("a")
        assert caught.value.outcome_known
        assert not caught.value.token_rejected
    assert len(cloud.logins) == 1
    assert caught.value.retry_after == 60
    assert "Not trying again for 60 s" in caught.value.message
    assert hand.slept == []


def test_wrong_password_is_tried_ever_more_rarely(cloud, client, hand):
    calling = client(credentials={"password": "wrong"})
    times = []
    for _ in range(100):
        with pytest.raises(errors.LoginFailed):
            calling.ping()
        if len(cloud.logins) > len(times):
            times.append(hand.seconds - 1000)
        hand.seconds += 20
    assert times == [0, 60, 120, 720, 1320, 1920]


def test_right_password_makes_the_wrong_one_forgotten(cloud, client, hand):
    cloud.otherwise = EMPTY
    calling = client()
    pauses = []
    for password in ["changed", "changed", "right", "changed"]:
        cloud.password = password
        hand.seconds += 3600
        try:
            calling.ping()
        except errors.LoginFailed as error:
            pauses.append(error.retry_after)
    assert pauses == [60, 60, 60]


def test_waiting_threads_share_the_failed_login(cloud, client):
    def slowly(request):
        time.sleep(0.1)
        return Reply(503)

    cloud.login_reply = slowly
    results = in_threads(8, client().ping)
    assert {type(result) for result in results} == {errors.ServerFault}
    assert len(cloud.logins) == 1


def test_login_that_got_no_answer_is_not_remembered(cloud, client):
    cloud.login_reply = CUT
    with pytest.raises(errors.ConnectionCut) as caught:
        client().ping()
    assert caught.value.outcome_known
    cloud.login_reply = None
    cloud.otherwise = EMPTY
    client().ping()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(201, {"token": {}}), errors.UnreadableAnswer),
        (Reply(201, b"<html>", {"X-Subject-Token": "t"}), errors.UnreadableAnswer),
        (Reply(404, b"<html>"), errors.NoSuchApi),
        (Reply(302, b"", {"Location": "/"}), errors.UnreadableAnswer),
        (Reply(429), errors.Throttled),
        (Reply(400, {"error": {"code": "1101", "message": "m"}}), errors.LoginFailed),
    ],
)
def test_strange_answers_to_a_login(cloud, client, reply, kind):
    cloud.login_reply = reply
    with pytest.raises(kind) as caught:
        client().ping()
    assert caught.value.outcome_known
    assert cloud.calls == []


@pytest.mark.parametrize("catalog", [None, [], [None, {"type": 5, "endpoints": {}}], "x"])
def test_configured_endpoint_needs_no_usable_catalog(cloud, client, catalog):
    cloud.otherwise = EMPTY
    cloud.catalog = lambda: catalog
    client(endpoint=cloud.url).ping()
    assert cloud.calls == ["GET /v2/{p}/snapshots/detail?limit=1"]


def test_clients_of_one_connection_share_the_token(cloud, client, recorder):
    cloud.otherwise = EMPTY
    first = client()
    first.ping()
    EvsClient(first._connection, recorder).ping()
    assert len(cloud.logins) == 1


def test_login_is_marked_as_sensitive(cloud, client, recorder):
    cloud.otherwise = EMPTY
    seen = []
    recorder.opened = seen.append
    recorder.answered = lambda _request, _answer: None
    client().ping()
    assert [request.sensitive for request in seen] == [True, False]


def test_password_is_in_no_repr():
    credentials = PasswordCredentials(auth_url="http://h/v3", username="u", password="hidden")
    assert "hidden" not in repr(credentials)
