"""The portal's client through a snapshot's life: metadata, pages, volumes, rollback, revert."""

import uuid

import pytest
from contract_client import CLOUDS, WITH_METADATA, cloud_with_a_volume

from snapshots.evs import errors
from snapshots.evs.dialects import RollbackCall
from snapshots.evs.types import CreateVolume

UNKNOWN = "5c0d1a4e-0f0e-4c55-9d7e-2f4f3a1b6c7d"


@pytest.fixture(scope="module", params=CLOUDS, ids="-".join)
def cloud(request):
    with cloud_with_a_volume(*request.param) as cloud:
        yield cloud


@pytest.fixture
def ident(cloud):
    return cloud.stage.snapshot("newest", metadata={"a": "1"})


@pytest.fixture
def native(cloud):
    return cloud.client()


@pytest.mark.parametrize("cloud", WITH_METADATA, indirect=True, ids="-".join)
def test_metadata_is_merged_replaced_and_removed(native, ident):
    assert native.set_metadata(ident, {"b c:d": "ş"}) == {"a": "1", "b c:d": "ş"}
    native.delete_metadata_key(ident, "b c:d")
    assert native.show_snapshot(ident).metadata == {"a": "1"}
    assert native.replace_metadata(ident, {"c": ""}) == {"c": ""}
    assert native.replace_metadata(ident, {}) == {}


@pytest.mark.parametrize("cloud", WITH_METADATA, indirect=True, ids="-".join)
@pytest.mark.parametrize("key", ["missing", "A"])
def test_missing_key_is_not_found(native, ident, key):
    with pytest.raises(errors.NotFound):
        native.delete_metadata_key(ident, key)


@pytest.mark.parametrize("cloud", WITH_METADATA, indirect=True, ids="-".join)
def test_metadata_of_an_unknown_snapshot_is_not_found(native):
    for change in (native.set_metadata, native.replace_metadata):
        with pytest.raises(errors.NotFound):
            change(UNKNOWN, {"a": "1"})


def test_pages_hold_every_snapshot_once(cloud):
    made = {cloud.stage.snapshot(f"page-{number}") for number in range(5)}
    rows = [row.id for page in cloud.client().snapshot_pages(limit=2) for row in page.rows]
    assert made <= set(rows)
    assert len(set(rows)) == len(rows)


def test_volume_is_made_and_found_by_its_marker(cloud, ident):
    marker = {"evsportal-operation": str(uuid.uuid4())}
    source = cloud.client().show_volume(cloud.stage.names["vol"])
    arguments = CreateVolume(
        snapshot_id=ident,
        size_gb=11,
        name="copy",
        availability_zone=source.availability_zone,
        metadata=marker,
    )
    made = cloud.client().create_volume(arguments)
    cloud.stage.remember_volume(made.id)
    cloud.stage.target.wait("mine", "volumes", made.id, "available")
    rows = [row for row in cloud.client().list_volumes().rows if row.metadata == marker]
    assert [(row.id, row.size_gb, row.snapshot_id) for row in rows] == [(made.id, 11, ident)]
    assert rows[0].created_at >= cloud.client().show_snapshot(ident).created_at


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"size_gb": 9}, errors.BadRequest), ({"snapshot_id": UNKNOWN}, errors.NotFound)],
)
def test_impossible_volume_is_refused(cloud, ident, changes, kind):
    zone = cloud.client().show_volume(cloud.stage.names["vol"]).availability_zone
    facts = {"snapshot_id": ident, "size_gb": 10, "availability_zone": zone} | changes
    with pytest.raises(kind) as caught:
        cloud.client().create_volume(CreateVolume(**facts))
    assert caught.value.outcome_known


def test_newest_snapshot_is_put_back(cloud, ident):
    client, volume_id = cloud.client(), cloud.stage.names["vol"]
    if client.rollback_call is RollbackCall.REVERT:
        client.revert_volume(volume_id, snapshot_id=ident)
        statuses = ("reverting", "restoring")
    else:
        client.rollback_snapshot(ident, volume_id=volume_id, volume_name="")
        statuses = ("rollbacking", "rollbacking")
    meanwhile = client.show_volume(volume_id).status, client.show_snapshot(ident).status
    assert meanwhile in {statuses, ("available", "available")}  # a live cloud may be done
    cloud.stage.target.wait("mine", "volumes", volume_id, "available")
    cloud.stage.target.wait("mine", "snapshots", ident, "available")


def test_rollback_of_an_unknown_snapshot_is_refused(cloud):
    client, volume_id = cloud.client(), cloud.stage.names["vol"]
    with pytest.raises((errors.NotFound, errors.BadRequest)) as caught:
        if client.rollback_call is RollbackCall.REVERT:
            client.revert_volume(volume_id, snapshot_id=UNKNOWN)
        else:
            client.rollback_snapshot(UNKNOWN, volume_id=volume_id, volume_name="")
    assert caught.value.outcome_known
