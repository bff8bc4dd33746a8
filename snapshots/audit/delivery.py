"""Sends what the trail tells outside: HTTPS hooks, and the form of a syslog message (RFC 5424)."""

import os
import re
import socket
from datetime import datetime

import requests
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
                url, data=body, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True
            )
        except requests.RequestException as error:
            raise DeliveryError(type(error).__name__) from None
    if not 200 <= answer.status_code < 300:
        raise DeliveryError(f"it answered {answer.status_code}")


def rfc5424(kind: str, text: str, *, at: datetime | None = None) -> bytes:
    """One syslog message; `kind` is its MSGID. The text is JSON, so it holds no line end."""
    moment = (at or timezone.now()).isoformat(timespec="microseconds")
    host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
    head = f"<{AUDIT_FACILITY * 8 + NOTICE}>1 {moment} {host} evsportal {os.getpid()} {kind} - "
    return head.encode() + b"\xef\xbb\xbf" + text.encode()
