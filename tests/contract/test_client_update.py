"""The portal's client updates snapshots: on the sandbox in all dialects, and on a live cloud."""

import pytest
from contract_scenes import Stage
from contract_targets import LiveTarget, SandboxTarget, live_is_named

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.config import CloudConfig, PasswordCredentials
from snapshots.evs.connection import connect
from snapshots.evs.limits import clean_description, clean_name

UNKNOWN = "5c0d1a4e-0f0e-4c55-9d7e-2f4f3a1b6c7d"
CLOUDS = [
    *(("sandbox", dialect) for dialect in ("native-v2", "native-v3", "vendor-v2")),
    *([pytest.param(("live", "native-v3"), marks=pytest.mark.live)] if live_is_named() else []),
]


class NoRecorder:
    """These tests are about answers; recording has tests of its own."""

    def opened(self, request): ...
    def answered(self, request, answer): ...
    def failed(self, request, error, *, elapsed_ms, answer): ...


class Cloud:
    """A cloud with a snapshot, and clients of it for each of its people."""

    def __init__(self, target, dialect):
        self.stage = Stage(target)
        self._dialect = dialect
        self._clients = {}

    def client(self, who="mine"):
        if who not in self._clients:
            connection = connect(self._config(who))
            self._clients[who] = EvsClient(connection, NoRecorder(), pauses_seconds=())
        return self._clients[who]

    def _config(self, who):
        target = self.stage.target
        if who not in target.people:
            pytest.skip(f"needs {who}, who is not named in the environment")
        person = target.people[who]
        return CloudConfig(
            name=target.name,
            dialect=self._dialect,
            endpoint=self._endpoint(),
            calls_per_second=0,
            auth=PasswordCredentials(
                auth_url=f"{target.identity}/v3",
                username=person.username,
                password=person.password,
                user_domain_name=target.domain,
                project_name=person.project,
                project_domain_name=target.domain,
            ),
        )

    def _endpoint(self):
        """The sandbox's `/volume` is the recorded Cinder's alone, which has no v2."""
        target = self.stage.target
        return target.server.url if isinstance(target, SandboxTarget) else target.volume


@pytest.fixture(scope="module", params=CLOUDS, ids="-".join)
def cloud(request):
    name, dialect = request.param
    target = SandboxTarget() if name == "sandbox" else LiveTarget()
    cloud = Cloud(target, dialect)
    try:
        cloud.stage.volume("vol")
        yield cloud
    finally:
        cloud.stage.clean_up()
        target.close()


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
    cloud.client().update_snapshot(ident, name=None, description=None)
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
