"""Bytes out, bytes in: the only place that knows an HTTP library.

The library is used below its session, so that nothing happens on its own: no redirect is followed,
nothing is sent again, no proxy, cookie or `.netrc` is picked up. Whether a request may have been
executed is not guessed from the kind of exception: the connection itself notes its first byte.
"""

import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader, ReadTimeoutError

from snapshots.evs.answers import plain, request_id_of
from snapshots.evs.errors import (
    ConnectionCut,
    EvsError,
    NoConnection,
    Timeout,
    UnreadableAnswer,
)

_READ_AT_ONCE = 65536
_MOST_HOSTS = 4  # identity and block storage, each perhaps by two names
_USER_AGENT = "evsportal"
TOO_LONG = "answer_too_long"
# requests' own errors are OSErrors; ValueError is what both libraries raise for a header or URL
# that cannot be sent.
_LIBRARY_ERRORS = (HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request, complete as it leaves. Headers and body hold secrets, so no repr shows them.

    `sensitive` marks a body that must never be kept, such as a login's.
    """

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    purpose: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False, hash=False)
    body: bytes | None = field(default=None, repr=False)
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are lower-case, repeated ones joined by a comma.

    `body` is decoded (gzip). `elapsed_ms` runs from before the request was recorded to the last
    byte.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False, hash=False)
    body: bytes = field(repr=False)
    elapsed_ms: float


class Recorder(Protocol):
    """Remembers exchanges. For each `opened`, exactly one of the two others follows."""

    def opened(self, request: Outgoing) -> None:
        """Called before any byte leaves; what it raises stops the request."""

    def answered(self, request: Outgoing, answer: Answer) -> None:
        """A complete answer came, whatever its status."""

    def failed(
        self, request: Outgoing, error: EvsError, *, elapsed_ms: float, answer: Answer | None
    ) -> None:
        """No complete answer came; `answer` is what did arrive of it, if its status did."""


class Wire:
    """Sends requests, one record each, from any number of threads.

    `connect_seconds` bounds each connecting (per address of the host), `read_seconds` each wait for
    more bytes, `deadline_seconds` the whole exchange including its opening record. No byte of a
    request leaves later than `deadline_seconds` after `opened` was called. Looking up a name
    cannot be cut short; a request that is late because of it is not sent.

    TLS certificates are always verified, against `ca_file` (file or folder) if given. At most
    `pool_size` requests are out at once, others wait. Answers longer than `max_body_bytes`
    (decoded) are unreadable.
    """

    def __init__(  # noqa: PLR0913 - limits, all by name, all with a default
        self,
        *,
        connect_seconds: float = 5.0,
        read_seconds: float = 30.0,
        deadline_seconds: float = 60.0,
        ca_file: str | None = None,
        pool_size: int = 8,
        max_body_bytes: int = 1024 * 1024,
    ) -> None:
        self.deadline_seconds = deadline_seconds
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._verify = ca_file or True
        self._max_body_bytes = max_body_bytes
        self._slots = threading.BoundedSemaphore(pool_size)
        self._pooled = _Adapter(pool_size=pool_size)

    def send(self, outgoing: Outgoing, *, recorder: Recorder) -> Answer:
        """Send once; return the answer, whatever its status.

        Raises NoConnection when provably nothing left; Timeout, ConnectionCut and UnreadableAnswer
        when the cloud may have acted; and whatever the recorder raises.
        """
        attempt = _Attempt(seconds=self.deadline_seconds)
        recorder.opened(outgoing)
        try:
            answer = self._attempt(outgoing, attempt=attempt)
        except EvsError as error:
            recorder.failed(
                outgoing, error, elapsed_ms=attempt.elapsed_ms(), answer=attempt.answer()
            )
            raise
        recorder.answered(outgoing, answer)
        return answer

    def close(self) -> None:
        """Close the idle connections."""
        self._pooled.close()

    def _attempt(self, outgoing: Outgoing, *, attempt: "_Attempt") -> Answer:
        try:
            with self._slot(attempt), self._adapter(outgoing) as adapter, attempt.watched():
                self._exchange(outgoing, attempt=attempt, adapter=adapter)
        except _LIBRARY_ERRORS as error:
            raise _translated(error, outgoing, attempt=attempt) from error
        answer = attempt.answer()
        assert answer is not None  # noqa: S101 - the exchange above ended well
        return answer

    @contextmanager
    def _slot(self, attempt: "_Attempt") -> Iterator[None]:
        # The library can block on its pool, but not with a time limit; this can.
        if not self._slots.acquire(timeout=max(attempt.seconds_left(), 0)):
            raise _TooLate
        try:
            yield
        finally:
            self._slots.release()

    @contextmanager
    def _adapter(self, outgoing: Outgoing) -> Iterator["_Adapter"]:
        if outgoing.method in {"GET", "HEAD"}:
            yield self._pooled
            return
        # A kept connection may have been closed by the other side this very moment, which looks
        # the same as a cut after the request was read. What must not be sent twice therefore goes
        # over a connection of its own.
        adapter = _Adapter(pool_size=1)
        try:
            yield adapter
        finally:
            adapter.close()

    def _exchange(self, outgoing: Outgoing, *, attempt: "_Attempt", adapter: "_Adapter") -> None:
        attempt.check()
        left = max(attempt.seconds_left(), 0.001)
        response = adapter.send(
            _prepared(outgoing),
            stream=True,
            timeout=(min(self._connect_seconds, left), min(self._read_seconds, left)),
            verify=self._verify,
        )
        try:
            attempt.begin_answer(response)
            self._read_body(response.raw, attempt=attempt)
        finally:
            response.close()

    def _read_body(self, raw: Any, *, attempt: "_Attempt") -> None:
        # read1 returns what has come; anything else waits for a full buffer, past any deadline.
        while chunk := raw.read1(_READ_AT_ONCE, decode_content=True):
            attempt.body += chunk[: self._max_body_bytes - len(attempt.body) + 1]
            if len(attempt.body) > self._max_body_bytes:
                del attempt.body[self._max_body_bytes :]
                raise _TooLong
            attempt.check()
        attempt.check()  # a connection that the deadline ended looks like the end of the answer


class _TooLate(TimeoutError):  # noqa: N818 - never leaves this file
    """The deadline has passed."""

    def __str__(self) -> str:
        return "no time left"


class _TooLong(ValueError):  # noqa: N818 - never leaves this file
    """The answer is longer than we read."""


class _Attempt:
    """One request on its way: its deadline, whether it left, what came back."""

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
            raise _TooLate

    def leaving(self, sock: socket.socket) -> None:
        """Called by the connection right before bytes leave: the last moment to stop them."""
        with self._lock:
            self.check()
            self._socket = sock
            self.bytes_left = True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cut the connection at the deadline: a peer that drips headers never trips a time-out."""
        timer = threading.Timer(max(self.seconds_left(), 0), self._cut)
        timer.daemon = True
        timer.start()
        _this_thread.attempt = self
        try:
            yield
        finally:
            _this_thread.attempt = None
            timer.cancel()
            with self._lock:
                self._socket = None  # it may be somebody else's from now on

    def _cut(self) -> None:
        with self._lock:
            if self._socket is None:
                return
            self.was_cut = True
            with suppress(OSError):  # already closed
                # The socket's own shutdown, below TLS, whose state belongs to the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def begin_answer(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.headers = {
            name.lower(): value.replace("\x00", "\ufffd")
            for name, value in response.headers.items()
        }

    def answer(self) -> Answer | None:
        if self.status is None:
            return None
        return Answer(
            status=self.status,
            headers=self.headers,
            body=bytes(self.body),
            elapsed_ms=self.elapsed_ms(),
        )


class _ThisThread(threading.local):
    """The library makes connections itself; this is how they find the attempt they serve."""

    attempt: _Attempt | None = None


_this_thread = _ThisThread()


class _Noting(HTTPConnection):
    """Tells the attempt before bytes leave."""

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if _this_thread.attempt is not None and self.sock is not None:
            _this_thread.attempt.leaving(self.sock)
        super().send(data)


class _NotingTLS(_Noting, HTTPSConnection):
    """The same below TLS: the handshake is over when the first byte of the request is sent."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Noting


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _NotingTLS


class _Adapter(HTTPAdapter):
    """Never tries again by itself, not even connecting: every attempt is to be recorded."""

    def __init__(self, *, pool_size: int) -> None:
        super().__init__(
            pool_connections=_MOST_HOSTS, pool_maxsize=pool_size, max_retries=0, pool_block=True
        )
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


def _prepared(outgoing: Outgoing) -> requests.PreparedRequest:
    request = requests.Request(
        outgoing.method, outgoing.url, headers=dict(outgoing.headers), data=outgoing.body
    ).prepare()
    request.headers.setdefault("User-Agent", _USER_AGENT)
    # What is recorded should be what was on the wire.
    request.headers.setdefault("Accept-Encoding", "identity")
    request.url = outgoing.url  # as it was signed; the library would tidy it
    return request


def _translated(error: Exception, outgoing: Outgoing, *, attempt: _Attempt) -> EvsError:
    host = urlsplit(outgoing.url).netloc
    causes = list(_causes(error))
    reason = plain(str(causes[-1]) or type(causes[-1]).__name__, longest=200)
    kind, message, code = _kind(causes, attempt=attempt)
    return kind(
        message.format(host=host, seconds=f"{attempt.elapsed_ms() / 1000:.1f}", reason=reason),
        status=attempt.status,
        code=code,
        request_id=request_id_of(attempt.headers, None),
    )


def _kind(causes: list[BaseException], *, attempt: _Attempt) -> tuple[type[EvsError], str, str]:
    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if not attempt.bytes_left:
        return NoConnection, "No connection to {host}: {reason}. Nothing was sent.", ""
    if among(_TooLong):
        return UnreadableAnswer, "The answer of {host} is too long to be read.", TOO_LONG
    if attempt.was_cut or among(TimeoutError, ReadTimeoutError):
        return Timeout, "No complete answer from {host} within {seconds} s.", ""
    cut = among(RemoteDisconnected, IncompleteRead)
    if among(HTTPException, DecodeError, InvalidHeader) and not cut:
        return UnreadableAnswer, "The answer of {host} is no HTTP answer: {reason}", ""
    return ConnectionCut, "The connection to {host} was cut before the answer: {reason}", ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it wraps, outermost first; libraries wrap in three different ways."""
    seen: BaseException | None = error
    for _depth in range(10):
        if seen is None:
            return
        yield seen
        wrapped = [getattr(seen, "reason", None), *reversed(seen.args), seen.__cause__]
        seen = next((item for item in wrapped if isinstance(item, BaseException)), None)
