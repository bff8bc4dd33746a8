"""The portal's client updates snapshots: on the sandbox in all dialects, and on a live cloud."""

import pytest
from contract_client import CLOUDS, cloud_with_a_volume

from snapshots.evs import errors
from snapshots.evs.limits import clean_description, clean_name

UNKNOWN = "5c0d1a4e-0f0e-4c55-9d7e-2f4f3a1b6c7d"


@pytest.fixture(scope="module", params=CLOUDS, ids="-".join)
def cloud(request):
    with cloud_with_a_volume(*request.param) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def ident(cloud):
    return cloud.stage.snapshot("one", name="before", description="old", metadata={"k": "v"})


def test_update_replaces_name_and_description_only(cloud, ident):
    before = cloud.client().show_snapshot(ident)
    updated = cloud.client().update_snapshot(ident, name="Günlük 漢", description="İlk <b>")
    after = cloud.client().show_snapshot(ident)
    for snapshot in (updated, after):
        assert (snapshot.id, snapshot.name, snapshot.description) == (ident, "Günlük 漢", "İlk <b>")
    for field in ("status", "volume_id", "size_gb", "metadata", "created_at"):
        assert getattr(after, field) == getattr(before, field)


def test_same_update_twice_gives_the_same_snapshot(cloud, ident):
    once = cloud.client().update_snapshot(ident, name="same", description="same")
    twice = cloud.client().update_snapshot(ident, name="same", description="same")
    assert (once.name, once.description) == (twice.name, twice.description) == ("same", "same")


def test_absent_texts_empty_the_fields(cloud, ident):
    cloud.client().update_snapshot(ident, name="n", description="d")
    cloud.client().update_snapshot(ident, name="", description="")
    after = cloud.client().show_snapshot(ident)
    assert (after.name, after.description) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("n" * 255, id="255 letters"),
        pytest.param("漢" * 85, id="255 bytes"),
        pytest.param("  blanks around\t", id="blanks around"),
        pytest.param("a \u00a0 b", id="no-break blank within"),
        pytest.param('"quoted" \\ / \'&<>%00', id="marks"),
        pytest.param("e\u0301", id="combining accent"),
        pytest.param("null", id="the word null"),
    ],
)
def test_texts_within_the_limits_come_back_unchanged(cloud, ident, text):
    name, name_problems = clean_name(text)
    description, description_problems = clean_description(text)
    assert name_problems == description_problems == []
    cloud.client().update_snapshot(ident, name=name, description=description)
    after = cloud.client().show_snapshot(ident)
    assert (after.name, after.description) == (name, description)


def test_overlong_name_is_refused_and_changes_nothing(cloud, ident):
    cloud.client().update_snapshot(ident, name="short", description="kept")
    with pytest.raises(errors.BadRequest) as caught:
        cloud.client().update_snapshot(ident, name="n" * 256, description="lost")
    assert caught.value.outcome_known
    after = cloud.client().show_snapshot(ident)
    assert (after.name, after.description) == ("short", "kept")


@pytest.mark.parametrize("snapshot_id", [UNKNOWN, "nonsense"])
def test_unknown_snapshot_is_not_found(cloud, snapshot_id):
    with pytest.raises(errors.NotFound) as caught:
        cloud.client().update_snapshot(snapshot_id, name="n", description=None)
    assert caught.value.outcome_known


def test_another_projects_snapshot_is_not_found(cloud, ident):
    with pytest.raises(errors.NotFound):
        cloud.client("other").update_snapshot(ident, name="n", description=None)


def test_reader_may_not_update(cloud, ident):
    with pytest.raises(errors.Forbidden) as caught:
        cloud.client("reader").update_snapshot(ident, name="n", description=None)
    assert caught.value.outcome_known


def test_deleted_snapshot_is_not_found(cloud):
    gone = cloud.stage.snapshot("gone")
    cloud.client().delete_snapshot(gone)
    cloud.stage.target.wait("mine", "snapshots", gone, None)
    with pytest.raises(errors.NotFound):
        cloud.client().update_snapshot(gone, name="n", description=None)


@pytest.mark.parametrize("status", ["creating", "error", "deleting", "error_deleting"])
def test_update_works_in_every_status(cloud, status):
    if "admin" not in cloud.stage.target.people:
        pytest.skip("needs admin, who is not named in the environment")
    ident = cloud.stage.snapshot(f"in-{status}")
    cloud.stage.reset("snapshots", ident, status)
    updated = cloud.client().update_snapshot(ident, name=status, description=None)
    assert (updated.name, updated.status) == (status, status)
    cloud.stage.reset("snapshots", ident, "available")
