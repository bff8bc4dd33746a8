"""A scripted HTTP server on a loopback port, and helpers for the client's tests."""

import json
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from snapshots.evs.clock import Clock
from snapshots.evs.config import CloudConfig, PasswordCredentials

PROJECT = "0c2eba2c5af04d3f9e9d0d410b371fde"


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Reply:
    status: int = 200
    body: object = b""
    headers: dict = field(default_factory=dict)

    def bytes(self):
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Raw:
    """An answer written byte by byte: `write(socket)`; the connection is closed after it."""

    def __init__(self, write):
        self.write = write


def silence(seconds):
    """An answer that is only waited for."""
    return Raw(lambda _sock: time.sleep(seconds))


CUT = Raw(lambda _sock: None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one piece, or each answer waits for a delayed ACK

    def _serve(self):
        length = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        self.server.owner.requests.append(request)
        reply = self.server.owner.reply_to(request)
        if isinstance(reply, Raw):
            self.close_connection = True
            with suppress(OSError):
                reply.write(self.connection)
            return
        self._write(reply)

    def _write(self, reply):
        body = reply.bytes()
        self.send_response_only(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        with suppress(OSError):
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    tls = None

    def handle_error(self, request, client_address):
        """Connections that end in strange ways are what these tests are about."""

    def get_request(self):
        sock, address = super().get_request()
        self.owner.connections += 1
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.owner.sockets.append(sock)
        return sock, address


class Loopback:
    """Answers from `script` (Reply, Raw or a function of the request), then with `otherwise`."""

    def __init__(self):
        self.requests = []
        self.script = deque()
        self.otherwise = Reply(404)
        self.connections = 0
        self.sockets = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def reply_to(self, request):
        try:
            reply = self.script.popleft()
        except IndexError:
            reply = self.otherwise
        return reply(request) if callable(reply) else reply

    def wrap_tls(self, context):
        self._server.tls = context
        self.url = self.url.replace("http:", "https:")

    def drop_idle_connections(self):
        for sock in self.sockets:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            sock.close()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self.drop_idle_connections()
        self._server.server_close()


class FakeCloud(Loopback):
    """Keystone and block storage at one port: signs in on its own, the rest is scripted."""

    password = "right"

    def __init__(self):
        super().__init__()
        self.logins = []
        self.login_reply = None
        self.token_seconds = 3600

    def reply_to(self, request):
        if not request.path.endswith("/auth/tokens"):
            return super().reply_to(request)
        self.logins.append(request)
        if self.login_reply:
            reply = self.login_reply
            return reply(request) if callable(reply) else reply
        return self.sign_in(request)

    def sign_in(self, request):
        user = request.json["auth"]["identity"]["password"]["user"]
        if user["password"] != self.password:
            return Reply(401, {"error": {"code": 401, "message": "Wrong.", "title": "No"}})
        issued = datetime(2026, 1, 15, 12, tzinfo=UTC)
        expires = issued + timedelta(seconds=self.token_seconds)
        token = {
            "issued_at": issued.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "project": {"id": PROJECT, "name": "demo-project"},
            "catalog": self.catalog(),
        }
        return Reply(201, {"token": token}, {"X-Subject-Token": f"token-{len(self.logins)}"})

    def catalog(self):
        urls = {"volumev2": f"{self.url}/v2/{PROJECT}", "volumev3": f"{self.url}/v3/{PROJECT}"}
        return [
            {
                "type": kind,
                "endpoints": [
                    {"interface": "internal", "region": "here", "url": "http://127.0.0.1:9/v2/x"},
                    {"interface": "public", "region": "there", "url": "http://127.0.0.1:9/v2/x"},
                    {"interface": "public", "region": "here", "url": url},
                ],
            }
            for kind, url in urls.items()
        ]

    @property
    def calls(self):
        """The requests that were no logins, as "METHOD path"."""
        calls = [r for r in self.requests if r not in self.logins]
        return [f"{r.method} {r.path.replace(PROJECT, '{p}')}" for r in calls]

    def config(self, **changes):
        credentials = {
            "auth_url": f"{self.url}/v3",
            "username": "portal",
            "password": "right",
            "user_domain_name": "Default",
            "project_name": "demo",
        } | changes.pop("credentials", {})
        settings = {
            "name": "fake",
            "region": "here",
            "calls_per_second": 0,
            "auth": PasswordCredentials(**credentials),
        }
        return CloudConfig(**(settings | changes))


class Hand:
    """A clock moved by hand; who sleeps moves it."""

    def __init__(self):
        self.seconds = 1000.0
        self.slept = []
        start = datetime(2026, 1, 15, 12, tzinfo=UTC)
        self.clock = Clock(
            now=lambda: start + timedelta(seconds=self.seconds - 1000),
            monotonic=lambda: self.seconds,
            sleep=self._sleep,
        )

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds


class Recording:
    """A recorder that keeps lines such as "open create POST", "202", "Timeout"."""

    def __init__(self):
        self.events = []
        self.open = 0
        self.partial = None
        self.refuse = None

    def opened(self, request):
        if self.refuse:
            raise self.refuse
        self.open += 1
        self.events.append(f"open {request.purpose} {request.method}")

    def answered(self, _request, answer):
        self.open -= 1
        self.events.append(str(answer.status))

    def failed(self, _request, error, *, elapsed_ms, answer):
        assert elapsed_ms > 0
        self.open -= 1
        self.partial = answer
        self.events.append(type(error).__name__)


def snapshot(number, **changes):
    row = {
        "id": f"snapshot-{number}",
        "name": f"name-{number}",
        "status": "available",
        "volume_id": "volume-1",
        "size": 10,
    }
    return row | changes
