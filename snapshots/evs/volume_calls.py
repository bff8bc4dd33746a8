"""The calls about volumes."""

from snapshots.evs.calls import PAGE_SIZE, Call, CallingClient, named, read_answer
from snapshots.evs.paging import Listed, listed, tolerantly
from snapshots.evs.types import CloudVolume, volume_from


class VolumeCalls(CallingClient):
    """The part of `EvsClient` that is about volumes."""

    def list_volumes(self, *, limit: int = PAGE_SIZE) -> Listed[CloudVolume]:
        """All readable volumes of the project, `limit` (1..1000) a page (pages A-2069, A-2006)."""
        call = Call(purpose="inventory", path=self._connection.dialect.volumes)
        listing = self._list(call, key="volumes", read_row=tolerantly(volume_from))
        return listed(listing.read_all(limit=limit))

    def show_volume(self, volume_id: str) -> CloudVolume:
        """A volume; NotFound when it is gone or another project's."""
        path = self._connection.dialect.volume
        call = Call(purpose="inventory", path=path, identity=named(volume_id))
        answer = self._ask_patiently(call)
        return read_answer(answer, lambda data: volume_from(data.get("volume")))
