"""The client's calls: requests, results, and which calls are repeated."""

import pytest
from evs_loopback import CUT, PROJECT, Reply, snapshot

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.config import KeyCredentials
from snapshots.evs.connection import Pacer, connect
from snapshots.evs.types import CreateSnapshot

REJECTED = Reply(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
CREATED = Reply(202, {"snapshot": snapshot(1, status="creating")})
CREATE = CreateSnapshot(
    volume_id="volume-1",
    name="Günlük",
    description="words",
    force=True,
    metadata={"evsportal-operation": "op-1"},
)


def body(cloud):
    return [r for r in cloud.requests if r not in cloud.logins][-1].json


def test_creation_sends_the_documented_body(cloud, client, recorder):
    cloud.script.append(CREATED)
    created = client().create_snapshot(CREATE)
    assert (created.id, created.status) == ("snapshot-1", "creating")
    assert cloud.calls == ["POST /v2/{p}/snapshots"]
    assert body(cloud) == {
        "snapshot": {
            "volume_id": "volume-1",
            "name": "Günlük",
            "description": "words",
            "force": True,
            "metadata": {"evsportal-operation": "op-1"},
        }
    }
    assert cloud.requests[-1].headers["x-auth-token"] == "token-1"
    assert recorder.events == ["open login POST", "201", "open create POST", "202"]


def test_absent_name_is_omitted_absent_description_is_null(cloud, client):
    cloud.script.append(CREATED)
    client().create_snapshot(CreateSnapshot(volume_id="v"))
    sent = {"volume_id": "v", "description": None, "force": False, "metadata": {}}
    assert body(cloud) == {"snapshot": sent}


@pytest.mark.parametrize(
    ("reply", "kind", "outcome_known"),
    [
        (CUT, errors.ConnectionCut, False),
        (Reply(500), errors.ServerFault, False),
        (Reply(502, b"<html>"), errors.ServerFault, False),
        (Reply(504), errors.ServerFault, False),
        (Reply(202, b"<html>"), errors.UnreadableAnswer, False),
        (Reply(202, {"snapshot": {"id": "x"}}), errors.UnreadableAnswer, False),
        (Reply(202, {"snapshot": []}), errors.UnreadableAnswer, False),
        (Reply(202, b"[]"), errors.UnreadableAnswer, False),
        (Reply(204), errors.UnreadableAnswer, False),
        (Reply(307, b"", {"Location": "/elsewhere"}), errors.UnreadableAnswer, False),
        (Reply(429), errors.Throttled, True),
        (Reply(400, {"badRequest": {"code": 400, "message": "m"}}), errors.BadRequest, True),
        (Reply(413), errors.QuotaExceeded, True),
    ],
)
def test_creation_is_never_sent_again(cloud, client, recorder, reply, kind, outcome_known):
    cloud.script.append(reply)
    with pytest.raises(errors.EvsError) as caught:
        client().create_snapshot(CREATE)
    assert type(caught.value) is kind
    assert caught.value.outcome_known is outcome_known
    assert cloud.calls == ["POST /v2/{p}/snapshots"]
    assert recorder.open == 0


def test_unreadable_creation_has_status_and_request_id(cloud, client):
    cloud.script.append(Reply(202, b"oops", {"X-Request-Id": "req-9"}))
    with pytest.raises(errors.UnreadableAnswer) as caught:
        client().create_snapshot(CREATE)
    assert (caught.value.status, caught.value.request_id) == (202, "req-9")


def test_creation_is_repeated_only_after_a_rejected_token(cloud, client, recorder):
    cloud.script.extend([REJECTED, CREATED])
    assert client().create_snapshot(CREATE).id == "snapshot-1"
    assert [r.headers["x-auth-token"] for r in cloud.requests if r not in cloud.logins] == [
        "token-1",
        "token-2",
    ]
    assert recorder.events[2:] == [
        *["open create POST", "401"],
        *["open login POST", "201"],
        *["open create POST", "202"],
    ]


def test_creation_whose_login_fails_provably_did_nothing(cloud, client):
    cloud.login_reply = Reply(500)
    with pytest.raises(errors.ServerFault) as caught:
        client().create_snapshot(CREATE)
    assert caught.value.outcome_known
    assert cloud.calls == []


def test_recorder_that_refuses_stops_login_and_creation(cloud, client, recorder):
    recorder.refuse = RuntimeError("no audit")
    with pytest.raises(RuntimeError, match="no audit"):
        client().create_snapshot(CREATE)
    assert cloud.connections == 0


def test_snapshot_is_shown(cloud, client):
    cloud.script.append(Reply(200, {"snapshot": snapshot(7)}))
    assert client().show_snapshot("snapshot-7").id == "snapshot-7"
    assert cloud.calls == ["GET /v2/{p}/snapshots/snapshot-7"]


def test_id_cannot_lead_to_another_path(cloud, client):
    cloud.script.append(Reply(404, {"itemNotFound": {"code": 404, "message": "m"}}))
    with pytest.raises(errors.NotFound):
        client().show_snapshot("../volumes/x?y")
    assert cloud.calls == ["GET /v2/{p}/snapshots/..%2Fvolumes%2Fx%3Fy"]
    for nothing in ("", ".", ".."):
        with pytest.raises(ValueError, match="id"):
            client().show_snapshot(nothing)


def test_volume_is_shown(cloud, client):
    cloud.script.append(Reply(200, {"volume": {"id": "v", "status": "in-use", "size": 3}}))
    assert client().show_volume("v").size_gb == 3


def test_quotas_are_asked_with_usage(cloud, client):
    line = {"limit": 10, "in_use": 6, "reserved": 0}
    cloud.script.append(Reply(200, {"quota_set": {"snapshots": line}}))
    assert client().quotas().snapshots.free == 4
    assert cloud.calls == ["GET /v2/{p}/os-quota-sets/{p}?usage=True"]


def test_ping_says_what_it_reached(cloud, client, recorder):
    cloud.script.append(Reply(200, {"snapshots": []}))
    assert client().ping() == f"fake: {cloud.url}/v2/{PROJECT} answers (native-v2)"
    assert recorder.events == ["open login POST", "201", "open ping GET", "200"]


@pytest.mark.parametrize("trouble", [CUT, Reply(500), Reply(503), Reply(429)])
def test_reading_is_tried_three_times_each_recorded(cloud, client, recorder, hand, trouble):
    cloud.script.extend([trouble, trouble, Reply(200, {"snapshot": snapshot(1)})])
    assert client().show_snapshot("snapshot-1").id == "snapshot-1"
    assert hand.slept == [0.5, 2.0]
    assert recorder.events.count("open watch GET") == 3
    assert recorder.open == 0


def test_reading_gives_up_after_three_tries(cloud, client):
    cloud.otherwise = Reply(503)
    with pytest.raises(errors.ServerFault):
        client().quotas()
    assert len(cloud.calls) == 3


def test_reading_waits_for_a_short_retry_after_only(cloud, client, hand):
    cloud.script.extend(
        [Reply(429, b"", {"Retry-After": "4"}), Reply(429, b"", {"Retry-After": "60"})]
    )
    with pytest.raises(errors.Throttled) as caught:
        client().show_snapshot("a")
    assert caught.value.retry_after == 60
    assert hand.slept == [4]


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_refusals_are_not_tried_again(cloud, client, status):
    cloud.otherwise = Reply(status)
    with pytest.raises(errors.Refused):
        client().show_snapshot("a")
    assert len(cloud.calls) == 1


def test_given_purpose_does_not_replace_login(cloud, client, recorder):
    settling = EvsClient(client()._connection, recorder, purpose="settle")
    cloud.script.append(Reply(200, {"snapshots": []}))
    settling.list_snapshots()
    assert recorder.events == ["open login POST", "201", "open settle GET", "200"]


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("native-v2", "/v2/{p}/snapshots"),
        ("native-v3", "/v3/{p}/snapshots"),
        ("vendor-v2", "/v2/{p}/cloudsnapshots"),
    ],
)
def test_each_dialect_has_its_own_paths(cloud, client, dialect, path):
    cloud.script.append(CREATED)
    client(dialect=dialect).create_snapshot(CREATE)
    assert cloud.calls == [f"POST {path}"]


@pytest.mark.parametrize("suffix", ["", "/", "/v2", "/v2/", f"/v3/{PROJECT}"])
def test_configured_endpoint_wins_over_the_catalog(cloud, client, suffix):
    cloud.script.append(CREATED)
    client(endpoint=cloud.url + suffix, region="nowhere").create_snapshot(CREATE)
    assert cloud.calls == ["POST /v2/{p}/snapshots"]


def test_missing_endpoint_is_named(client):
    with pytest.raises(errors.NoSuchApi, match="region nowhere") as caught:
        client(region="nowhere").create_snapshot(CREATE)
    assert caught.value.outcome_known


def test_key_pair_signs_and_never_renews(cloud, wire, recorder, hand):
    keys = KeyCredentials(access_key="AK", secret_key="SK", project_id="p1")
    config = cloud.config(auth=keys, endpoint=cloud.url)
    cloud.script.append(REJECTED)
    with pytest.raises(errors.AuthFailed):
        EvsClient(connect(config, wire=wire, clock=hand.clock), recorder).create_snapshot(CREATE)
    sent = cloud.requests[0].headers
    assert sent["authorization"].startswith(
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
    )
    assert sent["host"] == cloud.url.removeprefix("http://")
    assert (sent["x-project-id"], sent["x-sdk-date"]) == ("p1", "20260115T120000Z")
    assert len(cloud.requests) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"dialect": "v9"}, "no dialect 'v9'"),
        ({"limits": "none"}, "no limits 'none'"),
        ({"endpoint": "evs.example.com"}, "endpoint must start with"),
        ({"endpoint": "https://me:secret@h"}, "neither a user"),
        ({"credentials": {"auth_url": "ftp://h/v3"}}, "auth_url must start with"),
        ({"credentials": {"project_name": ""}}, "project is needed"),
        ({"auth": KeyCredentials(access_key="a", secret_key="s", project_id="p")}, "endpoint"),
    ],
)
def test_configuration_that_cannot_work_is_refused(cloud, changes, why):
    with pytest.raises(ValueError, match=why) as caught:
        connect(cloud.config(**changes))
    assert "secret" not in str(caught.value)


def test_no_repr_shows_a_secret(cloud):
    config = cloud.config(credentials={"password": "hidden"})
    keys = KeyCredentials(
        access_key="AK", secret_key="hidden", project_id="p", security_token="hidden"
    )
    assert "hidden" not in repr(config) + repr(keys)


def test_calls_are_paced(hand):
    pacer = Pacer(4, clock=hand.clock)
    for _ in range(3):
        pacer.wait()
    assert hand.slept == [0.25, 0.25]
    hand.seconds += 10
    pacer.wait()
    assert len(hand.slept) == 2
