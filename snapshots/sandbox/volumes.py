"""Volumes: lists and show (recorded in 15), and the actions of administrators and
servers (13, 14).
"""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from snapshots.sandbox import evs_bodies, listing, quotas, rollbacks, schemas
from snapshots.sandbox.call import Call, Dialect, new_id
from snapshots.sandbox.digits import number_of
from snapshots.sandbox.errors import ApiFault, bad_request
from snapshots.sandbox.messages import Answer, empty_answer, json_answer
from snapshots.sandbox.records import Snapshot, Volume
from snapshots.sandbox.scenarios import ZONE_A, ZONE_B
from snapshots.sandbox.seeding import attachment
from snapshots.sandbox.state import GONE
from snapshots.sandbox.views import volume_brief, volume_full, when

_CREATING_SECONDS = 1.0
_DONE = Answer(202, b"", (("Content-Type", "application/json"),))
_DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")
DEFAULT_NAME = "SAS"
DEFAULT_TYPE = {
    "id": "5a7e0000-0000-4000-8000-000000000001",
    "name": DEFAULT_NAME,
    "is_public": True,
    "description": "High I/O",
    "extra_specs": {},
    "os-volume-type-access:is_public": True,
}

_FILTERS = {
    "name": "fold(name) = fold(?)",
    "status": "status = lower(?)",
    "availability_zone": "availability_zone = ?",
    "bootable": "bootable = (lower(?) = 'true')",
}
_VENDOR_FILTERS = _FILTERS | {
    "multiattach": "multiattach = (lower(?) = 'true')",
    "server_id": "EXISTS (SELECT 1 FROM json_each(attachments) AS a"
    " WHERE a.value ->> 'server_id' = ?)",
}
_SORT_KEYS = {
    "id": "id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "display_name": "fold(name)",
    "status": "status",
    "size": "size",
    "bootable": "bootable",
    "availability_zone": "availability_zone",
}


def _listing(path: str, show_one: Any, *, vendor: bool = False) -> listing.Listing:
    return listing.Listing(
        table="volumes",
        noun="volumes",
        show=show_one,
        from_row=Volume.from_row,
        path=path,
        filters=_VENDOR_FILTERS if vendor else _FILTERS,
        sort_keys=_SORT_KEYS,
        counted=vendor,
    )


_BRIEF = _listing("volumes", volume_brief)
_DETAIL = _listing("volumes/detail", volume_full)
_VENDOR = _listing("cloudvolumes/detail", volume_full, vendor=True)


def list_brief(call: Call) -> Answer:
    return json_answer(200, listing.answer(call, _BRIEF))


def list_detail(call: Call) -> Answer:
    kind = _VENDOR if call.dialect is Dialect.VENDOR else _DETAIL
    return json_answer(200, listing.answer(call, kind))


def show(call: Call) -> Answer:
    return json_answer(200, {"volume": volume_full(call.volume(call.path["id"]), call)})


def create(call: Call) -> Answer:
    """202; a volume that becomes available, also from a snapshot (evs_04_2065; recorded in 07, 08,
    13, 16).
    """
    given = schemas.volume_body(call.body) if call.is_v3 else evs_bodies.volume_body(call.body)
    call.require_member("volume:create")
    source = _source(call, given)
    asked = given.get("size") or (source.size if source else 1)
    size = number_of(asked) if isinstance(asked, str) else int(asked)
    if source:
        _check_against(source, call, given, size)
    if given.get("availability_zone") not in (None, ZONE_A, ZONE_B):
        message = f"Availability zone '{given['availability_zone']}' is invalid."
        raise bad_request(message, "EVS.2054")
    quotas.check(call, call.project_id, "gigabytes", size)
    quotas.check(call, call.project_id, "volumes", 1)
    volume = _make(call, given, size, source)
    call.state.add_volume(volume)
    due_at = call.state.clock() + min(_CREATING_SECONDS, call.options.seconds)
    call.state.plan("volumes", volume.id, (due_at, "available"))
    content = volume_full(volume, call) | {"created_at": when(call.state.clock())}
    del content["os-vol-tenant-attr:tenant_id"]  # as recorded
    return json_answer(202, {"volume": content})


def _source(call: Call, given: dict[str, Any]) -> Snapshot | None:
    """The snapshot that the volume is made from.

    Raises ApiFault: 404 when the caller sees no such snapshot or type, 400 with a second source.
    """
    if given.get("volume_type") and not _knows_type(call, given["volume_type"]):
        raise ApiFault(404, f"Volume type with name {given['volume_type']} could not be found.")
    if not given.get("snapshot_id"):
        return None
    source = call.snapshot(given["snapshot_id"])
    if given.get("source_volid") or given.get("imageRef"):
        raise bad_request(
            "Invalid input received: May specify only one of backup, imageRef, snapshot, source"
            " volume"
        )
    return source


def _knows_type(call: Call, name: str) -> bool:
    used = "SELECT count(*) FROM volumes WHERE volume_type = ?"
    return name == DEFAULT_NAME or bool(call.state.number(used, (name,)))


def _check_against(source: Snapshot, call: Call, given: dict[str, Any], size: int) -> None:
    """Refuse a volume that cannot be made from this snapshot."""
    if source.status != "available":
        raise bad_request(
            "Invalid snapshot: Originating snapshot status must be one of 'available' values",
            "EVS.2043",
        )
    if size < source.size:
        raise bad_request(
            f"Invalid input received: Volume size '{size}'GB cannot be smaller than the snapshot"
            f" size {source.size}GB. They must be >= original snapshot size."
        )
    volume = call.state.volume(source.volume_id)
    kind = given.get("volume_type")
    if kind and volume and kind != volume.volume_type:
        ident = DEFAULT_TYPE["id"] if kind == DEFAULT_NAME else uuid5(NAMESPACE_DNS, kind)
        raise bad_request(
            f"Invalid input received: Invalid volume_type provided: {ident} (requested type is not"
            " compatible; recommend omitting the type argument).",
            "EVS.2096",
        )
    if not call.is_v3:
        _check_as_evs(source, volume, given)


def _check_as_evs(source: Snapshot, volume: Volume | None, given: dict[str, Any]) -> None:
    """What EVS refuses beyond Cinder (docs/evs-api.md, Dialects)."""
    if (source.name or "").lower().startswith(evs_bodies.BACKUP_PREFIXES):
        raise bad_request("No disk can be made from a snapshot made by a backup.")
    if volume and given["availability_zone"] != volume.availability_zone:
        raise bad_request("The zone must be that of the snapshot's disk.", "EVS.2054")


def _make(call: Call, given: dict[str, Any], size: int, source: Snapshot | None) -> Volume:
    origin = call.state.volume(source.volume_id) if source else None
    return Volume(
        id=new_id(),
        project_id=call.project_id,
        user_id=call.caller.user_id,
        name=given.get("name") or "",
        size=size,
        created_at=call.now,
        status="creating",
        description=given.get("description"),
        volume_type=given.get("volume_type") or (origin.volume_type if origin else DEFAULT_NAME),
        availability_zone=given.get("availability_zone")
        or (origin.availability_zone if origin else ZONE_A),
        metadata=given.get("metadata") or {},
        snapshot_id=source.id if source else None,
        host="",
    )


def delete(call: Call) -> Answer:
    """202. A volume with snapshots is deleted only with `cascade`, and not even then when a
    snapshot is in a transient status or in `error_deleting` (recorded in 11, 13 and 16).
    """
    volume = call.volume(call.path["id"])
    call.require_member("volume:delete")
    in_the_way = "SELECT count(*) FROM snapshots WHERE volume_id = ?"
    if call.flag("cascade"):
        in_the_way += " AND status NOT IN ('available', 'error')"
    if volume.status not in _DELETABLE or call.state.number(in_the_way, (volume.id,)):
        raise bad_request(
            "Invalid volume: Volume status must be available or error or error_restoring or"
            " error_extending or error_managing and must not be migrating, attached, belong to"
            " a group, have snapshots, awaiting a transfer, or be disassociated from snapshots"
            " after volume transfer."
        )
    for row in call.state.rows("SELECT id FROM snapshots WHERE volume_id = ?", (volume.id,)):
        call.state.plan("snapshots", row["id"])
        call.state.change("DELETE FROM snapshots WHERE id = ?", (row["id"],))
    call.state.plan("volumes", volume.id)
    call.state.change("DELETE FROM volumes WHERE id = ?", (volume.id,))
    return empty_answer(202)


# --- actions ---


def act(call: Call) -> Answer:
    """`revert`; `os-reset_status`, `os-attach` and `os-detach`: states for tests, over Cinder's own
    calls.
    """
    volume = call.volume(call.path["id"])
    name, given = _action(call)
    if name == "os-reset_status":
        call.require_admin("volume_extension:volume_admin_actions:reset_status")
        volume.status = given["status"]
    elif name == "os-attach":
        server, device = given.get("instance_uuid", ""), given.get("mountpoint", "")
        volume.attachments = [
            attachment(volume.id, server, device, call.now) | {"server_id": server}
        ]
        volume.status = "in-use"
        volume.metadata |= {"readonly": "False", "attached_mode": "rw"}
    elif name == "os-detach":
        volume.attachments, volume.status = [], "available"
        volume.metadata.pop("attached_mode", None)
    elif name == "revert":
        return rollbacks.revert(call, volume, given.get("snapshot_id"))
    else:
        raise _unknown_action(name)
    volume.updated_at = call.now
    call.state.plan("volumes", volume.id)
    call.state.save_volume(volume)
    return _DONE


def act_on_snapshot(call: Call) -> Answer:
    """`os-reset_status` and `os-force_delete`, for the administrator (recorded in 13)."""
    name, given = _action(call)
    snapshot = call.snapshot(call.path["id"])
    if name == "os-reset_status":
        call.require_admin("volume_extension:snapshot_admin_actions:reset_status")
        snapshot.status = given["status"]
        call.state.plan("snapshots", snapshot.id)
    elif name == "os-force_delete":
        call.require_admin("volume_extension:snapshot_admin_actions:force_delete")
        snapshot.status = "deleting"
        due_at = call.state.clock() + call.options.seconds / 2
        call.state.plan("snapshots", snapshot.id, (due_at, GONE))
    else:
        raise _unknown_action(name)
    call.state.save_snapshot(snapshot)
    return _DONE


def _action(call: Call) -> tuple[str, dict[str, Any]]:
    for name, given in (call.body or {}).items():
        return name, given or {}
    raise _unknown_action("")


def _unknown_action(name: str) -> Exception:
    return bad_request(
        f"There is no such action: {name}."
        " Verify the request body and Content-Type header and try again."
    )
