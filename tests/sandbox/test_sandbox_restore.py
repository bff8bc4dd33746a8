"""Volumes from a snapshot on /v2, as EVS documents it, and Cinder's revert."""

import pytest
from sandbox_client import Client

from snapshots.sandbox.scenarios import (
    SNAPSHOTS,
    ZONE_A,
    ZONE_B,
    Trouble,
    volume_named,
    volume_with,
)

NO_SNAPSHOT = "5a0d15c0-dead-4000-8000-000000000000"
LOGS = volume_named("web-01-logs")
QUORUM = volume_named("cluster-quorum")


@pytest.fixture
def snapshot(client, clock):
    ident = client.create(LOGS).body["snapshot"]["id"]
    clock.move(5)
    return ident


def restore(client, snapshot, **changes):
    facts = {
        "snapshot_id": snapshot,
        "size": LOGS.size_gb,
        "availability_zone": LOGS.az,
        "metadata": {"marker": "1"},
    }
    volume = {name: value for name, value in (facts | changes).items() if value is not None}
    return client.ask("POST", "/volumes", {"volume": volume})


def test_volume_is_made_from_a_snapshot(client, clock, snapshot):
    reply = restore(client, snapshot, name="copy")
    made = reply.body["volume"]
    assert (reply.status, made["status"], made["snapshot_id"]) == (202, "creating", snapshot)
    clock.move(2)
    for path in ("volumes", "cloudvolumes"):
        volume = client.ask("GET", f"/{path}/{made['id']}").body["volume"]
        assert (volume["name"], volume["status"]) == ("copy", "available")
        assert volume["metadata"] == {"marker": "1"}
        assert (volume["volume_type"], volume["availability_zone"]) == (LOGS.type, LOGS.az)
    assert client.status_of(snapshot) == "available"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"size": None}, 400, "EVS.1018"),
        ({"size": "100"}, 400, "EVS.1018"),
        ({"size": 99}, 400, "EVS.5400"),
        ({"size": 9}, 400, "EVS.5400"),
        ({"availability_zone": None}, 400, "EVS.2054"),
        ({"availability_zone": ZONE_B}, 400, "EVS.2054"),
        ({"availability_zone": "elsewhere"}, 400, "EVS.2054"),
        ({"volume_type": "SSD"}, 400, "EVS.2096"),
        ({"metadata": {"__system__cmkid": "k"}}, 400, "EVS.1043"),
        ({"snapshot_id": NO_SNAPSHOT}, 404, "EVS.5404"),
        ({"size": 101, "volume_type": LOGS.type, "colour": "red"}, 202, None),
    ],
)
def test_impossible_restores_are_refused_with_codes(client, snapshot, changes, status, code):
    reply = restore(client, snapshot, **changes)
    assert reply.status == status
    assert code is None or reply.code == code


def test_snapshot_being_made_cannot_be_restored(client):
    ident = client.create(LOGS).body["snapshot"]["id"]
    assert restore(client, ident).code == "EVS.2043"


def test_small_snapshot_becomes_a_volume_of_ten_gigabytes(client, clock):
    ident = client.create(QUORUM, force=True).body["snapshot"]["id"]
    clock.move(5)
    facts = {"availability_zone": QUORUM.az, "volume_type": QUORUM.type}
    assert restore(client, ident, size=QUORUM.size_gb, **facts).status == 400
    assert restore(client, ident, size=10, **facts).status == 202


def test_backup_cannot_be_restored(start):
    client = Client(start(with_snapshots=True))
    backup = next(row for row in SNAPSHOTS if row.name.startswith("autobk_snapshot"))
    reply = restore(client, backup.id, availability_zone=ZONE_A)
    assert "made by a backup" in reply.body["error"]["message"]


# --- revert ---


def ask_v3(client, method, path, body=None, version="3.40"):
    headers = {"X-Auth-Token": client.token, "OpenStack-API-Version": f"volume {version}"}
    headers |= {"Content-Type": "application/json"} if body is not None else {}
    return client.send(method, f"/v3/{client.project_id}{path}", body, headers)


def revert(client, volume, snapshot, version="3.40"):
    body = {"revert": {"snapshot_id": snapshot}}
    return ask_v3(client, "POST", f"/volumes/{volume.id}/action", body, version)


def volume_status(client, volume):
    return client.ask("GET", f"/volumes/{volume.id}").body["volume"]["status"]


def names(client, volume):
    rows = client.ask("GET", f"/snapshots/detail?volume_id={volume.id}").body["snapshots"]
    return [row["name"] for row in rows]


def message_of(reply):
    return next(iter(reply.body.values()))["message"]


def test_newest_snapshot_is_reverted(client, clock, snapshot):
    reply = revert(client, LOGS, snapshot)
    assert (reply.status, reply.content) == (202, b"")
    assert (volume_status(client, LOGS), client.status_of(snapshot)) == ("reverting", "restoring")
    assert f"[revert] volume {LOGS.id} backup snapshot" in names(client, LOGS)
    assert "not the latest" in message_of(revert(client, LOGS, snapshot))
    clock.move(5)
    assert (volume_status(client, LOGS), client.status_of(snapshot)) == ("available", "available")
    assert names(client, LOGS) == ["daily"]


def test_failed_revert_leaves_its_copy(client, clock):
    volume = volume_with(Trouble.ROLLBACK_FAILS)
    ident = client.create(volume).body["snapshot"]["id"]
    clock.move(5)
    assert revert(client, volume, ident).status == 202
    clock.move(5)
    assert (volume_status(client, volume), client.status_of(ident)) == ("error", "available")
    assert f"[revert] volume {volume.id} backup snapshot" in names(client, volume)


def test_below_its_microversion_there_is_no_revert(client, snapshot):
    reply = revert(client, LOGS, snapshot, version="3.39")
    assert (reply.status, message_of(reply)) == (404, "The resource could not be found.")


@pytest.mark.parametrize("ident", [None, "nonsense", NO_SNAPSHOT])
def test_only_the_newest_snapshot_is_reverted(client, snapshot, ident):
    reply = revert(client, LOGS, ident)
    expected = f"Specified snapshot {ident} is None or not the latest one of volume {LOGS.id}."
    assert (reply.status, message_of(reply)) == (400, expected)


def test_attached_volume_is_not_reverted(client, clock):
    volume = volume_named("web-01-system")
    ident = client.create(volume, force=True).body["snapshot"]["id"]
    clock.move(5)
    reply = revert(client, volume, ident)
    assert (reply.status, volume_status(client, volume)) == (409, "in-use")


def test_revert_beside_a_delete_blocks_the_volume(client, clock, snapshot):
    client.ask("DELETE", f"/snapshots/{snapshot}")
    reply = revert(client, LOGS, snapshot)
    assert (reply.status, "Snapshot's status" in message_of(reply)) == (409, True)
    clock.move(60)
    assert volume_status(client, LOGS) == "reverting"
