"""Reading snapshots, volumes and quotas from tolerated and malformed answers."""

import json
from datetime import UTC, datetime, timedelta, timezone

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
    assert (snapshot.status, snapshot.name, snapshot.size_gb) == ("never-seen-before", "", None)
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
def test_malformed_snapshot_or_volume_is_unreadable(data):
    for read in (snapshot_from, volume_from):
        with pytest.raises(UnreadableAnswer):
            read(data)


def test_strange_values_become_safe_ones():
    row = SNAPSHOT | {"metadata": {"n": 1, "t": True, "z": None}, "size": "7", "name": ["x"]}
    snapshot = snapshot_from(row)
    assert snapshot.metadata == {"n": "1", "t": "True", "z": "None"}
    assert (snapshot.size_gb, snapshot.name) == (7, "")


@pytest.mark.parametrize(
    "size", [40, "40", "40.0", "40.", " 40 ", "+40", "040", 40.0, "40.000000000000"]
)
def test_whole_number_is_read_in_any_spelling(size):
    assert snapshot_from(SNAPSHOT | {"size": size}).size_gb == 40
    assert volume_from(SNAPSHOT | {"size": size}).size_gb == 40


@pytest.mark.parametrize(
    "size",
    [
        *(True, False, -1, "-1", 1.5, "1.5", "x", "", " ", "40 GB", "4e1", 2**31, None, 10**30),
        *([40], {"value": 40}, "9" * 5000, float("inf"), "\u0664\u0660"),
    ],
)
def test_unreadable_size_is_unknown(size):
    assert snapshot_from(SNAPSHOT | {"size": size}).size_gb is None


def test_zero_comes_only_from_a_zero():
    assert snapshot_from(SNAPSHOT | {"size": 0}).size_gb == 0
    assert snapshot_from(SNAPSHOT | {"size": "0.0"}).size_gb == 0


@pytest.mark.parametrize("status", ["AVAILABLE", " available ", "Error_Deleting"])
def test_status_keeps_its_spelling(status):
    assert snapshot_from(SNAPSHOT | {"status": status}).status == status.strip()
    assert volume_from(SNAPSHOT | {"status": status}).status == status.strip()


NINE = datetime(2020, 1, 4, 9, 5, 22, tzinfo=UTC)
NOON = datetime(2020, 1, 4, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-02-25T03:56:53.081642", datetime(2013, 2, 25, 3, 56, 53, 81642, tzinfo=UTC)),
        ("2013-02-25t04:13:17.000000", datetime(2013, 2, 25, 4, 13, 17, tzinfo=UTC)),
        ("2020-01-04T09:05:22", NINE),
        ("2020-01-04T09:05:22.701000Z", NINE.replace(microsecond=701000)),
        ("2020-01-04T09:05:22.7Z", NINE.replace(microsecond=700000)),
        ("2020-01-04T09:05:22,7Z", NINE.replace(microsecond=700000)),
        ("2020-01-04T09:05:22.123456789123456Z", NINE.replace(microsecond=123456)),
        ("2020-01-04T09:05:22.9999999999", NINE.replace(microsecond=999999)),
        ("2020-01-04T09:05:22+00:00", NINE),
        ("2020-01-04T09:05:22-00:00", NINE),
        ("2020-01-04T12:05:22+03:00", NINE),
        ("2020-01-04T12:05:22+0300", NINE),
        ("2020-01-04T12:05:22+03", NINE),
        ("2020-01-04T04:05:22-05", NINE),
        ("2020-01-04T04:05:22.5-0500", NINE.replace(microsecond=500000)),
        ("2020-01-04T14:35:22+05:30", NINE),
        ("2020-01-03T23:05:22-10:00", NINE),
        ("2020-01-04 09:05:22", NINE),
        ("2020-01-04 12:05:22 +0300", NINE),
        (" 2020-01-04T09:05:22Z \n", NINE),
        ("2020-01-04 09:05:22 UTC", NINE),
        ("2020-01-04T09:05", NOON),
        ("2020-01-04T09:05Z", NOON),
        ("2020-01-04T12:05+03:00", NOON),
        ("2020-01-04 04:05 -05", NOON),
        ("2020-13-04T09:05:22", None),
        ("2020-01-04T25:05:22", None),
        ("2020-01-04T09:05:22+24:00", None),
        ("2020-01-04T09:05:22+03:99", None),
        ("2020-01-04T09:05:22+3", None),
        ("2020-01-04T09:05:22.", None),
        ("0001-01-01T00:00:00+03:00", None),
        ("9999-12-31T23:59:59-05", None),
        ("2020-01-04", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1580000000, None),
        ("2020-01-04T09:05:22." + "1" * 10_000, None),
    ],
)
def test_times_are_aware_or_none(text, expected):
    assert moment(text) == expected


ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=ZONES),
    st.sampled_from(["T", "t", " "]),
    st.booleans(),
    st.integers(0, 9),
)
def test_every_offset_is_read_to_the_microsecond(when, separator, with_colon, more_digits):
    zone = when.strftime("%z")
    zone = f"{zone[:3]}:{zone[3:5]}" if with_colon else zone[:5]
    text = when.strftime(f"%Y-%m-%d{separator}%H:%M:%S.%f") + "7" * more_digits + zone
    assert moment(text) == when
    assert moment(text).utcoffset() == timedelta(0)


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
    ("line", "limit", "in_use", "reserved"),
    [
        ({"limit": 10, "in_use": 6, "reserved": 1}, 10, 6, 1),
        ({"limit": 10, "used": 6}, 10, 6, 0),
        ({"limit": 10, "in_use": None, "used": 6}, 10, 6, 0),
        ({"limit": 10, "in_use": 0, "used": 6}, 10, 0, 0),
        ({"limit": "10", "in_use": "6", "reserved": "1"}, 10, 6, 1),
        ({"limit": "10.0", "in_use": 6.0, "reserved": 0.0}, 10, 6, 0),
        ({"limit": "-1", "in_use": 6}, -1, 6, 0),
        ({"limit": -5, "in_use": 6}, -1, 6, 0),
        ({"limit": 10}, 10, None, 0),
        ({"limit": 10, "in_use": "many"}, 10, None, 0),
        ({"limit": 10, "in_use": 6.5}, 10, None, 0),
        ({"limit": 10, "in_use": -6}, 10, None, 0),
        ({"limit": 10, "in_use": 6, "reserved": "some"}, 10, None, 0),
        (10, 10, None, 0),
        ("10", 10, None, 0),
        (-1, -1, None, 0),
    ],
)
def test_quota_line_in_any_spelling(line, limit, in_use, reserved):
    quotas = quotas_from({"snapshots": line, "gigabytes_SSD": line})
    assert quotas.snapshots == Quota(limit=limit, in_use=in_use, reserved=reserved)
    assert quotas.by_type == {"gigabytes_SSD": quotas.snapshots}


@pytest.mark.parametrize(
    "line", [None, True, "x", [], {}, {"limit": None}, {"in_use": 5}, {"limit": "unlimited"}, 1.5]
)
def test_quota_without_a_limit_is_unknown(line):
    assert quotas_from({"snapshots": line}).snapshots is None


@pytest.mark.parametrize(
    ("limit", "in_use", "reserved", "free"),
    [(10, 6, 1, 3), (-1, 6, 1, None), (5, 6, 0, 0), (5, None, 0, None)],
)
def test_free_quota_is_limit_minus_used(limit, in_use, reserved, free):
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
