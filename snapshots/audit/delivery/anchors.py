"""Sends the latest seal out of the portal, so that auditors notice when the trail's end was cut.

Targets (EVSPORTAL_AUDIT_ANCHORS): `stdout`, `mailto:name@host`, and those of `transport.py`. A
seal covers all seals before it, so only the newest is sent. A target that fails is logged and tried
again later; sealing waits at most for the target's time-out.
"""

import json
import logging
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.core.mail import get_connection, send_mail

from snapshots.audit.delivery import transport
from snapshots.audit.delivery.transport import DeliveryError, Line, named, pause_seconds, split
from snapshots.audit.seals.sealing import header_of, latest_seal
from snapshots.models import Seal

log = logging.getLogger(__name__)

_last_sent: dict[str, int] = {}  # by target, the last seal that this process sent
_pause: dict[str, tuple[float, int]] = {}  # by target that failed: not before, how often in a row


def line(seal: Seal) -> str:
    """What is sent of a seal: enough to recognize it later."""
    facts = {
        "number": seal.number,
        "digest": seal.digest,
        "at": header_of(seal)["at"],
        "key_id": seal.key_id,
        "signature": seal.signature,
    }
    return json.dumps(facts)


def send_latest() -> None:
    """Send the newest seal to each target that lacks it. A failing target raises nothing."""
    if not settings.EVSPORTAL_AUDIT_ANCHORS:
        return
    seal = latest_seal()
    if seal is None:
        return
    for target in settings.EVSPORTAL_AUDIT_ANCHORS:
        if _last_sent.get(target) != seal.number and _may_try(target):
            _send(target, seal)


def _may_try(target: str) -> bool:
    return time.monotonic() >= _pause.get(target, (0.0, 0))[0]


def _send(target: str, seal: Seal) -> None:
    try:
        sender_to(target)(seal)
    except (OSError, DeliveryError) as error:
        fails = _pause.get(target, (0.0, 0))[1] + 1
        _pause[target] = (time.monotonic() + pause_seconds(fails), fails)
        log.error("Seal %s was not told to %s: %s", seal.number, named(target), error)  # noqa: TRY400 - the words suffice
    else:
        _last_sent[target] = seal.number
        _pause.pop(target, None)


def sender_to(target: str) -> Callable[[Seal], None]:
    """How to tell a seal to the target. Raises `ValueError` for one that cannot be."""
    if target == "stdout":
        return _print
    parts = split(target)
    if parts.scheme == "mailto" and "@" in parts.path:
        return lambda seal: _mail(parts.path, seal)
    send = transport.sender_to(target, kind="seal")
    if send is None:
        raise ValueError(f"{named(target)} is no place to tell seals to.")
    return lambda seal: send([Line(seal.at, line(seal))], str(seal.number))


def _print(seal: Seal) -> None:
    sys.stdout.write(f"seal {line(seal)}\n")
    sys.stdout.flush()


def _mail(address: str, seal: Seal) -> None:
    """By the portal's mail server; where none is set, by this host's."""
    subject = f"EVS snapshots: seal {seal.number} of the audit trail"
    server = get_connection(host=settings.EMAIL_HOST or "localhost")
    send_mail(subject, line(seal), None, [address], connection=server)
