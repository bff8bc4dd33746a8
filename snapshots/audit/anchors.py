"""Tells the latest seal outside of the portal, so that a cut end of the trail shows.

Targets (EVSPORTAL_AUDIT_ANCHORS): `file:/path`, `stdout`, `mailto:name@host`, `syslog://host:port`,
`https://host/hook`. A seal chains all before it, so only the newest is told. A target that fails is
logged and tried again with the next look; sealing never waits for more than its time-out.
"""

import json
import logging
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import send_mail

from snapshots.audit.delivery import DeliveryError, append, is_hook, named, post, rfc5424
from snapshots.audit.seals import header_of, latest_seal
from snapshots.models import Seal

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
_told: dict[str, int] = {}  # by target, the last seal told by this process
_pause: dict[str, tuple[float, float]] = {}  # by target that failed: not before, next pause


def line(seal: Seal) -> str:
    """What is told of a seal: enough to recognize it for ever."""
    told = {
        "number": seal.number,
        "digest": seal.digest,
        "at": header_of(seal)["at"],
        "key_id": seal.key_id,
        "signature": seal.signature,
    }
    return json.dumps(told)


def tell_latest() -> None:
    """Tell the newest seal to each target that has not heard of it. Raises nothing of a target."""
    if not settings.EVSPORTAL_AUDIT_ANCHORS:
        return
    seal = latest_seal()
    if seal is None:
        return
    for target in settings.EVSPORTAL_AUDIT_ANCHORS:
        if _told.get(target) != seal.number and _may_try(target):
            _tell(target, seal)


def _may_try(target: str) -> bool:
    return time.monotonic() >= _pause.get(target, (0.0, 0.0))[0]


def _tell(target: str, seal: Seal) -> None:
    try:
        way_to(target)(line(seal))
    except (OSError, DeliveryError) as error:
        pause = _pause.get(target, (0.0, FIRST_PAUSE))[1]
        _pause[target] = (time.monotonic() + pause, min(2 * pause, LONGEST_PAUSE))
        log.error("Seal %s was not told to %s: %s", seal.number, named(target), error)  # noqa: TRY400
    else:
        _told[target] = seal.number
        _pause.pop(target, None)


def way_to(target: str) -> Callable[[str], None]:
    """How to tell a line to the target. Raises `ValueError` for one that cannot be."""
    parts = urlsplit(target)
    if target == "stdout":
        return _print
    if parts.scheme == "file" and parts.path:
        return lambda text: append(Path(parts.path), text + "\n")
    if parts.scheme == "mailto" and "@" in parts.path:
        return lambda text: _mail(parts.path, text)
    if parts.scheme == "syslog" and parts.hostname:
        address = (parts.hostname, parts.port or 514)
        return lambda text: _datagram(address, text)
    if is_hook(parts):
        return lambda text: post(target, text.encode(), key=str(json.loads(text)["number"]))
    raise ValueError(f"{named(target)} is no place to tell seals to.")


def _print(text: str) -> None:
    sys.stdout.write(f"seal {text}\n")
    sys.stdout.flush()


def _mail(address: str, text: str) -> None:
    number = json.loads(text)["number"]
    send_mail(f"EVS snapshots: seal {number} of the audit trail", text, None, [address])


def _datagram(address: tuple[str, int], text: str) -> None:
    kind = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    with socket.socket(kind[0], kind[1]) as sender:
        sender.settimeout(5)
        sender.sendto(rfc5424("seal", text), kind[4])
