"""Sends lines of the trail to a target outside: an HTTPS hook, syslog (RFC 5424), a file.

Seals and rows use the same transports. A target is an address. What follows its host may be a
secret, so errors and logs show only what `named` returns.
"""

import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from snapshots.evs.errors import ConnectionCut, EvsError, Timeout, UnreadableAnswer
from snapshots.evs.wire import CloudAnswer, Outgoing, Wire

# One delivery: to connect, to wait for anything at all, and in all, however slowly it drips.
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 10.0, 15.0, 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 600.0
AUDIT_FACILITY, NOTICE = 13, 5
PORTS = {"syslog": 514, "syslog+tcp": 601, "syslog+tls": 6514}
LONGEST_DATAGRAM = 60_000  # bytes; UDP carries 65,507


class DeliveryError(Exception):
    """The target did not acknowledge the lines; send them again. The message is for people."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of JSON, and when its event happened."""

    at: datetime
    text: str


Sender = Callable[
    [Sequence[Line], str], None
]  # the lines, and a key by which a repeat is recognized


def sender_to(target: str, *, kind: str) -> Sender | None:
    """How to hand lines over; None for an address that is no such place. `kind` is their MSGID.

    The way raises `DeliveryError`. Raises `ValueError` for an address that cannot be read.
    """
    parts = split(target)
    if parts.scheme == "syslog" and parts.hostname:
        return lambda lines, _key: _send_datagrams(parts, _messages(kind, lines))
    if parts.scheme in PORTS and parts.hostname:
        return lambda lines, _key: _stream(parts, _messages(kind, lines))
    if parts.scheme == "file" and parts.path:
        return lambda lines, _key: _append(Path(parts.path), _body(lines))
    if _is_hook(parts):
        return lambda lines, key: _post(target, _body(lines), key=key)
    return None


def split(target: str) -> SplitResult:
    """The parts of an address. Raises `ValueError`, whose words do not show it."""
    try:
        parts = urlsplit(target)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise ValueError("One address cannot be read.") from None
    return parts


def named(target: str) -> str:
    """The target as logs and pages show it: only up to the host, since the rest may hold a
    secret.
    """
    parts = split(target)
    if parts.netloc:
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return target.partition("#")[0]


def pause_seconds(fails: int) -> float:
    """How long to wait before the next try, after so many failures in a row."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(fails - 1, 10), LONGEST_PAUSE_SECONDS))


def _body(lines: Sequence[Line]) -> bytes:
    """JSON Lines."""
    return "".join(f"{line.text}\n" for line in lines).encode("utf-8", "replace")


# --- hooks -----------------------------------------------------------------------------------


def _is_hook(parts: SplitResult) -> bool:
    """HTTPS, or a server on this machine."""
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")
    )


def _post(target: str, body: bytes, *, key: str) -> None:
    """POST and wait for a 2xx; certificates are verified, no redirect is followed."""
    wire = Wire(
        connect_seconds=CONNECT_SECONDS,
        read_seconds=READ_SECONDS,
        deadline_seconds=WHOLE_SECONDS,
        ca_file=settings.EVSPORTAL_AUDIT_CA or None,
        pool_size=1,
    )
    outgoing = Outgoing(
        purpose="push",
        method="POST",
        url=target.partition("#")[0],
        headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": key},
        body=body,
    )
    try:
        status = wire.send(outgoing, recorder=_NoRecord()).status
    except UnreadableAnswer as error:  # of its answer only the status is wanted
        status = error.status or 0
    except EvsError as error:
        raise DeliveryError(_message_of(error)) from None
    if not 200 <= status < 300:
        raise DeliveryError(f"it answered {status}" if status else "its answer is no HTTP")


class _NoRecord:
    """What tells the trail outside is not written into it: there would be no end to it."""

    def opened(self, request: Outgoing) -> None: ...
    def answered(self, request: Outgoing, answer: CloudAnswer) -> None: ...
    def failed(
        self, request: Outgoing, error: EvsError, *, elapsed_ms: float, answer: CloudAnswer | None
    ) -> None: ...


# --- syslog ----------------------------------------------------------------------------------


def rfc5424(kind: str, text: str, *, at: datetime) -> bytes:
    """One syslog message; `kind` is its MSGID. It has no structured data (RFC 5424, 6.3: `-`), so
    nothing in the text needs an escape; the text is JSON, so it holds no line end.
    """
    moment = at.isoformat(timespec="microseconds")
    host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
    head = f"<{AUDIT_FACILITY * 8 + NOTICE}>1 {moment} {host} evsportal {os.getpid()} {kind} - "
    return head.encode() + b"\xef\xbb\xbf" + text.encode("utf-8", "replace")


def _messages(kind: str, lines: Iterable[Line]) -> Iterator[bytes]:
    return (rfc5424(kind, line.text, at=line.at) for line in lines)


def _address(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or PORTS[parts.scheme]


def _send_datagrams(parts: SplitResult, messages: Iterable[bytes]) -> None:
    """UDP (RFC 5426): whether anything arrives, nobody learns. What is too long is cut."""
    try:
        kind = socket.getaddrinfo(*_address(parts), type=socket.SOCK_DGRAM)[0]
        with socket.socket(kind[0], kind[1]) as sender:
            sender.settimeout(CONNECT_SECONDS)
            sender.connect(kind[4])  # so that a refusal shows, at least sometimes
            for message in messages:
                sender.send(_cut(message))
    except (OSError, UnicodeError) as error:
        raise DeliveryError(_message_of(error)) from None


def _cut(message: bytes) -> bytes:
    if len(message) <= LONGEST_DATAGRAM:
        return message
    return message[:LONGEST_DATAGRAM].decode("utf-8", "ignore").encode()


def _stream(parts: SplitResult, messages: Iterable[bytes]) -> None:
    """TCP with octet counting (RFC 6587; with TLS, RFC 5425), then wait until the other side has
    read to the end and closes too. Syslog acknowledges nothing: that all was read is as much as can
    be known.
    """
    clock = _Clock(WHOLE_SECONDS)
    try:
        with ExitStack() as open_ones:
            connection = _connected(parts, open_ones, clock)
            for message in messages:
                clock.limit(connection)
                connection.sendall(b"%d %b" % (len(message), message))
            _wait_for_the_end(connection, clock)
    except (OSError, UnicodeError) as error:  # TLS errors are some of these
        raise DeliveryError(_message_of(error)) from None


class _Clock:
    """What is left of the time for the whole."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def limit(self, connection: socket.socket) -> None:
        """Let the next call take no longer. Raises `TimeoutError`."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(min(left, READ_SECONDS))


def _connected(parts: SplitResult, open_ones: ExitStack, clock: _Clock) -> socket.socket:
    plain = open_ones.enter_context(
        socket.create_connection(_address(parts), timeout=CONNECT_SECONDS)
    )
    if parts.scheme != "syslog+tls":
        return plain
    clock.limit(plain)
    context = ssl.create_default_context(cafile=settings.EVSPORTAL_AUDIT_CA or None)
    return open_ones.enter_context(context.wrap_socket(plain, server_hostname=parts.hostname))


def _wait_for_the_end(connection: socket.socket, clock: _Clock) -> None:
    clock.limit(connection)
    if isinstance(connection, ssl.SSLSocket):
        with suppress(ssl.SSLEOFError):  # closed without a word, after it had read all
            connection.unwrap()
        return
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        clock.limit(connection)


# --- files -----------------------------------------------------------------------------------


def _append(path: Path, data: bytes) -> None:
    """Add to a file; on the disk when this ends. A line that a full disk cut short stays alone."""
    try:
        with path.open("a+b") as file:
            if file.tell() and not _ends_well(file.fileno(), file.tell()):
                file.write(b"\n")
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DeliveryError(error.strerror or type(error).__name__) from None


def _ends_well(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"


# --- words -----------------------------------------------------------------------------------


def _message_of(error: Exception) -> str:
    """What went wrong, for people. An error's own text may show the address."""
    causes = list(_causes(error))
    for kind, message in _MESSAGES.items():
        if any(isinstance(cause, kind) for cause in causes):
            return message
    return f"no connection ({type(error).__name__})"


_MESSAGES: dict[type[Exception], str] = {
    ssl.SSLCertVerificationError: "its certificate is not trusted",
    ssl.SSLError: "no TLS with it",
    TimeoutError: "it does not answer in time",
    Timeout: "it does not answer in time",
    socket.gaierror: "its name is not known",
    ConnectionRefusedError: "nobody listens there",
    UnicodeError: "its address is none",
    ConnectionError: "it broke off",
    ConnectionCut: "it broke off",
}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it goes back to."""
    for _depth in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
