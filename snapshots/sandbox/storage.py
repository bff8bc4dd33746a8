"""The storage service's requests: authentication, version, route, body, and the headers of every
answer.

The checks have Cinder's order (recorded in 02, 06, 09): token, route, version, body, project.
"""

import json
from dataclasses import replace

from snapshots.sandbox import access, routes, versions
from snapshots.sandbox.call import Call, Dialect, Microversion
from snapshots.sandbox.context import Context
from snapshots.sandbox.errors import (
    MALFORMED,
    ApiFault,
    Fault,
    Style,
    bad_request,
    not_found,
    server_error,
    too_large,
)
from snapshots.sandbox.messages import Answer, Headers, Json, Request, empty_answer
from snapshots.sandbox.options import ErrorStyle

_MOST_BYTES = 114_688  # oslo.middleware's default (recorded)
_MOST_BYTES_AT_GATEWAY = 12 * 2**20  # what the gateway documents
_WITH_BODY = ("POST", "PUT")


def answer(request: Request, context: Context, *, only_v3: bool = False) -> Answer:
    """The storage service's answer. `only_v3`: as a Cinder that no longer has v2."""
    if request.path in ("", "/"):
        root = versions.recorded_storage_root if only_v3 else versions.storage_root
        return _with_version(root(request), context, versions.LOWEST)
    is_v3 = only_v3 or not request.path.startswith("/v2")
    errors = ErrorStyle.CINDER if is_v3 else context.options.errors
    style = Style(errors, context.request_id)
    if request.method == "HEAD":
        return _with_ids(empty_answer(404), context, is_v3=is_v3)
    if request.method == "OPTIONS":
        return _with_ids(Answer(200), context, is_v3=is_v3)
    try:
        handler, call = _call(request, context, is_v3=is_v3, only_v3=only_v3)
    except Fault as fault:
        return _refusal(fault, fault.answer(style), context, is_v3=is_v3)
    return _execute(handler, call, context, style)


def _execute(handler: routes.Handler, call: Call, context: Context, style: Style) -> Answer:
    """The handler's answer or refusal, with the headers of the negotiated version."""
    try:
        call = _with_body(call)
        _check_project(call)
        reply = handler(call)
    except Fault as fault:
        reply = fault.answer(style)
        if not fault.with_version_header:
            return _with_ids(reply, context, is_v3=call.is_v3)
    if not call.is_v3:
        return _with_ids(reply, context, is_v3=False)
    return _with_version(reply, context, call.version)


# --- checks ---


def _call(
    request: Request, context: Context, *, is_v3: bool, only_v3: bool
) -> tuple[routes.Handler, Call]:
    behind_gateway = not is_v3 and context.options.errors is ErrorStyle.EVS
    if len(request.body) > (_MOST_BYTES_AT_GATEWAY if behind_gateway else _MOST_BYTES):
        raise too_large()
    caller = access.caller_of(request, context.state)
    route = routes.find(request.method, request.path)
    if route is None or (only_v3 and route.dialect is not Dialect.V3):
        raise not_found()
    version = versions.asked(request) if is_v3 else (2, 0)
    path = route.path | ({"project_id": route.project_id} if route.project_id else {})
    call = Call(request, context.state, context.options, caller, route.dialect, version, path)
    return route.handler, replace(call, trouble=context.trouble)


def _check_project(call: Call) -> None:
    asked = call.path.get("project_id")
    if asked is None or asked == call.caller.project_id:
        return
    if call.is_v3 or call.options.errors is ErrorStyle.CINDER:
        raise bad_request("Malformed request url")
    if not routes.is_project_id(asked):
        raise bad_request("The project id in the URL is not valid.", "EVS.0001")
    raise bad_request("The project id in the URL is not the same as in the token.", "Common.0018")


def _with_body(call: Call) -> Call:
    request = call.request
    if call.is_v3:
        return replace(call, body=_v3_body(request))
    if request.method not in _WITH_BODY:
        return call
    if request.content_type not in ("application/json", ""):
        raise ApiFault(415, "Unsupported Content-Type", "EVS.1013")
    return replace(call, body=_parsed(request.body, "EVS.1013"))


def _v3_body(request: Request) -> Json:
    """A body as Cinder reads it: without a content type there is no body, and a missing body is an
    internal error.
    """
    if not request.body or not request.content_type:
        if request.method in _WITH_BODY:
            raise server_error()
        return None
    if request.content_type != "application/json":
        raise ApiFault(415, "Unsupported Content-Type")
    body = _parsed(request.body, "EVS.5400")
    if request.method not in _WITH_BODY:
        raise bad_request(MALFORMED)
    return body


def _parsed(body: bytes, code: str) -> Json:
    try:
        return json.loads(body.decode())
    except RecursionError:
        raise server_error() from None
    except ValueError:
        raise bad_request("Malformed request body", code) from None


# --- headers ---


def _refusal(fault: Fault, reply: Answer, context: Context, *, is_v3: bool) -> Answer:
    if isinstance(fault, ApiFault) and is_v3:
        version = fault.version if isinstance(fault, versions.UnknownVersionError) else None
        if version and fault.with_version_header:
            return _with_version(reply, context, version)
        return _with_headers(reply, (("x-compute-request-id", context.request_id), *_ids(context)))
    return _with_ids(reply, context, is_v3=is_v3)


def _with_version(reply: Answer, context: Context, version: Microversion) -> Answer:
    headers: Headers = (
        (versions.HEADER, f"volume {versions.text_of(version)}"),
        ("Vary", versions.HEADER),
    )
    if ("Content-Type", "application/json") in reply.headers:
        headers = (("x-compute-request-id", context.request_id), *headers)
    return _with_headers(reply, (*headers, *_ids(context)))


def _with_ids(reply: Answer, context: Context, *, is_v3: bool) -> Answer:
    if is_v3 or context.options.errors is ErrorStyle.CINDER:
        return _with_headers(reply, _ids(context))
    gateway_id = context.request_id.removeprefix("req-").replace("-", "")
    headers = (("X-Request-Id", gateway_id), ("x-compute-request-id", context.request_id))
    return _with_headers(reply, (*headers, *_ids(context)))


def _ids(context: Context) -> Headers:
    return (("x-openstack-request-id", context.request_id),)


def _with_headers(reply: Answer, headers: Headers) -> Answer:
    return replace(reply, headers=(*reply.headers, *headers))
