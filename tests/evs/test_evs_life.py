"""Metadata, rollback, revert, and volumes made from a snapshot."""

import pytest
from evs_loopback import CUT, Reply, snapshot

from snapshots.evs import errors
from snapshots.evs.dialects import RollbackCall
from snapshots.evs.types import CreateVolume

REJECTED = Reply(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
GONE = Reply(404, {"itemNotFound": {"code": 404, "message": "m"}})
METADATA = Reply(200, {"metadata": {"a": "1", "b": "ş"}})
ROLLING_BACK = Reply(202, {"rollback": {"volume_id": "volume-1"}})
REVERTING = Reply(202)
CREATING = Reply(202, {"volume": {"id": "v9", "status": "creating", "snapshot_id": "snapshot-1"}})
CREATE = CreateVolume(
    snapshot_id="snapshot-1",
    size_gb=10,
    name="Günlük",
    description="words",
    availability_zone="zone-a",
    volume_type="SAS",
    metadata={"evsportal-operation": "op-1"},
)


def rollback(client):
    return client.rollback_snapshot("snapshot-1", volume_id="volume-1", volume_name="data")


def revert(client):
    return client.revert_volume("volume-1", snapshot_id="snapshot-1")


def create(client):
    return client.create_volume(CREATE)


SENT_ONCE = [
    pytest.param("native-v2", rollback, id="rollback"),
    pytest.param("native-v3", revert, id="revert"),
    pytest.param("native-v2", create, id="create"),
]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_metadata_is_merged_or_replaced(cloud, client, recorder, version):
    cloud.otherwise = METADATA
    native = client(dialect=f"native-{version}")
    assert native.set_metadata("snapshot-1", {"b": "ş"}) == {"a": "1", "b": "ş"}
    assert native.replace_metadata("snapshot-1", {}) == {"a": "1", "b": "ş"}
    path = f"/{version}/{{p}}/snapshots/snapshot-1/metadata"
    assert cloud.calls == [f"POST {path}", f"PUT {path}"]
    assert [r.json for r in cloud.requests[-2:]] == [{"metadata": {"b": "ş"}}, {"metadata": {}}]
    assert "open metadata POST" in recorder.events


@pytest.mark.parametrize(
    ("key", "segment"),
    [("plain", "plain"), ("a b:c", "a%20b%3Ac"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("ş", "%C5%9F")],
)
def test_metadata_key_is_escaped_and_deleted(cloud, client, key, segment):
    cloud.otherwise = Reply(200)
    assert client().delete_metadata_key("snapshot-1", key) is None
    assert cloud.calls == [f"DELETE /v2/{{p}}/snapshots/snapshot-1/metadata/{segment}"]


def test_braces_in_a_metadata_key_are_no_placeholders(cloud, client):
    cloud.otherwise = Reply(200)
    client().delete_metadata_key("snapshot-1", "{id}")
    assert cloud.calls == ["DELETE /v2/{p}/snapshots/snapshot-1/metadata/%7Bid%7D"]


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_key_that_names_another_address_sends_nothing(cloud, client, key):
    with pytest.raises(ValueError, match="needed"):
        client().delete_metadata_key("snapshot-1", key)
    assert cloud.connections == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda client: client.set_metadata("snapshot-1", {}),
        lambda client: client.replace_metadata("snapshot-1", {}),
        lambda client: client.delete_metadata_key("snapshot-1", "k"),
    ],
)
def test_vendor_dialect_has_no_calls_for_metadata(cloud, client, change):
    with pytest.raises(errors.NoSuchApi, match="vendor-v2 has no call") as caught:
        change(client(dialect="vendor-v2"))
    assert caught.value.outcome_known
    assert cloud.connections == 0


def test_metadata_calls_are_repeated_after_lost_answers(cloud, client):
    cloud.script.extend([CUT, Reply(503), METADATA])
    assert client().set_metadata("snapshot-1", {"b": "ş"})
    assert len(cloud.calls) == 3


def test_missing_key_after_a_lost_answer_is_unknown(cloud, client):
    cloud.script.extend([CUT, GONE])
    with pytest.raises(errors.NotFound) as caught:
        client().delete_metadata_key("snapshot-1", "k")
    assert not caught.value.outcome_known


@pytest.mark.parametrize("answer", [b"<html>", {}, {"metadata": None}, {"metadata": []}])
def test_answer_without_metadata_is_unreadable(cloud, client, answer):
    cloud.script.append(Reply(200, answer))
    with pytest.raises(errors.UnreadableAnswer) as caught:
        client().set_metadata("snapshot-1", {})
    assert not caught.value.outcome_known


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("native-v2", "/v2/{p}/os-vendor-snapshots/snapshot-1/rollback"),
        ("native-v3", "/v3/{p}/os-vendor-snapshots/snapshot-1/rollback"),
        ("vendor-v2", "/v2/{p}/cloudsnapshots/snapshot-1/rollback"),
    ],
)
def test_rollback_names_the_volume(cloud, client, recorder, dialect, path):
    cloud.script.append(ROLLING_BACK)
    rollback(client(dialect=dialect))
    assert cloud.calls == [f"POST {path}"]
    assert cloud.requests[-1].json == {"rollback": {"volume_id": "volume-1", "name": "data"}}
    assert "openstack-api-version" not in cloud.requests[-1].headers
    assert recorder.events[2:] == ["open rollback POST", "202"]


def test_nameless_volume_is_rolled_back_without_a_name(cloud, client):
    cloud.script.append(ROLLING_BACK)
    client().rollback_snapshot("snapshot-1", volume_id="VOLUME-1", volume_name="")
    assert cloud.requests[-1].json == {"rollback": {"volume_id": "VOLUME-1"}}


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", {}, {"rollback": 5}, {"rollback": {"volume_id": "volume-2"}}]
)
def test_rollback_of_no_or_another_volume_is_unknown(cloud, client, answer):
    cloud.script.append(Reply(202, answer))
    with pytest.raises(errors.UnreadableAnswer) as caught:
        rollback(client())
    assert not caught.value.outcome_known


def test_revert_asks_for_its_microversion(cloud, client, recorder):
    cloud.script.append(REVERTING)
    revert(client(dialect="native-v3"))
    assert cloud.calls == ["POST /v3/{p}/volumes/volume-1/action"]
    assert cloud.requests[-1].json == {"revert": {"snapshot_id": "snapshot-1"}}
    assert cloud.requests[-1].headers["openstack-api-version"] == "volume 3.40"
    assert recorder.events[2:] == ["open rollback POST", "202"]


@pytest.mark.parametrize("dialect", ["native-v2", "vendor-v2"])
def test_only_native_v3_can_revert(cloud, client, dialect):
    with pytest.raises(errors.NoSuchApi, match=f"{dialect} has no call for reverting"):
        revert(client(dialect=dialect))
    assert cloud.connections == 0


@pytest.mark.parametrize(
    ("dialect", "limits", "call"),
    [
        ("native-v2", "bytes-255", RollbackCall.ROLLBACK),
        ("vendor-v2", "chars-64-85", RollbackCall.ROLLBACK),
        ("native-v3", "bytes-255", RollbackCall.REVERT),
        ("native-v3", "chars-64-85", RollbackCall.ROLLBACK),
    ],
)
def test_dialect_and_limits_decide_the_rollback(client, dialect, limits, call):
    assert client(dialect=dialect, limits=limits).rollback_call is call


@pytest.mark.parametrize(
    ("dialect", "version"), [("native-v2", "v2"), ("native-v3", "v3"), ("vendor-v2", "v2")]
)
def test_volume_is_made_by_the_native_call(cloud, client, recorder, dialect, version):
    cloud.script.append(CREATING)
    volume = create(client(dialect=dialect))
    assert (volume.id, volume.status, volume.snapshot_id) == ("v9", "creating", "snapshot-1")
    assert cloud.calls == [f"POST /{version}/{{p}}/volumes"]
    assert cloud.requests[-1].json == {
        "volume": {
            "snapshot_id": "snapshot-1",
            "size": 10,
            "name": "Günlük",
            "description": "words",
            "availability_zone": "zone-a",
            "volume_type": "SAS",
            "metadata": {"evsportal-operation": "op-1"},
        }
    }
    assert recorder.events[2:] == ["open restore POST", "202"]


def test_absent_texts_of_a_volume_are_left_out(cloud, client):
    cloud.script.append(CREATING)
    client().create_volume(CreateVolume(snapshot_id="snapshot-1", size_gb=10))
    expected = {"snapshot_id": "snapshot-1", "size": 10, "metadata": {}}
    assert cloud.requests[-1].json == {"volume": expected}


@pytest.mark.parametrize("answer", [b"<html>", {}, {"volume": {"id": "v9"}}, {"volume": []}])
def test_unreadable_volume_is_unknown(cloud, client, answer):
    cloud.script.append(Reply(202, answer))
    with pytest.raises(errors.UnreadableAnswer) as caught:
        create(client())
    assert not caught.value.outcome_known


@pytest.mark.parametrize(("dialect", "ask"), SENT_ONCE)
@pytest.mark.parametrize(
    ("reply", "kind", "outcome_known"),
    [
        (CUT, errors.ConnectionCut, False),
        (Reply(500), errors.ServerFault, False),
        (Reply(429), errors.Throttled, True),
        (Reply(409, {"conflictingRequest": {"code": 409, "message": "m"}}), errors.Conflict, True),
        (GONE, errors.NotFound, True),
    ],
)
def test_changes_of_data_are_sent_once(cloud, client, dialect, ask, reply, kind, outcome_known):
    cloud.otherwise = reply
    with pytest.raises(errors.EvsError) as caught:
        ask(client(dialect=dialect))
    assert type(caught.value) is kind
    assert caught.value.outcome_known is outcome_known
    assert len(cloud.calls) == 1


@pytest.mark.parametrize(
    ("dialect", "ask", "reply"),
    [
        ("native-v2", rollback, ROLLING_BACK),
        ("native-v3", revert, REVERTING),
        ("native-v2", create, CREATING),
    ],
)
def test_rejected_token_is_renewed_and_the_change_repeated(cloud, client, dialect, ask, reply):
    cloud.script.extend([REJECTED, reply])
    ask(client(dialect=dialect))
    assert len(cloud.calls) == len(cloud.logins) == 2


@pytest.mark.parametrize("ident", ["", ".", ".."])
def test_changes_without_an_id_send_nothing(cloud, client, ident):
    v3 = client(dialect="native-v3")
    for ask in (
        lambda: v3.set_metadata(ident, {}),
        lambda: v3.rollback_snapshot(ident, volume_id="v", volume_name=""),
        lambda: v3.revert_volume(ident, snapshot_id="s"),
    ):
        with pytest.raises(ValueError, match="id"):
            ask()
    assert cloud.connections == 0


def test_volumes_tell_what_they_were_made_from(cloud, client):
    rows = [
        {
            "id": "v1",
            "status": "available",
            "snapshot_id": "s1",
            "metadata": {"evsportal-operation": "op-1"},
            "created_at": "2026-01-15T12:00:00.000000",
        },
        {"id": "v2", "status": "available", "snapshot_id": None},
    ]
    cloud.otherwise = Reply(200, {"volumes": rows})
    first, second = client().list_volumes().rows
    assert (first.snapshot_id, second.snapshot_id) == ("s1", "")
    assert first.metadata == {"evsportal-operation": "op-1"}
    assert (first.created_at.year, second.created_at) == (2026, None)


def test_snapshot_of_another_kind_of_answer_is_no_volume(cloud, client):
    cloud.script.append(Reply(202, {"snapshot": snapshot(1)}))
    with pytest.raises(errors.UnreadableAnswer):
        create(client())
