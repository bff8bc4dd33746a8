"""The calls themselves."""

from snapshots.evs.connection import Connection
from snapshots.evs.types import CreateSnapshot, Quotas, Snapshot, Volume
from snapshots.evs.wire import Recorder


class EvsClient:
    """One unit of work with one cloud: cheap to build, its exchanges told to one recorder."""

    def __init__(self, connection: Connection, recorder: Recorder, *, purpose: str = "") -> None:
        self._connection = connection
        self._recorder = recorder
        self._purpose = purpose

    def create_snapshot(self, arguments: CreateSnapshot) -> Snapshot:
        raise NotImplementedError

    def show_snapshot(self, snapshot_id: str) -> Snapshot:
        raise NotImplementedError

    def list_snapshots(
        self,
        *,
        volume_id: str | None = None,
        status: str | None = None,
        name: str | None = None,
        limit: int = 200,
    ) -> list[Snapshot]:
        raise NotImplementedError

    def list_volumes(self, *, limit: int = 200) -> list[Volume]:
        raise NotImplementedError

    def show_volume(self, volume_id: str) -> Volume:
        raise NotImplementedError

    def quotas(self) -> Quotas:
        raise NotImplementedError

    def ping(self) -> str:
        raise NotImplementedError
