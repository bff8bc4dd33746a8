"""The request bodies that the v2 dialects accept: limits in bytes, unknown members ignored (SEED,
A-2016; docs/evs-api.md, Limits).

No document says which code EVS gives for a snapshot's bad name (EVS.1003/1004 are about disks), so
it is EVS.5400 here. The documents only advise against the prefix `autobk_snapshot`, so it is
accepted.
"""

from typing import Any

from snapshots.sandbox.errors import bad_request
from snapshots.sandbox.messages import Json
from snapshots.sandbox.schemas import force

MOST_BYTES = 255
LEAST_GIGABYTES = 10
_COPIED_KEYS = frozenset({"__system__encrypted", "__system__cmkid", "hw:passthrough"})
BACKUP_PREFIXES = ("autobk_snapshot", "manualbk_snapshot")


def member(body: Json, name: str) -> dict[str, Any]:
    """The object of this name in a body.

    Raises ApiFault: 400 EVS.1013 when there is none.
    """
    if not isinstance(body, dict) or not isinstance(body.get(name), dict):
        raise bad_request(f"Missing required element '{name}' in request body.", "EVS.1013")
    inner: dict[str, Any] = body[name]
    return inner


def create_body(body: Json) -> dict[str, Any]:
    """The `snapshot` member of a create request.

    Raises ApiFault: 400.
    """
    given = member(body, "snapshot")
    if not given.get("volume_id"):
        raise bad_request("'volume_id' must be specified")
    if not isinstance(given["volume_id"], str):
        raise bad_request("'volume_id' must be a string", "EVS.1018")
    for name in ("name", "description"):
        text(name, given.get(name))
    if "force" in given:
        force(given["force"])
    metadata(given.get("metadata"))
    return given


def update_body(body: Json) -> dict[str, Any]:
    """The `snapshot` member of an update request.

    Raises ApiFault: 400, also when it has neither name nor description (CIN).
    """
    given = member(body, "snapshot")
    changes: dict[str, Any] = {
        name: given[name] for name in ("name", "description") if name in given
    }
    if not changes:
        raise bad_request("Must specify at least one of: name, description")
    for name, value in changes.items():
        text(name, value)
    return changes


def volume_body(body: Json) -> dict[str, Any]:
    """The `volume` member of a create request (evs_04_2065).

    Raises ApiFault: 400, also without size or zone, which Cinder does not require.
    """
    given = member(body, "volume")
    size = given.get("size")
    if not isinstance(size, int) or isinstance(size, bool):
        raise bad_request("'size' must be an integer", "EVS.1018")
    if size < LEAST_GIGABYTES:
        raise bad_request(f"'size' of a data disk must be at least {LEAST_GIGABYTES}")
    if not given.get("availability_zone"):
        raise bad_request("'availability_zone' must be specified", "EVS.2054")
    for name in ("name", "description", "availability_zone", "volume_type", "snapshot_id"):
        text(name, given.get(name))
    metadata(given.get("metadata"))
    copied = sorted(_COPIED_KEYS.intersection(given.get("metadata") or {}))
    if copied and given.get("snapshot_id"):
        raise bad_request(f"{copied[0]} follows the snapshot and cannot be set", "EVS.1043")
    return given


def text(name: str, value: Json) -> None:
    if value is not None and not isinstance(value, str):
        raise bad_request(f"'{name}' must be a string", "EVS.1018")
    if value and len(value.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise bad_request(f"'{name}' must be no longer than {MOST_BYTES} bytes")


def metadata(value: Json) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise bad_request("'metadata' must be an object", "EVS.1018")
    for key, entry in value.items():
        if not isinstance(entry, str):
            raise bad_request("Metadata values must be strings", "EVS.1018")
        if not 1 <= len(key) <= MOST_BYTES or len(entry) > MOST_BYTES:
            raise bad_request("Metadata keys and values must be no longer than 255 characters")
