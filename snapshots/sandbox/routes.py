"""Which path leads to which handler."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from snapshots.sandbox import metadata, quotas, rollbacks, snapshots, volumes
from snapshots.sandbox.call import Call, Dialect
from snapshots.sandbox.messages import Answer, json_answer
from snapshots.sandbox.scenarios import ZONE_A, ZONE_B

Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    method: str
    path: re.Pattern[str]
    handler: Handler
    dialects: tuple[Dialect, ...]


@dataclass(frozen=True)
class Match:
    handler: Handler
    dialect: Dialect
    project_id: str | None
    path: dict[str, str]


def zones(call: Call) -> Answer:
    entries = [{"zoneName": zone, "zoneState": {"available": True}} for zone in (ZONE_A, ZONE_B)]
    return json_answer(200, {"availabilityZoneInfo": entries})


def types(call: Call) -> Answer:
    return json_answer(200, {"volume_types": [volumes.DEFAULT_TYPE]})


def services(call: Call) -> Answer:
    call.require_admin("volume_extension:services:index")
    return json_answer(200, {"services": []})


_BOTH = (Dialect.V3, Dialect.V2)
_V3 = (Dialect.V3,)
_VENDOR = (Dialect.VENDOR,)

_TABLE: tuple[tuple[str, str, Handler, tuple[Dialect, ...]], ...] = (
    ("POST", "snapshots", snapshots.create, _BOTH),
    ("GET", "snapshots", snapshots.list_brief, _BOTH),
    ("GET", "snapshots/detail", snapshots.list_detail, _BOTH),
    ("GET", "snapshots/{id}", snapshots.show, _BOTH),
    ("PUT", "snapshots/{id}", snapshots.update, _BOTH),
    ("DELETE", "snapshots/{id}", snapshots.delete, _BOTH),
    ("POST", "snapshots/{id}/action", volumes.act_on_snapshot, _V3),
    ("GET", "snapshots/{id}/metadata", metadata.show_all, _BOTH),
    ("POST", "snapshots/{id}/metadata", metadata.merge, _BOTH),
    ("PUT", "snapshots/{id}/metadata", metadata.replace, _BOTH),
    ("GET", "snapshots/{id}/metadata/{key}", metadata.show_one, _BOTH),
    ("PUT", "snapshots/{id}/metadata/{key}", metadata.set_one, _BOTH),
    ("DELETE", "snapshots/{id}/metadata/{key}", metadata.delete_one, _BOTH),
    ("POST", "os-vendor-snapshots/{id}/rollback", rollbacks.rollback, _BOTH),
    ("POST", "cloudsnapshots", snapshots.create, _VENDOR),
    ("GET", "cloudsnapshots/detail", snapshots.list_detail, _VENDOR),
    ("GET", "cloudsnapshots/{id}", snapshots.show, _VENDOR),
    ("PUT", "cloudsnapshots/{id}", snapshots.update, _VENDOR),
    ("DELETE", "cloudsnapshots/{id}", snapshots.delete, _VENDOR),
    ("POST", "cloudsnapshots/{id}/rollback", rollbacks.rollback, _VENDOR),
    ("GET", "volumes", volumes.list_brief, _BOTH),
    ("GET", "volumes/detail", volumes.list_detail, _BOTH),
    ("GET", "volumes/{id}", volumes.show, _BOTH),
    ("POST", "volumes", volumes.create, _BOTH),
    ("DELETE", "volumes/{id}", volumes.delete, _V3),
    ("POST", "volumes/{id}/action", volumes.act, _V3),
    ("GET", "cloudvolumes/detail", volumes.list_detail, _VENDOR),
    ("GET", "cloudvolumes/{id}", volumes.show, _VENDOR),
    ("GET", "os-quota-sets/{target}", quotas.show, _BOTH),
    ("PUT", "os-quota-sets/{target}", quotas.change, _V3),
    ("GET", "limits", quotas.limits, _BOTH),
    ("GET", "os-availability-zone", zones, _BOTH),
    ("GET", "types", types, _BOTH),
    ("GET", "os-services", services, _V3),
)
_PROJECT_ID = r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _compiled(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


ROUTES = tuple(
    Route(method, _compiled(path), handler, dialects) for method, path, handler, dialects in _TABLE
)
_V3_PATH = re.compile(rf"/(?P<version>v3)(?:/(?P<project_id>{_PROJECT_ID}))?/(?P<rest>.+)")
_V2_PATH = re.compile(r"/(?P<version>v2)/(?P<project_id>[^/]+)/(?P<rest>.+)")


def is_project_id(text: str) -> bool:
    return bool(re.fullmatch(_PROJECT_ID, text))


def find(method: str, path: str) -> Match | None:
    """The handler of a path below `/v2` or `/v3`."""
    parts = _V3_PATH.fullmatch(path) or _V2_PATH.fullmatch(path)
    if parts is None:
        return None
    is_v3 = parts["version"] == "v3"
    for route in ROUTES:
        dialect = _dialect(route, is_v3=is_v3)
        match = route.path.fullmatch(parts["rest"])
        if dialect and match and route.method == method:
            return Match(route.handler, dialect, parts["project_id"], match.groupdict())
    return None


def _dialect(route: Route, *, is_v3: bool) -> Dialect | None:
    dialects = (Dialect.V3,) if is_v3 else (Dialect.V2, Dialect.VENDOR)
    return next((dialect for dialect in route.dialects if dialect in dialects), None)
