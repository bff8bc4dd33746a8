"""Creating, updating, rolling back and deleting snapshots on /v2, as EVS documents it."""

import pytest
from sandbox_client import Client

from snapshots.sandbox.scenarios import (
    ADMIN_PROJECT_ID,
    ADMIN_USERNAME,
    OTHER_PROJECT_ID,
    READER_USERNAME,
    VOLUMES,
    volume_named,
)

LOGS = volume_named("web-01-logs")
SYSTEM = volume_named("web-01-system")


def test_snapshot_becomes_available_on_the_clock(client, clock):
    made = client.create(LOGS, metadata={"k": "v"})
    assert made.status == 202
    ident = made.body["snapshot"]["id"]
    assert client.status_of(ident) == "creating"
    clock.move(5)
    snapshot = client.snapshot(ident)
    assert snapshot["status"] == "available"
    assert snapshot["os-extended-snapshot-attributes:progress"] == "100%"
    assert snapshot["metadata"] == {"k": "v"}


def test_large_volume_takes_longer(client, clock):
    small = client.create(LOGS).body["snapshot"]["id"]
    large = client.create(volume_named("muğla-arşiv")).body["snapshot"]["id"]
    clock.move(5)
    assert (client.status_of(small), client.status_of(large)) == ("available", "creating")


def test_only_the_create_answer_has_fractions_of_seconds(client):
    made = client.create(LOGS).body["snapshot"]
    assert made["created_at"] == "2026-11-23T16:00:00.250000"
    assert client.snapshot(made["id"])["created_at"] == "2026-11-23T16:00:00.000000"


def test_deleted_snapshot_is_gone_on_the_clock(client, clock):
    ident = client.create(LOGS).body["snapshot"]["id"]
    clock.move(5)
    assert client.ask("DELETE", f"/snapshots/{ident}").status == 202
    assert client.status_of(ident) == "deleting"
    again = client.ask("DELETE", f"/snapshots/{ident}")
    assert (again.status, again.code) == (400, "EVS.1047")
    clock.move(5)
    gone = client.ask("GET", f"/snapshots/{ident}")
    assert (gone.status, gone.code) == (404, "EVS.5404")


def test_update_changes_name_and_description_and_strips_them(client):
    ident = client.create(LOGS).body["snapshot"]["id"]
    changes = {"snapshot": {"name": "  new  ", "description": "text", "status": "error"}}
    assert client.ask("PUT", f"/snapshots/{ident}", changes).status == 200
    snapshot = client.snapshot(ident)
    assert (snapshot["name"], snapshot["description"], snapshot["status"]) == (
        "new",
        "text",
        "creating",
    )


@pytest.mark.parametrize(
    ("version", "expected"), [("v2", {"Key": "1", "KEY": "9"}), ("v3", {"Key": "9"})]
)
def test_case_of_metadata_keys_counts_as_it_was_recorded(client, version, expected):
    ident = client.create(LOGS, metadata={"Key": "1"}).body["snapshot"]["id"]
    path = f"/snapshots/{ident}/metadata"
    client.ask("POST", path, {"metadata": {"KEY": "9"}}, version=version)
    assert client.snapshot(ident)["metadata"] == expected
    assert client.ask("DELETE", f"{path}/kEy", version=version).status == 404


def test_metadata_is_kept_key_by_key(client):
    path = f"/snapshots/{client.create(LOGS, metadata={'a': '1'}).body['snapshot']['id']}/metadata"
    merged = client.ask("POST", path, {"metadata": {"b": "2"}})
    assert merged.body == {"metadata": {"a": "1", "b": "2"}}
    assert client.ask("PUT", f"{path}/a", {"meta": {"a": "3"}}).body == {"meta": {"a": "3"}}
    assert client.ask("DELETE", f"{path}/b").status == 200
    assert client.ask("GET", f"{path}/b").status == 404
    assert client.ask("GET", path).body == {"metadata": {"a": "3"}}


@pytest.mark.parametrize("path", ["/cloudsnapshots", "/os-vendor-snapshots"])
def test_rollback_goes_through_rollbacking(client, clock, path):
    ident = client.create(LOGS).body["snapshot"]["id"]
    clock.move(5)
    body = {"rollback": {"volume_id": LOGS.id}}
    reply = client.ask("POST", f"{path}/{ident}/rollback", body)
    assert (reply.status, reply.body) == (202, {"rollback": {"volume_id": LOGS.id}})
    volume = f"/volumes/{LOGS.id}"
    assert client.status_of(ident) == "rollbacking"
    assert client.ask("GET", volume).body["volume"]["status"] == "rollbacking"
    clock.move(5)
    assert client.status_of(ident) == "available"
    assert client.ask("GET", volume).body["volume"]["status"] == "available"


def test_rollback_only_onto_the_source_and_only_detached(client, clock):
    ident = client.create(LOGS).body["snapshot"]["id"]
    used = client.create(SYSTEM, force=True).body["snapshot"]["id"]
    clock.move(5)
    path = "/os-vendor-snapshots/{}/rollback"
    elsewhere = {"rollback": {"volume_id": volume_named("build-cache").id}}
    assert client.ask("POST", path.format(ident), elsewhere).code == "EVS.5400"
    in_use = {"rollback": {"volume_id": SYSTEM.id}}
    assert (
        "current status is: in-use"
        in client.ask("POST", path.format(used), in_use).body["error"]["message"]
    )


def test_reader_may_look_but_not_change(client):
    ident = client.create(LOGS).body["snapshot"]["id"]
    client.username = client.password = READER_USERNAME
    client.forget_token()
    assert client.status_of(ident) == "creating"
    refused = client.create(LOGS)
    assert (refused.status, refused.code) == (403, "EVS.5403")


def test_other_projects_are_not_seen(client):
    theirs = next(v for v in VOLUMES if v.project_id == OTHER_PROJECT_ID)
    assert client.create(theirs).code == "EVS.5404"
    ids = {v["id"] for v in client.ask("GET", "/volumes/detail").body["volumes"]}
    assert ids == {v.id for v in VOLUMES if v.project_id == client.project_id}
    client.project_id, token = OTHER_PROJECT_ID, client.token
    headers = {"X-Auth-Token": token}
    reply = client.send("GET", f"/v2/{OTHER_PROJECT_ID}/snapshots", None, headers)
    assert (reply.status, reply.code) == (400, "Common.0018")


def test_everything_survives_a_restart(start, client, clock, tmp_path):
    file = tmp_path / "cloud.sqlite3"
    first = start(state_file=file)
    before = Client(first)
    ident = before.create(LOGS, metadata={"k": "v"}).body["snapshot"]["id"]
    token = before.token
    first.stop()
    clock.move(5)
    after = Client(start(state_file=file))
    after._token = token
    assert after.snapshot(ident)["status"] == "available"
    assert after.snapshot(ident)["metadata"] == {"k": "v"}
    paths = [request["path"] for request in after.server.requests()]
    assert paths.count("/v3/auth/tokens") == 1


def test_quota_counts_snapshots_and_their_gigabytes(client):
    path = f"/os-quota-sets/{client.project_id}?usage=True"
    before = client.ask("GET", path).body["quota_set"]
    client.create(LOGS)
    after = client.ask("GET", path).body["quota_set"]
    assert after["snapshots"]["in_use"] == before["snapshots"]["in_use"] + 1
    assert after["gigabytes"]["in_use"] == before["gigabytes"]["in_use"] + LOGS.size_gb
    assert after["snapshots_SAS"] == {"limit": -1, "in_use": 1, "reserved": 0}


@pytest.mark.parametrize(
    ("limit", "status"),
    [(5, 200), ("7", 200), (-1, 200), ("9" * 5000, 400), (2**31, 400), (-2, 400), ("x", 400)],
    ids=lambda value: str(value)[:12],
)
def test_quota_is_set_to_a_number_of_cinders(server, client, limit, status):
    admin = Client(server, ADMIN_USERNAME, ADMIN_USERNAME, ADMIN_PROJECT_ID)
    path = f"/os-quota-sets/{client.project_id}"
    reply = admin.ask("PUT", path, {"quota_set": {"volumes": limit}}, version="v3")
    assert reply.status == status


def test_full_quota_refuses_with_413(start, clock):
    client = Client(start(quota_snapshots=1))
    assert client.create(LOGS).status == 202
    refused = client.create(LOGS)
    assert (refused.status, refused.code) == (413, "EVS.5413")
    assert refused.body["error"]["message"].startswith("SnapshotLimitExceeded")
