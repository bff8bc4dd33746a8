"""Sends what the trail tells outside: HTTPS hooks, syslog (RFC 5424) over TCP and TLS, files."""

import os
import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import requests
from django.conf import settings
from django.utils import timezone

SECONDS = (5, 15)  # to connect, to wait for the answer
AUDIT_FACILITY, NOTICE = 13, 5


class DeliveryError(Exception):
    """What was sent was not acknowledged; it is to be sent again."""


def post(url: str, body: bytes, *, key: str) -> None:
    """POST and wait for a 2xx. `key` names this delivery, so that a second one can be recognized.

    Raises `DeliveryError`, whose words do not show the address: hooks carry secrets in it.
    """
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                url,
                data=body,
                headers=headers,
                timeout=SECONDS,
                allow_redirects=False,
                stream=True,
                verify=settings.EVSPORTAL_AUDIT_CA or True,
            )
        except requests.RequestException as error:
            raise DeliveryError(type(error).__name__) from None
    if not 200 <= answer.status_code < 300:
        raise DeliveryError(f"it answered {answer.status_code}")


def stream_syslog(parts: SplitResult, messages: Iterable[bytes]) -> None:
    """Send messages with octet counting (RFC 6587; with TLS, RFC 5425), then wait until the other
    side has read to the end and closes too. Syslog acknowledges nothing: that all was taken is as
    much as can be known.

    Raises `DeliveryError`.
    """
    try:
        with ExitStack() as open_ones:
            _send_all(_connected(parts, open_ones), messages)
    except OSError as error:  # TLS errors are some of these
        raise DeliveryError(type(error).__name__) from None


def _connected(parts: SplitResult, open_ones: ExitStack) -> socket.socket:
    is_tls = parts.scheme == "syslog+tls"
    address = (parts.hostname or "", parts.port or (6514 if is_tls else 601))
    plain = open_ones.enter_context(socket.create_connection(address, timeout=SECONDS[0]))
    plain.settimeout(SECONDS[1])
    if not is_tls:
        return plain
    context = ssl.create_default_context(cafile=settings.EVSPORTAL_AUDIT_CA or None)
    return open_ones.enter_context(context.wrap_socket(plain, server_hostname=parts.hostname))


def _send_all(connection: socket.socket, messages: Iterable[bytes]) -> None:
    for message in messages:
        connection.sendall(b"%d %b" % (len(message), message))
    if isinstance(connection, ssl.SSLSocket):
        with suppress(ssl.SSLEOFError):  # closed without a word, after it had read all
            connection.unwrap()
        return
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass


def append(path: Path, text: str) -> None:
    """Add to a file; on the disk when this ends. Raises `OSError`."""
    with path.open("a", encoding="utf-8", errors="replace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def named(target: str) -> str:
    """The target for a log or a page: what follows the host may be a secret."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.hostname}" if parts.netloc else target


def is_hook(parts: SplitResult) -> bool:
    """HTTPS, or a server on this machine."""
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")
    )


def rfc5424(kind: str, text: str, *, at: datetime | None = None) -> bytes:
    """One syslog message; `kind` is its MSGID. The text is JSON, so it holds no line end."""
    moment = (at or timezone.now()).isoformat(timespec="microseconds")
    host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
    head = f"<{AUDIT_FACILITY * 8 + NOTICE}>1 {moment} {host} evsportal {os.getpid()} {kind} - "
    return head.encode() + b"\xef\xbb\xbf" + text.encode("utf-8", "replace")
