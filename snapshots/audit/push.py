"""Pushes new rows of the trail outside as they come, at least once: to syslog, a hook, a file.

Targets (EVSPORTAL_AUDIT_PUSH): `syslog+tls://host:port`, `syslog+tcp://host:port`,
`https://host/hook`, `file:/path`. Each gets every row from the first one on, table by table in the
order of numbers, spelt as in an export. How far it is, is noted only after it has taken a batch, so
a break repeats rows and loses none; table and number of a row tell a repeated one.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from snapshots.audit.delivery import (
    DeliveryError,
    append,
    is_hook,
    named,
    post,
    rfc5424,
    stream_syslog,
)
from snapshots.audit.export import json_line, told_row
from snapshots.audit.horizon import TRAIL, settled_upto
from snapshots.audit.seals import rows_of
from snapshots.models import Pushed

log = logging.getLogger(__name__)

ROWS_OF_A_TABLE = 200  # in one batch
BYTES = 4 * 1024 * 1024  # of one batch, or one row if it is longer
BATCHES = 50  # to one target before the others have their turn
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of all tables beyond what a target has, and how far it is with them."""

    lines: list[tuple[datetime, bytes]]  # when it happened; JSON with its line end
    upto: dict[str, int]

    @property
    def body(self) -> bytes:
        return b"".join(line for _at, line in self.lines)


Way = Callable[[Batch], None]


def push_new_rows() -> bool:
    """Push what is new to each target, a number of batches at most; whether there is more at once.

    A target that fails is left in peace for a while and keeps the others waiting for a time-out at
    most. Raises `WritersBusyError` (try later).
    """
    if not settings.EVSPORTAL_AUDIT_PUSH:
        return False
    settled = settled_upto()
    more = [_push_to(target, settled) for target in settings.EVSPORTAL_AUDIT_PUSH]
    return any(more)


def way_to(target: str) -> Way:
    """How to hand a batch to the target. Raises `ValueError` for one that cannot be."""
    parts = urlsplit(target)
    if parts.scheme in {"syslog+tcp", "syslog+tls"} and parts.hostname:
        return lambda batch: stream_syslog(parts, (_message(*one) for one in batch.lines))
    if parts.scheme == "file" and parts.path:
        return lambda batch: append(Path(parts.path), batch.body.decode())
    if is_hook(parts):
        return lambda batch: post(target, batch.body, key=_digest(batch.body)[:32])
    words = " Syslog over UDP would lose rows." if parts.scheme == "syslog" else ""
    raise ValueError(f"{named(target)} is no place to push rows to.{words}")


def state_of(target: str) -> Pushed:
    """How far the target is; nothing is written for a new one."""
    known = Pushed.objects.filter(pk=_digest(target.encode())).first()
    return known or Pushed(target=_digest(target.encode()), shown=named(target)[:255])


def _push_to(target: str, settled: dict[str, int]) -> bool:
    state = state_of(target)
    if not _is_time(state):
        return False
    for _ in range(BATCHES):
        batch = _batch(state.upto, settled)
        if not batch.lines:
            return False
        if not _hand_over(target, state, batch):
            return False
    return True


def _is_time(state: Pushed) -> bool:
    """Whether its pause is over; one longer than any was planned by a clock since set back."""
    now = timezone.now()
    longest = timedelta(seconds=LONGEST_PAUSE_SECONDS)
    return state.retry_at is None or not now < state.retry_at <= now + longest


def _batch(upto: dict[str, int], settled: dict[str, int]) -> Batch:
    """At least one row where there is one; each table has its share, so none waits for another."""
    batch, room = Batch([], dict(upto)), BYTES
    for table in TRAIL:
        after = upto.get(table, 0)
        for values in rows_of(table, after, settled[table], ROWS_OF_A_TABLE):
            row = told_row(table, values)
            line = json_line(row)
            if batch.lines and len(line) > room:
                return batch
            room -= len(line)
            batch.lines.append((datetime.fromisoformat(row["at"]), line))
            batch.upto[table] = row["seq"]
    return batch


def _hand_over(target: str, state: Pushed, batch: Batch) -> bool:
    """Whether the target has taken it; only then it is noted."""
    try:
        way_to(target)(batch)
    except (OSError, DeliveryError) as error:
        _failed(state, str(error))
        return False
    if state.failing_since:
        log.warning("Rows of the audit trail reach %s again.", state.shown)
    state.failing_since = state.retry_at = None
    state.trouble, state.fails = "", 0
    state.upto, state.done_at = batch.upto, timezone.now()
    state.save()
    return True


def _failed(state: Pushed, trouble: str) -> None:
    now = timezone.now()
    if state.failing_since is None:  # once, however long it lasts
        log.error("Rows of the audit trail do not reach %s: %s", state.shown, trouble)
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(state.fails, 10), LONGEST_PAUSE_SECONDS)
    state.failing_since = state.failing_since or now
    state.trouble, state.fails = trouble[:500], state.fails + 1
    state.retry_at = now + timedelta(seconds=pause)
    state.save()


def _message(at: datetime, line: bytes) -> bytes:
    return rfc5424("row", line.decode().rstrip("\n"), at=at)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
