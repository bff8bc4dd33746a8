"""Putting a snapshot's data back onto its volume: EVS's rollback and Cinder's revert."""

from snapshots.sandbox import evs_bodies, troubles
from snapshots.sandbox.call import Call, new_id
from snapshots.sandbox.errors import ApiFault, bad_request
from snapshots.sandbox.messages import Answer, json_answer
from snapshots.sandbox.records import Snapshot, Volume
from snapshots.sandbox.scenarios import Trouble
from snapshots.sandbox.snapshots import GIGABYTES_PER_SECOND
from snapshots.sandbox.state import GONE

_MICROVERSION_OF_REVERT = (3, 40)


def rollback(call: Call) -> Answer:
    """202; snapshot and volume are `rollbacking`, then available, or the volume is
    `error_rollbacking` (A-2020, A-2022; docs/evs-api.md, Dialects).
    """
    given = evs_bodies.member(call.body, "rollback")
    if "name" in given and "volume_id" not in given:
        raise bad_request("'name' may not be given without 'volume_id'")
    evs_bodies.text("name", given.get("name"))
    snapshot = call.snapshot(call.path["id"])
    volume = call.volume(given.get("volume_id", snapshot.volume_id))
    call.require_member("volume:rollback_snapshot")
    _check_rollback(snapshot, volume)
    due_at = _due_at(call, volume)
    volume_ends = troubles.rollback_end(volume, call)
    snapshot.status = volume.status = "rollbacking"
    call.state.save_snapshot(snapshot)
    call.state.save_volume(volume)
    call.state.plan("snapshots", snapshot.id, (due_at, "available"))
    call.state.plan("volumes", volume.id, (due_at, volume_ends))
    return json_answer(202, {"rollback": {"volume_id": volume.id}})


def _due_at(call: Call, volume: Volume) -> float:
    return call.state.clock() + call.options.seconds + volume.size / GIGABYTES_PER_SECOND


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


# --- Cinder ---


def revert(call: Call, volume: Volume, snapshot_id: object) -> Answer:
    """202, empty; the volume is `reverting` and the snapshot `restoring`, then both available, and
    a copy of the volume is in the lists meanwhile (recorded in 16).

    When it fails, the volume ends in `error` and the copy stays.
    """
    if call.version < _MICROVERSION_OF_REVERT:
        raise ApiFault(404, "The resource could not be found.")
    call.require_member("volume:revert_to_snapshot")
    snapshot = _newest(call, volume, snapshot_id)
    refusal = f"Can't revert volume {volume.id} to its latest snapshot {snapshot.id}."
    if snapshot.size != volume.size:
        raise bad_request(f"{refusal} The volume size must be equal to the snapshot size.")
    if volume.status != "available":
        message = f"Invalid volume: {refusal} Volume's status must be 'available'."
        raise ApiFault(409, message)
    volume.status = "reverting"
    call.state.save_volume(volume)
    if snapshot.status != "available":
        message = f"Invalid snapshot: {refusal} Snapshot's status must be 'available'."
        raise ApiFault(409, message)  # and the volume stays so (recorded)
    _begin_revert(call, volume, snapshot)
    return Answer(202, b"", (("Content-Type", "application/json"),))


def _newest(call: Call, volume: Volume, snapshot_id: object) -> Snapshot:
    rows = call.state.rows(
        "SELECT * FROM snapshots WHERE volume_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 1",
        (volume.id,),
    )
    if not rows or rows[0]["id"] != snapshot_id:
        raise bad_request(
            f"Specified snapshot {snapshot_id} is None or not the latest one of volume {volume.id}."
        )
    return Snapshot.from_row(rows[0])


def _begin_revert(call: Call, volume: Volume, snapshot: Snapshot) -> None:
    fails = troubles.later_trouble_of(volume, call) in (
        Trouble.ROLLBACK_FAILS,
        Trouble.ENDS_IN_ERROR,
    )
    copy = Snapshot(
        id=new_id(),
        project_id=volume.project_id,
        user_id=call.caller.user_id,
        volume_id=volume.id,
        name=f"[revert] volume {volume.id} backup snapshot",
        description=None,
        status="available",
        size=volume.size,
        metadata={},
        created_at=call.now,
        progress="100%",
    )
    call.state.add_snapshot(copy)
    snapshot.status = "restoring"
    call.state.save_snapshot(snapshot)
    due_at = _due_at(call, volume)
    call.state.plan("snapshots", snapshot.id, (due_at, "available"))
    call.state.plan("volumes", volume.id, (due_at, "error" if fails else "available"))
    if not fails:
        call.state.plan("snapshots", copy.id, (due_at, GONE))
