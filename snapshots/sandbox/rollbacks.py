"""Putting a snapshot's data back onto its volume."""

from snapshots.sandbox import evs_bodies, troubles
from snapshots.sandbox.call import Call
from snapshots.sandbox.errors import bad_request
from snapshots.sandbox.messages import Answer, json_answer
from snapshots.sandbox.records import Snapshot, Volume
from snapshots.sandbox.snapshots import GIGABYTES_PER_SECOND


def rollback(call: Call) -> Answer:
    """202; snapshot and volume are `rollbacking`, then available, or the volume is
    `error_rollbacking` (A-2020, A-2022; evs-api.md 2.8).
    """
    given = evs_bodies.member(call.body, "rollback")
    if "name" in given and "volume_id" not in given:
        raise bad_request("'name' may not be given without 'volume_id'")
    evs_bodies.text("name", given.get("name"))
    snapshot = call.snapshot(call.path["id"])
    volume = call.volume(given.get("volume_id", snapshot.volume_id))
    call.require_member("volume:rollback_snapshot")
    _check_rollback(snapshot, volume)
    now = call.state.clock()
    seconds = call.options.seconds + volume.size / GIGABYTES_PER_SECOND
    volume_ends = troubles.rollback_end(volume, call)
    snapshot.status = volume.status = "rollbacking"
    call.state.save_snapshot(snapshot)
    call.state.save_volume(volume)
    call.state.plan("snapshots", snapshot.id, (now + seconds, "available"))
    call.state.plan("volumes", volume.id, (now + seconds, volume_ends))
    return json_answer(202, {"rollback": {"volume_id": volume.id}})


def _check_rollback(snapshot: Snapshot, volume: Volume) -> None:
    if (snapshot.name or "").lower().startswith(evs_bodies.BACKUP_PREFIXES):
        raise bad_request("A snapshot made by a backup cannot be rolled back.")
    if volume.id != snapshot.volume_id:
        raise bad_request("A snapshot can be rolled back only to its source volume.")
    if snapshot.status != "available":
        raise bad_request(
            f"Invalid snapshot: status must be available, but it is: {snapshot.status}.",
            "EVS.2043",
        )
    if volume.status not in ("available", "error_rollbacking"):
        raise bad_request(
            f"Invalid volume: Volume {volume.id} status must be available, error_rollbacking,"
            f" but current status is: {volume.status}."
        )
