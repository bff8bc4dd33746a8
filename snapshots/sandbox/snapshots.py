"""Snapshots: create, show, lists, update, delete (docs/evs-api.md; recorded in 03 to 13)."""

import re
from typing import Any

from snapshots.sandbox import evs_bodies, listing, quotas, schemas, troubles
from snapshots.sandbox.call import Call, Dialect, new_id
from snapshots.sandbox.errors import ApiFault, bad_request, over_limit
from snapshots.sandbox.messages import Answer, empty_answer, json_answer
from snapshots.sandbox.options import ForceReading
from snapshots.sandbox.records import Snapshot, Volume
from snapshots.sandbox.scenarios import LAG_SECONDS, Trouble
from snapshots.sandbox.views import (
    snapshot_brief,
    snapshot_full,
    snapshot_listed,
    vendor_snapshot_listed,
    when,
)

_MICROVERSION_WITHOUT_FORCE = (3, 66)
# How fast a snapshot of a large volume is made.
GIGABYTES_PER_SECOND = 500


# --- create ---


def create(call: Call) -> Answer:
    """202 and a snapshot that becomes available on the clock (SEED, A-2016; recorded in 03)."""
    given = schemas.create_body(call.body) if call.is_v3 else evs_bodies.create_body(call.body)
    forced = _force(call, given)
    volume = call.volume(given["volume_id"])
    call.require_member("volume:create_snapshot")
    _check_volume_status(volume, call, forced=forced)
    troubles.refuse(volume, call)
    _check_limits(volume, call)
    snapshot = _make(volume, call, given)
    content = snapshot_brief(snapshot, call)
    content["created_at"] = when(call.state.clock())  # with fractions only here (recorded)
    answer = json_answer(202, {"snapshot": content})
    return troubles.spoil(answer, troubles.trouble_of(volume, call), call)


def _force(call: Call, given: dict[str, Any]) -> bool:
    forced = schemas.force(given["force"]) if "force" in given else False
    if call.version < _MICROVERSION_WITHOUT_FORCE:
        return forced
    if "force" in given and not forced:
        raise bad_request(
            "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward"
            " compatability, however, when the 'force' flag is passed with a value evaluating to"
            " True, it is silently ignored."
        )
    return True


def _check_volume_status(volume: Volume, call: Call, *, forced: bool) -> None:
    if not volume.host:
        raise bad_request("Invalid volume: volume is not assigned to a host")
    if volume.status == "error":
        raise bad_request(
            "Invalid volume: The snapshot cannot be created when the volume is in error status."
        )
    if volume.status == "maintenance":
        raise bad_request(
            "Invalid volume: The snapshot cannot be created when the volume is in maintenance mode."
        )
    allowed = ["available"]
    if call.options.force_reading is ForceReading.EVS:
        allowed += ["in-use", "attaching"] if forced else ["in-use"]
    elif forced:
        allowed += ["in-use"]
    if volume.status not in allowed:
        raise bad_request(
            f"Invalid volume: Volume {volume.id} status must be {', '.join(allowed)},"
            f" but current status is: {volume.status}."
        )


def _check_limits(volume: Volume, call: Call) -> None:
    quotas.check(call, volume.project_id, "gigabytes", volume.size)
    quotas.check(call, volume.project_id, "snapshots", 1)
    most = call.options.snapshots_per_volume
    if call.is_v3 or not most:
        return
    if _manual_snapshots(volume, call) >= most:
        # Seven per disk: UG. The error of the eighth is in no document.
        raise over_limit(
            f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({most}) exceeded"
        )


def _manual_snapshots(volume: Volume, call: Call) -> int:
    """The number of the volume's snapshots that no backup made (UG)."""
    backups = " OR ".join("name LIKE ?" for _ in evs_bodies.BACKUP_PREFIXES)
    return call.state.number(
        f"SELECT count(*) FROM snapshots WHERE volume_id = ? AND NOT coalesce({backups}, 0)",
        (volume.id, *(f"{prefix}%" for prefix in evs_bodies.BACKUP_PREFIXES)),
    )


def _make(volume: Volume, call: Call, given: dict[str, Any]) -> Snapshot:
    trouble = troubles.trouble_of(volume, call)
    snapshot = Snapshot(
        id=new_id(),
        project_id=volume.project_id,
        user_id=call.caller.user_id,
        volume_id=volume.id,
        name=_stripped(given.get("name")),
        description=_stripped(given.get("description")),
        status="creating",
        size=volume.size,
        metadata={} if trouble is Trouble.DROPS_METADATA else dict(given.get("metadata") or {}),
        created_at=call.now,
    )
    call.state.add_snapshot(snapshot)
    seconds = call.options.seconds + volume.size / GIGABYTES_PER_SECOND
    steps = troubles.course(trouble, seconds, call.state.clock())
    call.state.plan("snapshots", snapshot.id, *steps)
    return snapshot


def _stripped(text: str | None) -> str | None:
    return text.strip() if text is not None else None


# --- show, lists ---


def show(call: Call) -> Answer:
    ident = call.path["id"]
    if call.is_v3:
        ident = re.sub(r"\.json$", "", ident)
    return json_answer(200, {"snapshot": snapshot_full(call.snapshot(ident), call)})


_FILTERS = {
    "name": "fold(name) = fold(?)",
    "status": "status = lower(?)",
    "volume_id": "volume_id = lower(?)",
    "availability_zone": "volume_id IN (SELECT id FROM volumes WHERE availability_zone = ?)",
}
_SORT_KEYS = {
    "id": "id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "display_name": "fold(name)",
    "status": "status",
    "volume_id": "volume_id",
    "volume_size": "size",
}


def _hide_lagging(where: listing.Where, call: Call) -> None:
    """Leave out new snapshots of a volume whose lists lag."""
    where.add(
        "created_at <= ? OR volume_id NOT IN (SELECT id FROM volumes WHERE trouble = ?)",
        call.now - LAG_SECONDS,
        Trouble.LISTS_LAG,
    )


def _listing(path: str, show_one: Any, *, counted: bool = False) -> listing.Listing:
    return listing.Listing(
        table="snapshots",
        noun="snapshots",
        show=show_one,
        from_row=Snapshot.from_row,
        path=path,
        filters=_FILTERS,
        sort_keys=_SORT_KEYS,
        counted=counted,
        narrow=_hide_lagging,
    )


_BRIEF = _listing("snapshots", snapshot_listed)
_DETAIL = _listing("snapshots/detail", snapshot_full)
# The vendor list's own next link points at the native list (A-2021's example).
_VENDOR = _listing("snapshots/detail", vendor_snapshot_listed, counted=True)


def list_brief(call: Call) -> Answer:
    return json_answer(200, listing.answer(call, _BRIEF))


def list_detail(call: Call) -> Answer:
    kind = _VENDOR if call.dialect is Dialect.VENDOR else _DETAIL
    return json_answer(200, listing.answer(call, kind))


# --- update, delete ---


def update(call: Call) -> Answer:
    """200; only name and description change, in any status (A-2095; recorded in 11 and 13)."""
    changes = schemas.update_body(call.body) if call.is_v3 else evs_bodies.update_body(call.body)
    snapshot = call.snapshot(call.path["id"])
    call.require_member("volume:update_snapshot")
    for name, value in changes.items():
        setattr(snapshot, name, _stripped(value))
    content = snapshot_brief(snapshot, call)  # with the old updated_at (recorded)
    snapshot.updated_at = call.now
    call.state.save_snapshot(snapshot)
    return json_answer(200, {"snapshot": content})


def delete(call: Call) -> Answer:
    """202; `deleting`, then gone, or what the volume's trouble makes of it (A-2094; recorded in 11,
    13 and 16).
    """
    snapshot = call.snapshot(call.path["id"])
    call.require_member("volume:delete_snapshot")
    if snapshot.status not in ("available", "error"):
        raise _not_deletable(snapshot)
    snapshot.status = "deleting"
    call.state.save_snapshot(snapshot)
    trouble = troubles.later_trouble_of(call.state.volume(snapshot.volume_id), call)
    steps = troubles.deletion(trouble, call.options.seconds / 2, call.state.clock())
    call.state.plan("snapshots", snapshot.id, *steps)
    return empty_answer(202)


def _not_deletable(snapshot: Snapshot) -> ApiFault:
    message = (
        "Invalid snapshot: Snapshot status must be available or error and must not be part of"
        " a group."
    )
    if snapshot.status == "error_deleting":
        return bad_request(message, "EVS.2019")
    return bad_request(message, "EVS.1047")
