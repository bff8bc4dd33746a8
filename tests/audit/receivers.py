"""Who listens to the trail outside: a hook over HTTP or HTTPS, a syslog server over TCP, TLS or
UDP, and some who misbehave.
"""

import json
import re
import socket
import socketserver
import ssl
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

CERTIFICATE = Path(__file__).resolve().parents[1] / "evs" / "loopback.pem"


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        facts = [json.loads(line) for line in body.splitlines()]
        self.server.got += [(self.headers["Idempotency-Key"], item) for item in facts]
        self.server.seen.append(self.headers)
        if self.server.acts is not None:
            with suppress(OSError):  # who sent it has gone
                self.server.acts(self)
            self.close_connection = True
            return
        self.send_response(self.server.answers)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class _Syslog(socketserver.BaseRequestHandler):
    """Reads to the end, or no further than it is told to."""

    def handle(self):
        stream = self.request.makefile("rb")
        while size := _size(stream):
            if self.server.breaks_after == len(self.server.got):
                self.request.close()
                return
            self.server.got.append(stream.read(size).decode())


def _size(stream):
    digits = b""
    while (item := stream.read(1)) not in {b"", b" "}:
        digits += item
    return int(digits) if digits else 0


class _MaybeTls:
    is_tls = False

    def get_request(self):
        plain, address = super().get_request()
        if not self.is_tls:
            return plain, address
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context.wrap_socket(plain, server_side=True), address

    def handle_error(self, request, address):
        pass  # a client that does not trust us, or has gone


class _HookServer(_MaybeTls, ThreadingHTTPServer):
    pass


class _TcpServer(_MaybeTls, socketserver.ThreadingTCPServer):
    pass


@contextmanager
def a_hook(*, is_tls=False):
    """`acts(handler)`, once set, is called instead of answering; rows it got count as got."""
    with _running(_HookServer(("127.0.0.1", 0), _Hook)) as server:
        server.got, server.seen, server.answers = [], [], 200
        server.acts, server.is_tls = None, is_tls
        yield server


@contextmanager
def a_log_server(*, is_tls=False):
    with _running(_TcpServer(("127.0.0.1", 0), _Syslog)) as server:
        server.got, server.breaks_after, server.is_tls = [], None, is_tls
        yield server


@contextmanager
def somebody_silent():
    """Accepts, and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@contextmanager
def nobody():
    """A port where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        yield receiver


@contextmanager
def _running(server):
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rows_in(messages):
    """The rows that syslog messages (RFC 5424) hold."""
    form = re.compile(
        r"<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 \S+ evsportal \d+ row - "
        r"\ufeff(\{.*\})"
    )
    return [json.loads(form.fullmatch(message)[1]) for message in messages]
