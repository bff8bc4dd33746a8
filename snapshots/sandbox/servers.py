"""The compute service: the list of servers, as Nova answers it without a microversion (OpenStack's
API reference, "List Servers Detailed"; its sample `servers-details-resp.json`). Nothing else of it.
"""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from snapshots.sandbox import access
from snapshots.sandbox.context import Context
from snapshots.sandbox.digits import number_of
from snapshots.sandbox.errors import ApiFault, Fault, Style, bad_request, denied, not_found
from snapshots.sandbox.messages import Answer, Headers, Request, json_answer
from snapshots.sandbox.options import ErrorStyle
from snapshots.sandbox.records import Caller, Server

PREFIX = "/v2.1/"
MOST = 1000  # Nova's `max_limit`; more is cut to it
# Shown in links, as with EVS's: a host that clients cannot reach.
INTERNAL_HOST = "compute.localdomain.com:8774"
_LIST = re.compile(r"/v2\.1/(?P<project_id>[^/]+)/servers/detail")
_HEADERS: Headers = (
    ("OpenStack-API-Version", "compute 2.1"),
    ("X-OpenStack-Nova-API-Version", "2.1"),
    ("Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version"),
)


def answer(request: Request, context: Context) -> Answer:
    """The compute service's answer. What its gateway refuses is worded as the storage's gateway
    does, a fault of Nova as Nova's.
    """
    try:
        reply = _listed(request, context)
    except ApiFault as fault:
        reply = fault.answer(Style(ErrorStyle.CINDER, context.request_id))
    except Fault as fault:
        reply = fault.answer(Style(context.options.errors, context.request_id))
    ids = (
        ("x-openstack-request-id", context.request_id),
        ("x-compute-request-id", context.request_id),
    )
    return replace(reply, headers=(*reply.headers, *_HEADERS, *ids))


def _listed(request: Request, context: Context) -> Answer:
    caller = access.caller_of(request, context.state)
    match = _LIST.fullmatch(request.path)
    if match is None or request.method != "GET":
        raise not_found()
    if match["project_id"] != caller.project_id:
        raise bad_request("Malformed request url")
    if not context.options.may_list_servers:
        raise denied("os_compute_api:servers:detail")
    limit = _limit(request)
    rows = _rows(request, context, caller, limit)
    attached = _attached(context, caller)
    content: dict[str, Any] = {"servers": [_server(row, attached.get(row.id, [])) for row in rows]}
    if rows and len(rows) == limit:
        content["servers_links"] = [{"rel": "next", "href": _next(request, caller, rows)}]
    return json_answer(200, content)


def _limit(request: Request) -> int:
    text = request.last_params.get("limit", str(MOST))
    if not re.fullmatch(r"\d+", text):
        raise bad_request(f"Invalid input for query parameters limit. Value: {text}.")
    return min(number_of(text), MOST) or MOST


def _rows(request: Request, context: Context, caller: Caller, limit: int) -> list[Server]:
    """The newest first. A marker that is not there is a bad request, with Cinder it is a 404."""
    where, values = "project_id = ?", [caller.project_id]
    if marker := request.last_params.get("marker"):
        own = "SELECT created_at, id FROM servers WHERE id = ? AND project_id = ?"
        places = context.state.rows(own, (marker, caller.project_id))
        if not places:
            raise bad_request(f"marker [{marker}] not found")
        where += " AND (created_at, id) < (?, ?)"
        values += places[0]
    rows = context.state.rows(
        f"SELECT * FROM servers WHERE {where} ORDER BY created_at DESC, id DESC LIMIT ?",
        (*values, limit),
    )
    return [Server(**dict(row)) for row in rows]


def _attached(context: Context, caller: Caller) -> dict[str, list[dict[str, str]]]:
    """The volumes at each server."""
    rows = context.state.rows(
        "SELECT v.id, a.value ->> 'server_id' AS server FROM volumes AS v,"
        " json_each(v.attachments) AS a WHERE v.project_id = ?",
        (caller.project_id,),
    )
    attached: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        attached.setdefault(row["server"], []).append({"id": row["id"]})
    return attached


def _server(server: Server, volumes: list[dict[str, str]]) -> dict[str, Any]:
    own = f"http://{INTERNAL_HOST}"
    path = f"{server.project_id}/servers/{server.id}"
    address = hashlib.sha256(server.id.encode()).digest()
    return {
        "id": server.id,
        "name": server.name,
        "status": "ACTIVE",
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "metadata": {},
        "hostId": hashlib.sha224(server.project_id.encode()).hexdigest(),
        "image": "",  # it starts from a volume
        "flavor": {"id": "1", "links": [{"rel": "bookmark", "href": f"{own}/flavors/1"}]},
        "created": _when(server.created_at),
        "updated": _when(server.created_at),
        "addresses": {
            "private": [
                {
                    "version": 4,
                    "addr": f"192.168.{address[0]}.{address[1]}",
                    "OS-EXT-IPS:type": "fixed",
                    "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:" + address[2:5].hex(":"),
                }
            ]
        },
        "accessIPv4": "",
        "accessIPv6": "",
        "links": [
            {"rel": "self", "href": f"{own}/v2.1/{path}"},
            {"rel": "bookmark", "href": f"{own}/{path}"},
        ],
        "OS-DCF:diskConfig": "MANUAL",
        "progress": 0,
        "OS-EXT-AZ:availability_zone": server.availability_zone,
        "config_drive": "",
        "key_name": None,
        "OS-SRV-USG:launched_at": _when(server.created_at).removesuffix("Z") + ".000000",
        "OS-SRV-USG:terminated_at": None,
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
        "os-extended-volumes:volumes_attached": volumes,
        "security_groups": [{"name": "default"}],
    }


def _when(at: int) -> str:
    """A time as Nova writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next(request: Request, caller: Caller, rows: list[Server]) -> str:
    params = [(name, value) for name, value in request.params if name != "marker"]
    params.append(("marker", rows[-1].id))
    path = f"/v2.1/{caller.project_id}/servers/detail"
    return f"http://{INTERNAL_HOST}{path}?{urlencode(params)}"
