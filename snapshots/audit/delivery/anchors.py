"""Tells the latest seal outside of the portal, so that a cut end of the trail shows.

Targets (EVSPORTAL_AUDIT_ANCHORS): `stdout`, `mailto:name@host`, and the places of `transport.py`. A
seal chains all before it, so only the newest is told. A target that fails is logged and tried again
with a later look; sealing never waits for more than its time-out.
"""

import json
import logging
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.core.mail import send_mail

from snapshots.audit.delivery import transport
from snapshots.audit.delivery.transport import DeliveryError, Line, named, pause_seconds, split
from snapshots.audit.seals.sealing import header_of, latest_seal
from snapshots.models import Seal

log = logging.getLogger(__name__)

_told: dict[str, int] = {}  # by target, the last seal told by this process
_pause: dict[str, tuple[float, int]] = {}  # by target that failed: not before, how often in a row


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
    return time.monotonic() >= _pause.get(target, (0.0, 0))[0]


def _tell(target: str, seal: Seal) -> None:
    try:
        way_to(target)(seal)
    except (OSError, DeliveryError) as error:
        fails = _pause.get(target, (0.0, 0))[1] + 1
        _pause[target] = (time.monotonic() + pause_seconds(fails), fails)
        log.error("Seal %s was not told to %s: %s", seal.number, named(target), error)  # noqa: TRY400
    else:
        _told[target] = seal.number
        _pause.pop(target, None)


def way_to(target: str) -> Callable[[Seal], None]:
    """How to tell a seal to the target. Raises `ValueError` for one that cannot be."""
    if target == "stdout":
        return _print
    parts = split(target)
    if parts.scheme == "mailto" and "@" in parts.path:
        return lambda seal: _mail(parts.path, seal)
    way = transport.way_to(target, kind="seal")
    if way is None:
        raise ValueError(f"{named(target)} is no place to tell seals to.")
    return lambda seal: way([Line(seal.at, line(seal))], str(seal.number))


def _print(seal: Seal) -> None:
    sys.stdout.write(f"seal {line(seal)}\n")
    sys.stdout.flush()


def _mail(address: str, seal: Seal) -> None:
    subject = f"EVS snapshots: seal {seal.number} of the audit trail"
    send_mail(subject, line(seal), None, [address])
