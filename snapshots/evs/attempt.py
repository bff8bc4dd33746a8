"""One attempt to send a request: its deadline, whether bytes left, what came back."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAnswer:
    """An answer of the cloud. Header names are lower-case, repeated headers joined by a comma.

    `body` is decoded (gzip). `elapsed_ms` runs from before the request was recorded to the last
    byte.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False, hash=False)
    body: bytes = field(repr=False)
    elapsed_ms: float


class TooLate(TimeoutError):
    """The deadline has passed."""

    def __str__(self) -> str:
        return "no time left"


class Attempt:
    """One attempt to send a request; its connection reports to it before each byte."""

    def __init__(self, *, seconds: float) -> None:
        self._started = time.monotonic()
        self._until = self._started + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.bytes_left = False
        self.was_cut = False
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    def seconds_left(self) -> float:
        return self._until - time.monotonic()

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self._started) * 1000

    def check(self) -> None:
        if self.was_cut or self.seconds_left() <= 0:
            raise TooLate

    def tunnelling(self, sock: Any) -> None:
        """Called before a proxy is asked for a tunnel: no byte of the request has left by then."""
        with self._lock:
            self.check()
            self._socket = _plain_socket(sock)

    def leaving(self, sock: Any) -> None:
        """Called by the connection right before bytes leave: the last chance to stop them."""
        with self._lock:
            self.check()
            self._socket = _plain_socket(sock)
            self.bytes_left = True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Close the connection at the deadline: a peer that sends headers byte by byte never causes
        a time-out.
        """
        timer = threading.Timer(max(self.seconds_left(), 0), self._cut)
        timer.daemon = True
        timer.start()
        this_thread.attempt = self
        try:
            yield
        finally:
            this_thread.attempt = None
            timer.cancel()
            with self._lock:
                self._socket = None  # another request may use it from now on

    def _cut(self) -> None:
        with self._lock:
            self.was_cut = True
            if self._socket is None:
                return
            with suppress(OSError):  # already closed
                # The socket's own shutdown, below TLS, whose state belongs to the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def begin_answer(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = {
            name.lower(): value.replace("\x00", "\ufffd") for name, value in headers.items()
        }

    def answer(self) -> CloudAnswer | None:
        if self.status is None:
            return None
        return CloudAnswer(
            status=self.status,
            headers=self.headers,
            body=bytes(self.body),
            elapsed_ms=self.elapsed_ms(),
        )


def _plain_socket(sock: Any) -> socket.socket:
    """The socket itself: TLS within TLS wraps it in an object that is none."""
    while not isinstance(sock, socket.socket):
        sock = sock.socket
    return sock


class _ThisThread(threading.local):
    """The attempt of the current thread: connections, which the library makes, look it up here."""

    attempt: Attempt | None = None


this_thread = _ThisThread()
