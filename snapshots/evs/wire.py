"""Sends requests and reads answers: with `transport`, the only module that uses an HTTP library.

Whether a request may have been executed is not guessed from the kind of exception: the connection
itself notes the request's first byte. What a proxy needs to build a tunnel does not count.
"""

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any, Protocol, TypedDict
from urllib.parse import urlsplit

from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader, ReadTimeoutError

from snapshots.evs.answers import plain, request_id_of
from snapshots.evs.attempt import Attempt, CloudAnswer, TooLate
from snapshots.evs.config import Proxy
from snapshots.evs.errors import (
    ConnectionCut,
    EvsError,
    NoConnection,
    Timeout,
    UnreadableAnswer,
)
from snapshots.evs.transport import Adapter, Route, prepared, tls_context

__all__ = ["TOO_LONG", "CloudAnswer", "Outgoing", "Recorder", "Wire", "WireLimits"]

_READ_AT_ONCE = 65536
_PROXY_WANTS_SIGN_IN = 407
TOO_LONG = "answer_too_long"
# requests' own errors are OSErrors; ValueError is what both libraries raise for a header or URL
# that cannot be sent.
_LIBRARY_ERRORS = (HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request exactly as it leaves. Headers and body hold secrets, so no repr displays them.

    `sensitive` marks a body that must never be stored, such as a login's.
    """

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    purpose: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False, hash=False)
    body: bytes | None = field(default=None, repr=False)
    sensitive: bool = False


class Recorder(Protocol):
    """Records exchanges. For each `opened`, exactly one of the two others follows."""

    def opened(self, request: Outgoing) -> None:
        """Called before any byte leaves; what it raises stops the request."""

    def answered(self, request: Outgoing, answer: CloudAnswer) -> None:
        """A complete answer came, whatever its status."""

    def failed(
        self, request: Outgoing, error: EvsError, *, elapsed_ms: float, answer: CloudAnswer | None
    ) -> None:
        """No complete answer came; `answer` is what did arrive of it, if its status did."""


class WireLimits(TypedDict, total=False):
    """The limits of a wire, as `Wire` explains them."""

    connect_seconds: float
    read_seconds: float
    deadline_seconds: float
    pool_size: int
    max_body_bytes: int


class Wire:
    """Sends requests, one record each, from any number of threads.

    `connect_seconds` bounds each connecting (per address of the host), `read_seconds` each wait for
    more bytes, `deadline_seconds` the whole exchange including its opening record. No byte of a
    request leaves later than `deadline_seconds` after `opened` was called. Looking up a name
    cannot be cut short; a request that is late because of it is not sent.

    TLS certificates are always verified, against `ca_file` (file or folder) if given; to a server
    that asks, `client_cert` is shown. With a `proxy` every request goes through it. At most
    `pool_size` requests are out at once, others wait. Answers longer than `max_body_bytes`
    (decoded) are unreadable.

    Raises ValueError, naming the file, for certificates that cannot be used.
    """

    def __init__(  # noqa: PLR0913 - limits, all by name, all with a default
        self,
        *,
        connect_seconds: float = 5.0,
        read_seconds: float = 30.0,
        deadline_seconds: float = 60.0,
        ca_file: str | None = None,
        client_cert: str = "",
        client_key: str = "",
        proxy: Proxy | None = None,
        pool_size: int = 8,
        max_body_bytes: int = 1024 * 1024,
    ) -> None:
        self.deadline_seconds = deadline_seconds
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        context = tls_context(ca_file=ca_file or "", client_cert=client_cert, client_key=client_key)
        self._route = Route(context=context, proxy=proxy)
        self._max_body_bytes = max_body_bytes
        self._slots = threading.BoundedSemaphore(pool_size)
        self._pooled = Adapter(self._route, pool_size=pool_size)

    def send(self, outgoing: Outgoing, *, recorder: Recorder) -> CloudAnswer:
        """Send once; return the answer, whatever its status.

        Raises NoConnection when provably nothing left; Timeout, ConnectionCut and UnreadableAnswer
        when the cloud may have acted; and whatever the recorder raises.
        """
        attempt = Attempt(seconds=self.deadline_seconds)
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

    def _attempt(self, outgoing: Outgoing, *, attempt: Attempt) -> CloudAnswer:
        try:
            with self._slot(attempt), self._adapter(outgoing) as adapter, attempt.watched():
                self._exchange(outgoing, attempt=attempt, adapter=adapter)
        except _LIBRARY_ERRORS as error:
            raise self._translated(error, outgoing, attempt=attempt) from error
        answer = attempt.answer()
        assert answer is not None  # noqa: S101 - the exchange above ended well
        return answer

    @contextmanager
    def _slot(self, attempt: Attempt) -> Iterator[None]:
        # The library can block on its pool, but not with a time limit; this can.
        if not self._slots.acquire(timeout=max(attempt.seconds_left(), 0)):
            raise TooLate
        try:
            yield
        finally:
            self._slots.release()

    @contextmanager
    def _adapter(self, outgoing: Outgoing) -> Iterator[Adapter]:
        if outgoing.method in {"GET", "HEAD"}:
            yield self._pooled
            return
        # The server may close an idle connection at this moment, which looks the same as a cut
        # after it read the request. A request that must not be sent twice therefore gets a new
        # connection.
        adapter = Adapter(self._route, pool_size=1)
        try:
            yield adapter
        finally:
            adapter.close()

    def _translated(self, error: Exception, outgoing: Outgoing, *, attempt: Attempt) -> EvsError:
        host = urlsplit(outgoing.url).netloc
        if self._route.proxy:
            host += f" through the proxy {urlsplit(self._route.proxy.url).netloc}"
        causes = list(_causes(error))
        reason = plain(str(causes[-1]) or type(causes[-1]).__name__, longest=200)
        kind, message, code = _kind(causes, attempt=attempt)
        return kind(
            message.format(host=host, seconds=f"{attempt.elapsed_ms() / 1000:.1f}", reason=reason),
            status=attempt.status,
            code=code,
            request_id=request_id_of(attempt.headers, None),
        )

    def _exchange(self, outgoing: Outgoing, *, attempt: Attempt, adapter: Adapter) -> None:
        attempt.check()
        left = max(attempt.seconds_left(), 0.001)
        response = adapter.send_to_cloud(
            prepared(outgoing.method, outgoing.url, headers=outgoing.headers, body=outgoing.body),
            timeout=(min(self._connect_seconds, left), min(self._read_seconds, left)),
        )
        try:
            attempt.begin_answer(response.status_code, response.headers)
            if response.status_code == _PROXY_WANTS_SIGN_IN and self._route.forwards(outgoing.url):
                raise _ProxyRefused
            self._read_body(response.raw, attempt=attempt)
        finally:
            response.close()

    def _read_body(self, raw: Any, *, attempt: Attempt) -> None:
        # read1 returns what has come; anything else waits for a full buffer, past any deadline.
        while chunk := raw.read1(_READ_AT_ONCE, decode_content=True):
            attempt.body += chunk[: self._max_body_bytes - len(attempt.body) + 1]
            if len(attempt.body) > self._max_body_bytes:
                del attempt.body[self._max_body_bytes :]
                raise _TooLong
            attempt.check()
        attempt.check()  # a connection that the deadline ended looks like the end of the answer


class _ProxyRefused(OSError):
    """The proxy itself answered and asks for credentials; only proxies send 407."""


class _TooLong(ValueError):
    """The answer is longer than we read."""


def _kind(causes: list[BaseException], *, attempt: Attempt) -> tuple[type[EvsError], str, str]:
    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if not attempt.bytes_left:
        return NoConnection, "No connection to {host}: {reason}. Nothing was sent.", ""
    if among(_ProxyRefused):
        message = "No connection to {host}: the proxy refused our user or password (407)."
        return NoConnection, f"{message} The cloud got nothing.", ""
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
