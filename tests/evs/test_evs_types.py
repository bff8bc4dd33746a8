"""Answers are read tolerantly, but never into something that is no snapshot."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.evs.errors import UnreadableAnswer
from snapshots.evs.types import (
    Quota,
    moment,
    quotas_from,
    snapshot_from,
    volume_from,
)

# A real answer of Cinder 29, as recorded on 2026-11-23.
SNAPSHOT = {
    "id": "da5de533-211c-406c-9128-a2d2bc27d804",
    "created_at": "2026-11-23T16:04:13.449706",
    "updated_at": None,
    "name": "rec",
    "description": "words",
    "volume_id": "3aa0890c-b0e5-42c7-9c8d-8746a7f7fec1",
    "status": "creating",
    "size": 1,
    "metadata": {"k": "v"},
}


def test_snapshot_is_read():
    snapshot = snapshot_from(SNAPSHOT)
    assert (snapshot.name, snapshot.size_gb, snapshot.status) == ("rec", 1, "creating")
    assert snapshot.created_at == datetime(2026, 11, 23, 16, 4, 13, 449706, tzinfo=UTC)
    assert snapshot.updated_at is None
    assert snapshot.metadata == {"k": "v"}
    assert snapshot.raw == SNAPSHOT


def test_snapshot_needs_no_more_than_id_and_status():
    snapshot = snapshot_from({"id": "a", "status": "never-seen-before", "colour": "red"})
    assert (snapshot.status, snapshot.name, snapshot.size_gb) == ("never-seen-before", "", 0)
    assert (snapshot.progress, snapshot.metadata, snapshot.created_at) == ("", {}, None)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"id": "a"},
        {"status": "available"},
        {"id": 5, "status": "available"},
        {"id": "a", "status": ["available"]},
        {"id": " ", "status": "available"},
        {"id": "a" * 65, "status": "available"},
    ],
)
def test_what_is_no_snapshot_or_volume_is_unreadable(data):
    for read in (snapshot_from, volume_from):
        with pytest.raises(UnreadableAnswer):
            read(data)


def test_strange_values_become_safe_ones():
    row = SNAPSHOT | {"metadata": {"n": 1, "t": True, "z": None}, "size": "7", "name": ["x"]}
    snapshot = snapshot_from(row)
    assert snapshot.metadata == {"n": "1", "t": "True", "z": "None"}
    assert (snapshot.size_gb, snapshot.name) == (7, "")


@pytest.mark.parametrize("size", [True, -1, 1.5, "x", 2**31, None, 10**30, "9" * 5000])
def test_size_that_is_none_is_zero(size):
    assert snapshot_from(SNAPSHOT | {"size": size}).size_gb == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-02-25T03:56:53.081642", datetime(2013, 2, 25, 3, 56, 53, 81642, tzinfo=UTC)),
        ("2013-02-25t04:13:17.000000", datetime(2013, 2, 25, 4, 13, 17, tzinfo=UTC)),
        ("2013-02-25T04:13:17", datetime(2013, 2, 25, 4, 13, 17, tzinfo=UTC)),
        ("2020-01-04T09:05:22.701000Z", datetime(2020, 1, 4, 9, 5, 22, 701000, tzinfo=UTC)),
        ("2020-01-04T09:05:22.7Z", datetime(2020, 1, 4, 9, 5, 22, 700000, tzinfo=UTC)),
        ("2020-01-04T09:05:22+00:00", datetime(2020, 1, 4, 9, 5, 22, tzinfo=UTC)),
        ("2020-13-04T09:05:22", None),
        ("2020-01-04T09:05:22+03:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1580000000, None),
    ],
)
def test_times_are_aware_or_none(text, expected):
    assert moment(text) == expected


def test_volume_is_read():
    row = {
        "id": "v",
        "name": "",
        "status": "in-use",
        "size": 20,
        "volume_type": "SSD",
        "availability_zone": "az1",
        "bootable": "true",
        "multiattach": False,
        "metadata": {"__system__encrypted": "1"},
        "attachments": [
            {"server_id": "s", "device": "/dev/vdb", "attached_at": "2026-01-01T00:00:00.000000"},
            "nonsense",
            {},
        ],
    }
    volume = volume_from(row)
    assert (volume.bootable, volume.encrypted, volume.multiattach) == (True, True, False)
    assert [a.device for a in volume.attachments] == ["/dev/vdb", ""]
    assert (volume.volume_type, volume.availability_zone) == ("SSD", "az1")


def test_quotas_are_read():
    line = {"limit": 10, "in_use": 6, "reserved": 1}
    quotas = quotas_from(
        {"id": "p", "snapshots": line, "snapshots_SSD": line, "volumes": line, "gigabytes": "x"}
    )
    assert quotas.snapshots == Quota(limit=10, in_use=6, reserved=1)
    assert quotas.gigabytes is None
    assert list(quotas.by_type) == ["snapshots_SSD"]


@pytest.mark.parametrize(
    ("limit", "in_use", "reserved", "free"), [(10, 6, 1, 3), (-1, 6, 1, None), (5, 6, 0, 0)]
)
def test_free_quota(limit, in_use, reserved, free):
    assert Quota(limit=limit, in_use=in_use, reserved=reserved).free == free


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda c: st.lists(c, max_size=2) | st.dictionaries(st.text(max_size=3), c, max_size=2),
    max_leaves=5,
)
FIELDS = ["name", "size", "metadata", "created_at", "attachments", "bootable", "encrypted"]


@given(st.dictionaries(st.sampled_from(FIELDS), junk))
def test_no_field_is_too_strange(fields):
    row = {"id": "a", "status": "b"} | fields
    snapshot_from(row)
    volume_from(row)
    quotas_from({"snapshots": fields})
    json.dumps(snapshot_from(row).metadata)
