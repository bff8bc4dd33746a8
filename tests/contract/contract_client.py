"""The portal's client for contract tests: of the sandbox in all dialects, and of a live cloud."""

from contextlib import contextmanager

import pytest
from contract_scenes import Stage
from contract_targets import LiveTarget, SandboxTarget, live_is_named

from snapshots.evs.client import EvsClient
from snapshots.evs.config import CloudConfig, PasswordCredentials
from snapshots.evs.connection import connect

CLOUDS = [
    *(("sandbox", dialect) for dialect in ("native-v2", "native-v3", "vendor-v2")),
    *([pytest.param(("live", "native-v3"), marks=pytest.mark.live)] if live_is_named() else []),
]
# The vendor's dialect has no calls for metadata.
WITH_METADATA = [cloud for cloud in CLOUDS if cloud != ("sandbox", "vendor-v2")]


class NoRecorder:
    """These tests are about answers; recording has tests of its own."""

    def opened(self, request): ...
    def answered(self, request, answer): ...
    def failed(self, request, error, *, elapsed_ms, answer): ...


class Cloud:
    """A cloud with a snapshot, and clients of it for each of its people."""

    def __init__(self, target, dialect):
        self.stage = Stage(target)
        self.dialect = dialect
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
            dialect=self.dialect,
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


@contextmanager
def cloud_with_a_volume(name, dialect):
    """The cloud, with a volume that its stage names "vol"; everything is removed afterwards."""
    target = SandboxTarget() if name == "sandbox" else LiveTarget()
    cloud = Cloud(target, dialect)
    try:
        cloud.stage.volume("vol", 10)
        yield cloud
    finally:
        cloud.stage.clean_up()
        target.close()
