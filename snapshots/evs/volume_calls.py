"""The calls about volumes."""

from collections.abc import Mapping

from snapshots.evs.calls import (
    PAGE_SIZE,
    Call,
    CallingClient,
    as_json,
    call_path,
    named,
    read_answer,
)
from snapshots.evs.paging import Listed, listed, tolerantly
from snapshots.evs.types import CloudVolume, CreateVolume, volume_from

# Below, Cinder answers 404 as for an unknown address.
_SINCE_REVERT = (("OpenStack-API-Version", "volume 3.40"),)


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
        return read_answer(answer, _volume_answer)

    def create_volume(self, arguments: CreateVolume) -> CloudVolume:
        """Ask for a volume made from a snapshot (page evs_04_2065): "creating", then usable.

        Sent once, as a creation of a snapshot. If the error's `outcome_known` is False, a volume
        may exist: look for its metadata in `list_volumes`. The vendor's dialect has a call of its
        own (evs_04_2013), which answers with a job; its native twin at the same address does not.
        """
        call = Call(
            purpose="restore",
            method="POST",
            path=self._connection.dialect.create_volume,
            body=_create_body(arguments),
        )
        return read_answer(self._ask(call), _volume_answer)

    def revert_volume(self, volume_id: str, *, snapshot_id: str) -> None:
        """Put a snapshot's data back onto its volume, by a plain Cinder's call (recorded in 16).

        What the volume holds is lost. Only the newest snapshot is accepted. The volume is
        "reverting" and the snapshot "restoring", then both available, or the volume is in
        "error". Read the snapshot's status right before: when it is not available, Cinder
        refuses, but leaves the volume "reverting" for ever. Sent once, as a creation; if the
        error's `outcome_known` is False, the revert may have begun. Which clouds speak this call:
        `rollback_call`. NoSuchApi where the dialect cannot.
        """
        dialect = self._connection.dialect
        call = Call(
            purpose="rollback",
            method="POST",
            path=call_path(dialect.revert, dialect=dialect, what="reverting a volume"),
            identity=named(volume_id),
            body=as_json({"revert": {"snapshot_id": snapshot_id}}),
            headers=_SINCE_REVERT,
        )
        self._ask(call)


def _create_body(arguments: CreateVolume) -> bytes:
    """Absent texts are left out: no page allows null."""
    texts = {
        "name": arguments.name,
        "description": arguments.description,
        "availability_zone": arguments.availability_zone,
        "volume_type": arguments.volume_type,
    }
    volume = {
        "snapshot_id": arguments.snapshot_id,
        "size": arguments.size_gb,
        **{key: text for key, text in texts.items() if text},
        "metadata": dict(arguments.metadata),
    }
    return as_json({"volume": volume})


def _volume_answer(data: Mapping[str, object]) -> CloudVolume:
    return volume_from(data.get("volume"))
