"""The sandbox as an HTTP/1.1 server on loopback: keeps connections open, a thread for each, and
may cut them.

In a test::

    with SandboxServer(SandboxOptions(seconds=0)) as server:
        requests.get(f"{server.url}/v3")
"""

import contextlib
import http.server
import io
import logging
import socket
import socketserver
import threading
from collections.abc import Iterable
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_to_bytes

from snapshots.sandbox.app import CutConnectionError, Sandbox
from snapshots.sandbox.digits import number_of
from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.troubles import PlannedFault

LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 5.0
_MOST_BODY_BYTES = 16 * 2**20

logger = logging.getLogger(__name__)


class SandboxServer:
    """A running sandbox. Port 0 takes any free port; `url` has it.

    `start` raises OSError when the port is taken.
    """

    def __init__(self, options: SandboxOptions | None = None, port: int = 0) -> None:
        self.options = options or SandboxOptions()
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._sandbox: Sandbox | None = None

    def start(self) -> Self:
        server = _Server((LOOPBACK, self._port), _Handler)
        try:
            self._sandbox = server.sandbox = Sandbox(self.options)
        except BaseException:
            server.server_close()
            raise
        self._server, self._port = server, server.server_address[1]
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop at once: release waiting requests and close open connections."""
        if self._server is None or self._thread is None:
            return
        self.sandbox.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.close_connections()
        self.sandbox.close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def auth_url(self) -> str:
        """The address of the identity service, as clients are configured with it."""
        return f"{self.url}/v3"

    @property
    def port(self) -> int:
        return self._port

    @property
    def sandbox(self) -> Sandbox:
        """The running cloud.

        Raises RuntimeError before the server was started.
        """
        if self._sandbox is None:
            raise RuntimeError("the sandbox has not been started")
        return self._sandbox

    def plan_fault(self, fault: PlannedFault) -> None:
        """Answer the next matching requests with this fault."""
        self.sandbox.plan_fault(fault)

    def requests(self) -> list[dict[str, Any]]:
        """Every request received, oldest first."""
        return self.sandbox.requests()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    sandbox: Sandbox

    def __init__(self, address: tuple[str, int], handler: type["_Handler"]) -> None:
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def close_connections(self) -> None:
        """Ends the threads of all open connections, and waits for them."""
        with self._changed:
            for connection in self._connections:
                _shut(connection)
            self._changed.wait_for(lambda: not self._connections, timeout=_STOP_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.error("sandbox: a request failed", exc_info=True)  # noqa: LOG014 - called in a handler


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already closed by the client
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def handle_one_request(self) -> None:
        """Any method, known or not, reaches the sandbox."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self._serve()
        except (ConnectionError, TimeoutError, CutConnectionError):
            self.close_connection = True

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or number_of(length) > _MOST_BODY_BYTES or self._is_chunked:
            self.close_connection = True
            self.send_error(411 if self._is_chunked else 413)
            return
        body = self.rfile.read(int(length))
        chunks = self.server.sandbox(self._environ(body), self._start)
        self._send(chunks)

    @property
    def _is_chunked(self) -> bool:
        return "Transfer-Encoding" in self.headers

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "REQUEST_URI": self.path,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        return environ

    def _start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        now = self.server.sandbox.options.clock()
        lines = [
            f"{self.protocol_version} {status}",
            "Server: sandbox",
            f"Date: {formatdate(now, usegmt=True)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def _send(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            if self.command != "HEAD":
                self.wfile.write(chunk)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        logger.debug(format, *args)
