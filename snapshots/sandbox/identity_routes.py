"""The identity service's routes, faults and headers (recorded in 01)."""

import re
from collections.abc import Callable
from dataclasses import replace

from snapshots.sandbox import access, identity, sign_in, signing, versions
from snapshots.sandbox.context import Context
from snapshots.sandbox.errors import Fault, IdentityFault, Style
from snapshots.sandbox.messages import Answer, Request, json_answer
from snapshots.sandbox.options import ErrorStyle

_OURS = re.compile(r"/v3/?|/v3/(auth|users)/.*|/v3/projects")
_MOST_BYTES = 114_688
_TOO_LARGE = (
    b"413 Request Entity Too Large\n\n"
    b"Request is too large. Larger than max_request_body_size (%s).\n\n   "
)
_NO_PAGE = (
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    "<p>The requested URL was not found on the server. If you entered the URL manually please"
    " check your spelling and try again.</p>\n"
)

Handler = Callable[[Request, Context], Answer]


def is_ours(path: str) -> bool:
    """Whether a path without prefix means the identity service."""
    return bool(_OURS.fullmatch(path))


def _root(request: Request, _: Context) -> Answer:
    return versions.identity_root(request)


def _v3(request: Request, _: Context) -> Answer:
    return versions.identity_v3(request)


def _projects(request: Request, context: Context) -> Answer:
    caller = access.caller_of(request, context.state) if signing.is_signed(request) else None
    return identity.projects(request, context, caller)


_ROUTES: tuple[tuple[str, dict[str, Handler]], ...] = (
    (r"/", {"GET": _root}),
    (r"/v3/?", {"GET": _v3}),
    (
        r"/v3/auth/tokens",
        {"GET": identity.validate, "POST": sign_in.issue, "DELETE": identity.revoke},
    ),
    (r"/v3/auth/projects", {"GET": _projects}),
    (r"/v3/projects", {"GET": _projects}),
    (r"/v3/auth/catalog", {"GET": identity.catalog}),
    (r"/v3/users/[^/]+/application_credentials", {"POST": identity.add_credential}),
)


def answer(request: Request, context: Context) -> Answer:
    """The identity service's answer to a request."""
    if len(request.body) > _MOST_BYTES:
        return Answer(413, _TOO_LARGE, (("Content-Type", "text/plain; charset=UTF-8"),))
    try:
        reply = _routed(request, context)
    except IdentityFault as fault:
        reply = fault.answer(Style(context.options.errors, context.request_id))
    except Fault as fault:
        reply = fault.answer(Style(ErrorStyle.EVS, context.request_id))
    headers = (
        *reply.headers,
        ("Vary", "X-Auth-Token"),
        ("x-openstack-request-id", context.request_id),
    )
    return replace(reply, headers=headers)


def _routed(request: Request, context: Context) -> Answer:
    for path, handlers in _ROUTES:
        if not re.fullmatch(path, request.path):
            continue
        if request.method in handlers:
            return handlers[request.method](request, context)
        message = {"message": "The method is not allowed for the requested URL."}
        allowed = ", ".join([*handlers, "HEAD", "OPTIONS"])
        return json_answer(405, message, (("Allow", allowed),))
    return Answer(404, _NO_PAGE.encode(), (("Content-Type", "text/html; charset=utf-8"),))
