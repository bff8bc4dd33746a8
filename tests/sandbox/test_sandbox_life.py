"""Troubles later in a snapshot's life, and the snapshots that no portal made."""

import pytest
from sandbox_client import Client

from snapshots.sandbox.evs_bodies import BACKUP_PREFIXES
from snapshots.sandbox.scenarios import SNAPSHOTS, VOLUMES, Trouble, volume_named, volume_with

LOGS = volume_named("web-01-logs")


@pytest.fixture
def make(client, clock):
    """Makes an available snapshot of the volume with a trouble."""

    def made(trouble):
        ident = client.create(volume_with(trouble)).body["snapshot"]["id"]
        clock.move(20)
        assert client.status_of(ident) == "available"
        return ident

    return made


def statuses(client, clock, ident, *, after):
    """The statuses after so many seconds each."""
    seen = []
    for seconds in after:
        clock.move(seconds)
        seen.append(client.status_of(ident))
    return seen


@pytest.mark.parametrize(
    ("trouble", "after", "expected"),
    [
        (Trouble.IN_USE, (0, 3), ["deleting", "available"]),
        (Trouble.DELETE_FAILS, (0, 3), ["deleting", "error_deleting"]),
        (Trouble.DELETE_TAKES_LONG, (0, 29, 1), ["deleting", "deleting", None]),
        (Trouble.LISTS_LAG, (0, 3), ["deleting", None]),
        (Trouble.ROLLBACK_FAILS, (0, 3), ["deleting", None]),
        (Trouble.ENDS_IN_ERROR, (0, 3), ["deleting", None]),
    ],
)
def test_deletes_end_as_their_volume_says(client, clock, trouble, after, expected):
    ident = client.create(volume_with(trouble)).body["snapshot"]["id"]
    clock.move(20)
    assert client.ask("DELETE", f"/snapshots/{ident}").status == 202
    assert statuses(client, clock, ident, after=after) == expected


def test_snapshot_in_use_can_be_deleted_no_second_time(client, clock, make):
    ident = make(Trouble.IN_USE)
    before = client.snapshot(ident)["updated_at"]
    for _time in range(2):
        assert client.ask("DELETE", f"/snapshots/{ident}").status == 202
        assert statuses(client, clock, ident, after=(3,)) == ["available"]
    assert client.snapshot(ident)["updated_at"] > before


def test_failed_deletion_cannot_be_repeated(client, clock, make):
    ident = make(Trouble.DELETE_FAILS)
    client.ask("DELETE", f"/snapshots/{ident}")
    clock.move(3)
    refused = client.ask("DELETE", f"/snapshots/{ident}")
    assert (refused.status, refused.code) == (400, "EVS.2019")


def listed(client, ident, path="/snapshots/detail"):
    rows = client.ask("GET", path).body["snapshots"]
    return next((row["status"] for row in rows if row["id"] == ident), None)


@pytest.mark.parametrize("path", ["/snapshots/detail", "/cloudsnapshots/detail"])
def test_lists_lag_behind_creates_and_deletes(client, clock, path):
    ident = client.create(volume_with(Trouble.LISTS_LAG)).body["snapshot"]["id"]
    clock.move(9)
    assert (client.status_of(ident), listed(client, ident, path)) == ("available", None)
    clock.move(1)
    assert listed(client, ident, path) == "available"
    client.ask("DELETE", f"/snapshots/{ident}")
    clock.move(11)
    assert (client.status_of(ident), listed(client, ident, path)) == (None, "deleting")
    clock.move(2)
    assert listed(client, ident, path) is None


def test_other_volumes_are_listed_at_once(client):
    ident = client.create(LOGS).body["snapshot"]["id"]
    assert listed(client, ident) == "creating"


def test_lingering_snapshot_is_gone_for_all_other_calls(client, clock, make):
    ident = make(Trouble.LISTS_LAG)
    client.ask("DELETE", f"/snapshots/{ident}")
    clock.move(3)
    changes = {"snapshot": {"name": "new"}}
    assert client.ask("PUT", f"/snapshots/{ident}", changes).status == 404
    assert client.ask("DELETE", f"/snapshots/{ident}").status == 404
    assert client.ask("GET", f"/snapshots/{ident}/metadata").status == 404


def volume_status(client, volume):
    return client.ask("GET", f"/volumes/{volume.id}").body["volume"]["status"]


def test_rollback_fails_once_and_then_works(client, clock, make):
    ident, volume = make(Trouble.ROLLBACK_FAILS), volume_with(Trouble.ROLLBACK_FAILS)
    path, body = f"/os-vendor-snapshots/{ident}/rollback", {"rollback": {"volume_id": volume.id}}
    for end in ("error_rollbacking", "available"):
        assert client.ask("POST", path, body).status == 202
        assert (volume_status(client, volume), client.status_of(ident)) == ("rollbacking",) * 2
        clock.move(5)
        assert (volume_status(client, volume), client.status_of(ident)) == (end, "available")


@pytest.fixture
def furnished(start):
    return Client(start(with_snapshots=True))


def test_demo_begins_with_snapshots_no_portal_made(furnished):
    rows = furnished.ask("GET", "/snapshots/detail").body["snapshots"]
    assert {row["id"] for row in rows} == {snapshot.id for snapshot in SNAPSHOTS}
    assert {row["status"] for row in rows} == {"available"}
    sizes = {volume.id: volume.size_gb for volume in VOLUMES}
    assert all(row["size"] == sizes[row["volume_id"]] for row in rows)
    backups = [row for row in rows if row["name"].startswith(BACKUP_PREFIXES)]
    assert [row["metadata"] for row in backups] == [{"__system__enableActive": "true"}] * 2


def test_seeded_snapshots_cover_later_troubles(furnished):
    volumes = {row["volume_id"] for row in furnished.everything()}
    troubles = (Trouble.IN_USE, Trouble.DELETE_FAILS, Trouble.DELETE_TAKES_LONG)
    for trouble in (*troubles, Trouble.LISTS_LAG, Trouble.ROLLBACK_FAILS):
        assert volume_with(trouble).id in volumes


def test_backup_cannot_be_rolled_back(furnished):
    backup = next(row for row in SNAPSHOTS if row.name.startswith(BACKUP_PREFIXES))
    body = {"rollback": {"volume_id": backup.volume_id}}
    refused = furnished.ask("POST", f"/os-vendor-snapshots/{backup.id}/rollback", body)
    assert (refused.status, refused.code) == (400, "EVS.5400")


def test_other_sandboxes_begin_without_snapshots(client):
    assert client.everything() == []
