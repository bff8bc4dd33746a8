"""The sandbox as a WSGI application: identity, storage and compute at the same address.

Paths: `/v3/auth/...` is the identity service, `/v2/{project}/...` and `/v3/{project}/...` the
storage service, `/v2.1/{project}/...` the compute service. With the prefix `/identity` or `/volume`
a request reaches only that service, as in DevStack; without it, `/` and `/v3` belong to both.
`/_sandbox/...` is `control`.
"""

import logging
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from snapshots.sandbox import control, identity_routes, servers, storage
from snapshots.sandbox.context import Context
from snapshots.sandbox.errors import Style, server_error
from snapshots.sandbox.messages import Answer, Delivery, Request
from snapshots.sandbox.options import ErrorStyle, SandboxOptions
from snapshots.sandbox.seeding import seed, seed_servers
from snapshots.sandbox.state import State
from snapshots.sandbox.troubles import PlannedFault

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

_IDENTITY = "/identity"
_VOLUME = "/volume"


class CutConnectionError(Exception):
    """Tells the server to close the connection instead of sending more."""


class Sandbox:
    """A cloud. Thread-safe. `close()` it after use."""

    def __init__(self, options: SandboxOptions | None = None) -> None:
        self.options = options or SandboxOptions()
        self.state = State(self.options.state_file, self.options.clock)
        self.faults: list[PlannedFault] = []
        self._closing = threading.Event()
        if self.state.is_new:
            with self.state.transaction():
                seed(self.state, with_snapshots=self.options.with_snapshots)
        if self.state.had_no_servers:
            with self.state.transaction():
                seed_servers(self.state)

    def close(self) -> None:
        """Release every waiting request, and close the state file."""
        self.release()
        self.state.close()

    def release(self) -> None:
        self._closing.set()

    # --- for tests and demos in the same process ---

    def plan_fault(self, fault: PlannedFault) -> None:
        """Answer the next matching requests with this fault."""
        with self.state.transaction():
            self.faults.append(fault)

    def requests(self) -> list[dict[str, Any]]:
        """Every request received, oldest first; `status` is None for requests without an answer."""
        with self.state.transaction():
            return [dict(row) for row in self.state.rows("SELECT * FROM requests ORDER BY number")]

    # --- requests ---

    def answer(self, request: Request) -> Answer:
        """The cloud's answer to a request."""
        if request.path.startswith(control.PREFIX):
            with self.state.transaction():
                self.state.settle()
                return control.answer(request, self)
        request_id = f"req-{uuid.uuid4()}"
        with self.state.transaction():
            number = self.state.note_request(
                request.method, request.path, request.query, request_id
            )
        answer = self._execute(request, request_id)
        if answer.delivery is Delivery.WHOLE:
            with self.state.transaction():
                self.state.note_answer(number, answer.status)
        delay = answer.delay_seconds + self.options.latency_seconds
        return replace(answer, delay_seconds=delay)

    def _execute(self, request: Request, request_id: str) -> Answer:
        try:
            with self.state.transaction():
                self.state.settle()
                return self._with_faults(request, request_id)
        except Exception:  # what a client sends must not end a cloud
            logger.exception("sandbox: %s %s failed", request.method, request.path)
            style = Style(ErrorStyle.CINDER, request_id)
            return server_error().answer(style)

    def _with_faults(self, request: Request, request_id: str) -> Answer:
        fault = next((fault for fault in self.faults if fault.meets(request)), None)
        if fault is None:
            return self._dispatch(request, request_id, None)
        fault.times -= 1
        if not fault.times:
            self.faults.remove(fault)
        if fault.trouble is not None:
            return self._dispatch(request, request_id, fault)
        if fault.made:
            self._dispatch(request, request_id, None)
        return fault.answer()

    def _dispatch(self, request: Request, request_id: str, fault: PlannedFault | None) -> Answer:
        context = Context(self.state, self.options, request_id, fault.trouble if fault else None)
        if request.path.startswith(f"{_IDENTITY}/"):
            return identity_routes.answer(_below(request, _IDENTITY), context)
        if request.path.startswith(f"{_VOLUME}/"):
            return storage.answer(_below(request, _VOLUME), context, only_v3=True)
        if request.path.startswith(servers.PREFIX):
            return servers.answer(request, context)
        if identity_routes.is_ours(request.path):
            return identity_routes.answer(request, context)
        return storage.answer(request, context)

    # --- WSGI ---

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request. Raises `CutConnectionError` when the server must close the connection
        instead.
        """
        answer = self.answer(_request(environ))
        if answer.delay_seconds:
            self._closing.wait(answer.delay_seconds)
        if answer.delivery is Delivery.NEVER:
            self._closing.wait(self.options.hold_seconds)
            raise CutConnectionError
        status = f"{answer.status} {_phrase(answer.status)}"
        length = ("Content-Length", str(len(answer.body)))
        start_response(status, [*answer.headers, length])
        return _half(answer.body) if answer.delivery is Delivery.CUT else [answer.body]


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise CutConnectionError


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _below(request: Request, prefix: str) -> Request:
    path = request.path.removeprefix(prefix) or "/"
    raw_path = request.raw_path.removeprefix(prefix) or "/"
    return replace(request, path=path, raw_path=raw_path)


def _request(environ: "WSGIEnvironment") -> Request:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    raw_path = environ.get("REQUEST_URI", quote(path)).partition("?")[0]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    query = environ.get("QUERY_STRING", "")
    return Request(environ["REQUEST_METHOD"], path, raw_path, query, headers, body)
