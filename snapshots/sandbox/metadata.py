"""A snapshot's metadata, key by key (docs/evs-api.md, Dialects; recorded in 12)."""

from snapshots.sandbox import evs_bodies, schemas
from snapshots.sandbox.call import Call
from snapshots.sandbox.errors import ApiFault, bad_request
from snapshots.sandbox.messages import Answer, empty_answer, json_answer
from snapshots.sandbox.records import Snapshot


def show_all(call: Call) -> Answer:
    return json_answer(200, {"metadata": call.snapshot(call.path["id"]).metadata})


def show_one(call: Call) -> Answer:
    snapshot, key = _with_key(call)
    return json_answer(200, {"meta": {key: snapshot.metadata[key]}})


def merge(call: Call) -> Answer:
    return _change(call, keep=True)


def replace(call: Call) -> Answer:
    return _change(call, keep=False)


def _change(call: Call, *, keep: bool) -> Answer:
    given = _given(call, "metadata")
    snapshot = call.snapshot(call.path["id"])
    call.require_member("volume:update_snapshot_metadata")
    _store(call, snapshot, _merged(call, snapshot.metadata if keep else {}, given))
    return json_answer(200, {"metadata": dict(sorted(snapshot.metadata.items()))})


def set_one(call: Call) -> Answer:
    given = _given(call, "meta")
    if list(given) != [call.path["key"]]:
        raise bad_request("Request body and URI mismatch")
    snapshot = call.snapshot(call.path["id"])
    call.require_member("volume:update_snapshot_metadata")
    _store(call, snapshot, _merged(call, snapshot.metadata, given))
    return json_answer(200, {"meta": given})


def delete_one(call: Call) -> Answer:
    snapshot, key = _with_key(call)
    call.require_member("volume:delete_snapshot_metadata")
    _store(call, snapshot, {k: v for k, v in snapshot.metadata.items() if k != key})
    return empty_answer(200)


def _merged(call: Call, metadata: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """A Cinder on MariaDB compares keys without case: the first spelling stays, with the last value
    (recorded in 16). Of EVS nothing is known.
    """
    merged = dict(metadata)
    for key, value in given.items():
        same = (old for old in merged if call.is_v3 and old.casefold() == key.casefold())
        merged[next(same, key)] = value
    return merged


def _given(call: Call, name: str) -> dict[str, str]:
    if call.is_v3:
        read = schemas.metadata_body if name == "metadata" else schemas.meta_body
        return read(call.body)
    given: dict[str, str] = evs_bodies.member(call.body, name)
    evs_bodies.metadata(given)
    return given


def _with_key(call: Call) -> tuple[Snapshot, str]:
    snapshot, key = call.snapshot(call.path["id"]), call.path["key"]
    if key not in snapshot.metadata:
        message = f"Snapshot {snapshot.id} has no metadata with key {key}."
        raise ApiFault(404, message, "EVS.5404")
    return snapshot, key


def _store(call: Call, snapshot: Snapshot, metadata: dict[str, str]) -> None:
    snapshot.metadata = metadata
    snapshot.updated_at = call.now
    call.state.save_snapshot(snapshot)
