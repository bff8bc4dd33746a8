"""The sandbox's own routes, which no cloud has, for tests and demos. Not counted as requests.

`GET /_sandbox/requests`
    every request received: `total`, `counts` by "METHOD path", and `requests` one by one,
    oldest first; a `status` of null means that nothing (or not all) was answered
`DELETE /_sandbox/requests`
    forgets them
`GET /_sandbox/snapshots`, `GET /_sandbox/volumes`
    all of them, of all projects, with metadata
`POST /_sandbox/volumes`
    adds volumes and answers their ids: `{"count": 100, "name": "load", "size_gb": 1}`
`POST /_sandbox/volumes/{id}`
    changes `status`, `name` or `trouble`
`DELETE /_sandbox/volumes/{id}`
    removes it with its snapshots, as deleting a disk does (FAQ-0102)
`POST /_sandbox/snapshots`
    adds an available snapshot that no portal made: `{"volume_id": ..., "name": "by hand"}`
`POST /_sandbox/snapshots/{id}`
    changes `status`, `name`, `description` or `metadata`; it then stays so
`DELETE /_sandbox/snapshots/{id}`
    removes it at once
`POST /_sandbox/servers`
    adds servers and answers their ids: `{"count": 500, "name": "load"}`
`POST /_sandbox/servers/{id}`
    changes its `name`, or adds a server of this id
`DELETE /_sandbox/servers/{id}`
    removes it; what was attached to it stays so
`POST /_sandbox/faults`
    plans what the next requests meet (see `PlannedFault`): `{"times": 2, "trouble": "slow"}`
    or `{"status": 503, "body": "<html>", "made": true}`
`DELETE /_sandbox/faults`
    forgets them
`POST /_sandbox/tokens/expire`
    makes every token expire now
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from snapshots.sandbox.call import new_id
from snapshots.sandbox.messages import Answer, Request, json_answer
from snapshots.sandbox.records import Server, Snapshot, Volume, to_columns
from snapshots.sandbox.scenarios import PROJECT_ID, USERS, ZONE_A
from snapshots.sandbox.state import State
from snapshots.sandbox.troubles import PlannedFault, planned_from
from snapshots.sandbox.views import when

PREFIX = "/_sandbox/"


class Controlled(Protocol):
    """The parts of a sandbox that the control routes use."""

    state: State
    faults: list[PlannedFault]

    def plan_fault(self, fault: PlannedFault) -> None: ...
    def requests(self) -> list[dict[str, Any]]: ...


def answer(request: Request, sandbox: Controlled) -> Answer:
    """Execute a control request; 400 with a sentence when it cannot be executed."""
    for method, path, handler in _ROUTES:
        match = re.fullmatch(path, request.path.removeprefix(PREFIX))
        if match and method == request.method:
            try:
                body = json.loads(request.body or b"{}")
                return json_answer(200, handler(sandbox, body, *match.groups()))
            except (KeyError, TypeError, ValueError) as problem:
                return json_answer(400, {"error": f"{type(problem).__name__}: {problem}"})
    return json_answer(404, {"error": "no such control route"})


def _requests(sandbox: Controlled, _: Any) -> Any:
    requests = sandbox.requests()
    counts = Counter(f"{r['method']} {r['path']}" for r in requests)
    return {"total": len(requests), "counts": counts, "requests": requests}


def _forget_requests(sandbox: Controlled, _: Any) -> Any:
    return {"forgotten": sandbox.state.change("DELETE FROM requests")}


def _snapshots(sandbox: Controlled, _: Any) -> Any:
    rows = sandbox.state.rows("SELECT * FROM snapshots ORDER BY created_at, id")
    return {"snapshots": [_content(Snapshot.from_row(row)) for row in rows]}


def _volumes(sandbox: Controlled, _: Any) -> Any:
    rows = sandbox.state.rows("SELECT * FROM volumes ORDER BY created_at, id")
    return {"volumes": [_content(Volume.from_row(row)) for row in rows]}


def _content(record: Snapshot | Volume) -> dict[str, Any]:
    content = to_columns(record) | {"metadata": record.metadata}
    return content | {"created_at": when(record.created_at), "updated_at": when(record.updated_at)}


def _add_volumes(sandbox: Controlled, body: Any) -> Any:
    name, now = body.get("name", "volume"), int(sandbox.state.clock())
    ids = [new_id() for _ in range(int(body.get("count", 1)))]
    for number, ident in enumerate(ids, 1):
        volume = Volume(
            id=ident,
            project_id=body.get("project_id", PROJECT_ID),
            user_id=USERS[0].id,
            name=f"{name}-{number}" if len(ids) > 1 else name,
            size=int(body.get("size_gb", 1)),
            created_at=now,
            updated_at=now,
            availability_zone=ZONE_A,
            status=body.get("status", "available"),
            trouble=body.get("trouble", ""),
        )
        sandbox.state.add_volume(volume)
    return {"ids": ids}


def _change_volume(sandbox: Controlled, body: Any, ident: str) -> Any:
    volume = sandbox.state.volume(ident)
    if volume is None:
        raise KeyError(ident)
    _change(volume, body, ("status", "name", "trouble"))
    sandbox.state.plan("volumes", ident)
    sandbox.state.save_volume(volume)
    return _content(volume)


def _remove_volume(sandbox: Controlled, _: Any, ident: str) -> Any:
    sandbox.state.change("DELETE FROM snapshots WHERE volume_id = ?", (ident,))
    return {"removed": sandbox.state.change("DELETE FROM volumes WHERE id = ?", (ident,))}


def _add_snapshot(sandbox: Controlled, body: Any) -> Any:
    volume = sandbox.state.volume(body["volume_id"])
    if volume is None:
        raise KeyError(body["volume_id"])
    snapshot = Snapshot(
        id=new_id(),
        project_id=volume.project_id,
        user_id=USERS[0].id,
        volume_id=volume.id,
        name=body.get("name"),
        description=body.get("description"),
        status=body.get("status", "available"),
        size=volume.size,
        metadata=body.get("metadata", {}),
        created_at=int(sandbox.state.clock()),
        progress="100%",
    )
    sandbox.state.add_snapshot(snapshot)
    return _content(snapshot)


def _change_snapshot(sandbox: Controlled, body: Any, ident: str) -> Any:
    snapshot = sandbox.state.snapshot(ident)
    if snapshot is None:
        raise KeyError(ident)
    _change(snapshot, body, ("status", "name", "description", "metadata"))
    snapshot.updated_at = int(sandbox.state.clock())
    sandbox.state.plan("snapshots", ident)
    sandbox.state.save_snapshot(snapshot)
    return _content(snapshot)


def _remove_snapshot(sandbox: Controlled, _: Any, ident: str) -> Any:
    return {"removed": sandbox.state.change("DELETE FROM snapshots WHERE id = ?", (ident,))}


def _add_servers(sandbox: Controlled, body: Any) -> Any:
    name = body.get("name", "server")
    ids = [new_id() for _ in range(int(body.get("count", 1)))]
    for number, ident in enumerate(ids, 1):
        _add_server(sandbox, ident, f"{name}-{number}" if len(ids) > 1 else name)
    return {"ids": ids}


def _add_server(sandbox: Controlled, ident: str, name: str | None) -> None:
    server = Server(
        id=ident,
        project_id=PROJECT_ID,
        user_id=USERS[0].id,
        name=name,
        availability_zone=ZONE_A,
        created_at=int(sandbox.state.clock()),
    )
    sandbox.state.add_server(server)


def _change_server(sandbox: Controlled, body: Any, ident: str) -> Any:
    name = body["name"]
    if not sandbox.state.change("UPDATE servers SET name = ? WHERE id = ?", (name, ident)):
        _add_server(sandbox, ident, name)
    return {"id": ident, "name": name}


def _remove_server(sandbox: Controlled, _: Any, ident: str) -> Any:
    return {"removed": sandbox.state.change("DELETE FROM servers WHERE id = ?", (ident,))}


def _change(record: object, body: dict[str, Any], allowed: tuple[str, ...]) -> None:
    for name, value in body.items():
        if name not in allowed:
            raise ValueError(f"only {', '.join(allowed)} can be changed, not {name}")
        setattr(record, name, value)


def _plan_fault(sandbox: Controlled, body: Any) -> Any:
    sandbox.plan_fault(planned_from(body))
    return {"planned": len(sandbox.faults)}


def _forget_faults(sandbox: Controlled, _: Any) -> Any:
    sandbox.faults.clear()
    return {"planned": 0}


def _expire_tokens(sandbox: Controlled, _: Any) -> Any:
    now = sandbox.state.clock()
    return {"expired": sandbox.state.change("UPDATE tokens SET expires_at = ?", (now,))}


_ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "requests", _requests),
    ("DELETE", "requests", _forget_requests),
    ("GET", "snapshots", _snapshots),
    ("POST", "snapshots", _add_snapshot),
    ("GET", "volumes", _volumes),
    ("POST", "volumes", _add_volumes),
    ("POST", "volumes/([^/]+)", _change_volume),
    ("DELETE", "volumes/([^/]+)", _remove_volume),
    ("POST", "snapshots/([^/]+)", _change_snapshot),
    ("DELETE", "snapshots/([^/]+)", _remove_snapshot),
    ("POST", "servers", _add_servers),
    ("POST", "servers/([^/]+)", _change_server),
    ("DELETE", "servers/([^/]+)", _remove_server),
    ("POST", "faults", _plan_fault),
    ("DELETE", "faults", _forget_faults),
    ("POST", "tokens/expire", _expire_tokens),
)
