"""Who listens to the trail outside: a hook over HTTP, a syslog server over TCP or TLS."""

import json
import re
import socketserver
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

CERTIFICATE = Path(__file__).resolve().parents[1] / "evs" / "loopback.pem"


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = [json.loads(line) for line in body.splitlines()]
        self.server.got += [(self.headers["Idempotency-Key"], one) for one in told]
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
    while (one := stream.read(1)) not in {b"", b" "}:
        digits += one
    return int(digits) if digits else 0


class _TlsServer(socketserver.ThreadingTCPServer):
    is_tls = False

    def get_request(self):
        plain, address = super().get_request()
        if not self.is_tls:
            return plain, address
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context.wrap_socket(plain, server_side=True), address

    def handle_error(self, request, address):
        pass  # a client that does not trust us


@contextmanager
def a_hook():
    with _running(HTTPServer(("127.0.0.1", 0), _Hook)) as server:
        server.got, server.answers = [], 200
        yield server


@contextmanager
def a_log_server(*, is_tls=False):
    with _running(_TlsServer(("127.0.0.1", 0), _Syslog)) as server:
        server.got, server.breaks_after, server.is_tls = [], None, is_tls
        yield server


@contextmanager
def _running(server):
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
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
