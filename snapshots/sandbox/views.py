"""Snapshots and volumes as each dialect shows them (docs/evs-api.md; v3 as recorded)."""

from datetime import UTC, datetime
from typing import Any

from snapshots.sandbox.call import Call, Dialect
from snapshots.sandbox.records import Snapshot, Volume
from snapshots.sandbox.state import LINGERING

# EVS's own links name a host that clients cannot reach (A-2021, A-2097).
INTERNAL_HOST = "volume.localdomain.com:8776"


def when(at: float | None) -> str | None:
    """A time as Cinder writes it: UTC, six digits, no zone."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def snapshot_listed(snapshot: Snapshot, _: Call) -> dict[str, Any]:
    """A snapshot as the plain list shows it, whatever the version."""
    return {
        "id": snapshot.id,
        "created_at": when(snapshot.created_at),
        "updated_at": when(snapshot.updated_at),
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": snapshot.volume_id,
        "status": "deleting" if snapshot.status == LINGERING else snapshot.status,
        "size": snapshot.size,
        "metadata": snapshot.metadata,
    }


def snapshot_brief(snapshot: Snapshot, call: Call) -> dict[str, Any]:
    """A snapshot as create and update show it."""
    content = snapshot_listed(snapshot, call)
    if call.version >= (3, 14):
        content["group_snapshot_id"] = None
    if call.version >= (3, 41):
        content["user_id"] = snapshot.user_id
    if call.version >= (3, 65):
        content["consumes_quota"] = True
    return content


def snapshot_full(snapshot: Snapshot, call: Call) -> dict[str, Any]:
    """A snapshot as show and the detailed list show it."""
    content = snapshot_brief(snapshot, call)
    content["os-extended-snapshot-attributes:project_id"] = snapshot.project_id
    content["os-extended-snapshot-attributes:progress"] = snapshot.progress
    return content


def vendor_snapshot_listed(snapshot: Snapshot, call: Call) -> dict[str, Any]:
    return snapshot_full(snapshot, call) | {"service_type": "EVS"}


def links(kind: str, ident: str, call: Call) -> list[dict[str, str]]:
    base = link_base(call)
    version = "v3" if call.is_v3 else "v2"
    path = f"{call.project_id}/{kind}/{ident}"
    return [
        {"rel": "self", "href": f"{base}/{version}/{path}"},
        {"rel": "bookmark", "href": f"{base}/{path}"},
    ]


def link_base(call: Call) -> str:
    return call.request.base_url if call.is_v3 else f"http://{INTERNAL_HOST}"


def volume_brief(volume: Volume, call: Call) -> dict[str, Any]:
    return {
        "id": volume.id,
        "name": _volume_name(volume, call),
        "links": links("volumes", volume.id, call),
    }


def _volume_name(volume: Volume, call: Call) -> str | None:
    """Cinder shows no name as null (recorded in 16), EVS's documents as an empty text."""
    return volume.name or (None if call.is_v3 else "")


def volume_full(volume: Volume, call: Call) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": volume.id,
        "status": volume.status,
        "size": volume.size,
        "availability_zone": volume.availability_zone,
        "created_at": when(volume.created_at),
        "updated_at": when(volume.updated_at),
        "name": _volume_name(volume, call),
        "description": volume.description,
        "volume_type": volume.volume_type,
        "snapshot_id": volume.snapshot_id,
        "source_volid": None,
        "metadata": volume.metadata,
        "links": links("volumes", volume.id, call),
        "user_id": volume.user_id,
        "bootable": "true" if volume.bootable else "false",
        "encrypted": volume.encrypted and call.is_v3,  # EVS: see metadata.__system__encrypted
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": volume.multiattach,
        "attachments": volume.attachments,
    }
    content |= _since(call)
    content["os-vol-tenant-attr:tenant_id"] = volume.project_id
    if call.dialect is not Dialect.V3:
        content |= _evs_additions(volume)
    if call.dialect is Dialect.VENDOR:
        content |= {"tags": {}, "enterprise_project_id": "0"}
    return content


def _since(call: Call) -> dict[str, Any]:
    additions: list[tuple[tuple[int, int], str, Any]] = [
        ((3, 13), "group_id", None),
        ((3, 48), "shared_targets", False),
        ((3, 48), "service_uuid", "5a5e41ce-0000-4000-8000-000000000001"),
        ((3, 63), "volume_type_id", "5a7e0000-0000-4000-8000-000000000001"),
        ((3, 65), "consumes_quota", True),
    ]
    return {name: value for since, name, value in additions if call.version >= since}


def _evs_additions(volume: Volume) -> dict[str, Any]:
    return {
        "shareable": "true" if volume.multiattach else "false",
        "service_type": "EVS",
        "wwn": "6888603" + volume.id.replace("-", "")[-25:],
        "os-volume-replication:extended_status": None,
        "os-vol-host-attr:host": None,
    }
