"""Updating a snapshot: requests, repetitions, and what an error says of the outcome."""

import pytest
from evs_loopback import CUT, Reply, snapshot

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.config import KeyCredentials
from snapshots.evs.connection import connect

REJECTED = Reply(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
UPDATED = Reply(200, {"snapshot": snapshot(1, name="Günlük", description="text")})
GONE = Reply(404, {"itemNotFound": {"code": 404, "message": "m"}})
NOT_JSON = Reply(200, b"<html>")
ANOTHER = Reply(200, {"snapshot": snapshot(2)})


def update(client):
    return client.update_snapshot("snapshot-1", name="Günlük", description="text")


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("native-v2", "/v2/{p}/snapshots/snapshot-1"),
        ("native-v3", "/v3/{p}/snapshots/snapshot-1"),
        ("vendor-v2", "/v2/{p}/cloudsnapshots/snapshot-1"),
    ],
)
def test_update_puts_both_texts_in_every_dialect(cloud, client, recorder, dialect, path):
    cloud.script.append(UPDATED)
    updated = update(client(dialect=dialect))
    assert (updated.id, updated.name, updated.description) == ("snapshot-1", "Günlük", "text")
    assert cloud.calls == [f"PUT {path}"]
    assert cloud.requests[-1].json == {"snapshot": {"name": "Günlük", "description": "text"}}
    assert recorder.events == ["open login POST", "201", "open rename PUT", "200"]


@pytest.mark.parametrize(
    "texts", [{"name": ""}, {"description": "new"}, {"name": "new", "description": ""}]
)
def test_only_given_texts_are_sent(cloud, client, texts):
    cloud.script.append(UPDATED)
    client().update_snapshot("snapshot-1", **texts)
    assert cloud.requests[-1].json == {"snapshot": texts}


def test_update_of_nothing_sends_nothing(cloud, client):
    with pytest.raises(ValueError, match="Neither"):
        client().update_snapshot("snapshot-1")
    assert cloud.connections == 0


def test_ids_are_compared_without_regard_to_case(cloud, client):
    cloud.script.append(UPDATED)
    assert client().update_snapshot("SNAPSHOT-1", name="n", description=None).id == "snapshot-1"


@pytest.mark.parametrize("snapshot_id", ["", ".", ".."])
def test_update_without_an_id_sends_nothing(cloud, client, snapshot_id):
    with pytest.raises(ValueError, match="id"):
        client().update_snapshot(snapshot_id, name="n", description=None)
    assert cloud.connections == 0


@pytest.mark.parametrize("trouble", [CUT, Reply(500), Reply(504), Reply(429)])
def test_update_is_tried_three_times_each_recorded(cloud, client, recorder, hand, trouble):
    cloud.script.extend([trouble, trouble, UPDATED])
    assert update(client()).name == "Günlük"
    assert hand.slept == [0.5, 2.0]
    assert recorder.events.count("open rename PUT") == 3
    assert recorder.open == 0


def test_update_without_pauses_is_sent_once(cloud, client, recorder):
    cloud.otherwise = Reply(503)
    patient = client()
    with pytest.raises(errors.ServerFault):
        update(EvsClient(patient._connection, recorder, pauses_seconds=()))
    assert len(cloud.calls) == 1


def test_rejected_token_is_renewed_and_the_update_repeated(cloud, client):
    cloud.script.extend([REJECTED, UPDATED])
    assert update(client()).name == "Günlük"
    tokens = [r.headers["x-auth-token"] for r in cloud.requests if r not in cloud.logins]
    assert tokens == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("reply", "kind", "outcome_known"),
    [
        (Reply(400, {"badRequest": {"code": 400, "message": "m"}}), errors.BadRequest, True),
        (Reply(403, {"forbidden": {"code": 403, "message": "m"}}), errors.Forbidden, True),
        (GONE, errors.NotFound, True),
        (Reply(404, b"<html>"), errors.NoSuchApi, True),
        (Reply(409, {"conflictingRequest": {"code": 409, "message": "m"}}), errors.Conflict, True),
        (NOT_JSON, errors.UnreadableAnswer, False),
        (Reply(200, {"snapshot": {"id": "snapshot-1"}}), errors.UnreadableAnswer, False),
        (Reply(302, b"", {"Location": "/elsewhere"}), errors.UnreadableAnswer, False),
        (ANOTHER, errors.OtherSnapshot, False),
    ],
)
def test_refused_or_unreadable_updates_are_not_repeated(cloud, client, reply, kind, outcome_known):
    cloud.script.append(reply)
    with pytest.raises(errors.EvsError) as caught:
        update(client())
    assert type(caught.value) is kind
    assert caught.value.outcome_known is outcome_known
    assert len(cloud.calls) == 1


@pytest.mark.parametrize(
    "last", [GONE, Reply(403), Reply(429), Reply(429, b"", {"Retry-After": "99"})]
)
@pytest.mark.parametrize("first", [CUT, Reply(500)])
def test_refusal_after_a_lost_answer_is_unknown(cloud, client, first, last):
    cloud.script.append(first)
    cloud.otherwise = last
    with pytest.raises(errors.Refused) as caught:
        update(client())
    assert not caught.value.outcome_known


def test_failed_login_after_a_lost_answer_is_unknown(cloud, client):
    def lose_the_answer_and_the_password(_request):
        cloud.login_reply = Reply(401, {"error": {"code": 401, "message": "m", "title": "No"}})
        return Reply(500)

    cloud.script.extend([lose_the_answer_and_the_password, REJECTED])
    with pytest.raises(errors.LoginFailed) as caught:
        update(client())
    assert not caught.value.outcome_known


def test_throttled_update_did_nothing(cloud, client):
    cloud.otherwise = Reply(429)
    with pytest.raises(errors.Throttled) as caught:
        update(client())
    assert caught.value.outcome_known
    assert len(cloud.calls) == 3


def test_key_pair_signs_the_update(cloud, wire, recorder, hand):
    keys = KeyCredentials(access_key="AK", secret_key="SK", project_id="p1")
    config = cloud.config(auth=keys, endpoint=cloud.url)
    cloud.script.append(UPDATED)
    update(EvsClient(connect(config, wire=wire, clock=hand.clock), recorder))
    assert cloud.requests[0].headers["authorization"].startswith("SDK-HMAC-SHA256 Access=AK, ")
