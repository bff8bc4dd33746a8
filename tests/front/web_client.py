"""Bytes to a web server and back, as a hostile client sends them; and a server to send them to."""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass
from http.client import HTTPResponse

from evsportal.web_server import WebServer

SECONDS = 20  # the longest wait for an answer


@dataclass
class Web:
    port: int
    server: WebServer | None = None  # where it runs in this process

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def send(self, data: bytes) -> bytes:
        """All that comes back until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(data)
            return everything(connection)

    def ask(self, data: bytes):
        """The first answer to these bytes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_answer(connection)


def everything(connection) -> bytes:
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_answer(connection, method="GET"):
    """Status, headers and text of the next answer, as an object of `http.client`."""
    answer = HTTPResponse(connection, method=method)
    try:
        answer.begin()
        answer.text = answer.read().decode()
    finally:
        answer.close()
    return answer


def head(line: str, *headers: str) -> bytes:
    lines = (line, "Host: localhost", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1")


def post(*headers: str, path: str = "/accounts/login/") -> bytes:
    form = "Content-Type: application/x-www-form-urlencoded"
    return head(f"POST {path} HTTP/1.1", form, *headers)


def echo(environ, start_response):
    """An application that answers with what it was asked."""
    body = environ["wsgi.input"].read().decode("latin-1")
    texts = {name: text for name, text in environ.items() if isinstance(text, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(texts | {"body": body}).encode()]


@contextlib.contextmanager
def serving(application, *, threads=2, log_access=None, most_connections=None):
    """The portal's web server with this application, in threads of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = WebServer(application, listener, threads=threads, log_access=log_access)
    if most_connections:
        server._most = most_connections
    over = threading.Event()

    def run():
        while not over.is_set():
            server.turn()
        server.finish()

    loop = threading.Thread(target=run)
    loop.start()
    try:
        yield Web(listener.getsockname()[1], server)
    finally:
        over.set()
        with contextlib.suppress(OSError):  # it has seen that by itself, and closed all
            server.pull_trigger()
        loop.join()
