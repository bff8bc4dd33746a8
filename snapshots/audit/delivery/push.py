"""Pushes new rows of the trail outside as they come, at least once: to syslog, a hook, a file.

Targets (EVSPORTAL_AUDIT_PUSH) are the places of `transport.py`. Each gets every row from the first
one that is here, or with `#new` behind its address those from now on: table by table in the order
of numbers, spelt as in an export. How far it is, is noted only after it has taken a batch, so a
break repeats a batch and loses none. Over UDP nobody knows what was taken: there it is "sent".
"""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.audit.database.settled import TRAIL, highest, settled_upto
from snapshots.audit.delivery.transport import (
    LONGEST_PAUSE_SECONDS,
    DeliveryError,
    Line,
    Sender,
    named,
    pause_seconds,
    split,
)
from snapshots.audit.delivery.transport import sender_to as sender_outside
from snapshots.audit.seals.canonical import exported_row, json_line
from snapshots.audit.seals.sealing import rows_of
from snapshots.clock import is_to_come
from snapshots.database.transactions import in_transaction
from snapshots.models import Pushed

log = logging.getLogger(__name__)

ROWS_OF_A_TABLE = 200  # in one batch
BYTES_OF_A_TABLE = 512 * 1024  # in one batch, or one row if it is longer
ROWS_IN_MEMORY = 4  # a row may have a body of 1 MiB
TURN_SECONDS = 10.0  # then the worker may stop
NEW = "new"  # behind the `#` of a target that does not want what was before

Fence = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of all tables beyond what a target has, and how far it is with them."""

    lines: list[Line]
    upto: dict[str, int]

    @property
    def key(self) -> str:
        """The same for the same rows, so that a repeat can be told from what is new."""
        digest = hashlib.sha256()
        for line in self.lines:
            digest.update(line.text.encode("utf-8", "replace") + b"\n")
        return digest.hexdigest()[:32]


def sender_to(target: str) -> Sender:
    """How to hand a batch to the target. Raises `ValueError` for one that cannot be."""
    send = sender_outside(target, kind="row")
    if send is None:
        raise ValueError(f"{named(target)} is no place to push rows to.")
    if split(target).fragment not in {"", NEW}:
        raise ValueError(f"{named(target)}: behind a # only “{NEW}” means something.")
    return send


def may_lose(target: str) -> bool:
    """Whether nobody learns what arrives: UDP."""
    return split(target).scheme == "syslog"


def digest_of(target: str) -> str:
    """What a target is known by; its address may hold a secret."""
    return hashlib.sha256(target.partition("#")[0].encode()).hexdigest()


def target_with(digest: str) -> str | None:
    """The target of the settings that is known by this; None: it was taken out."""
    targets = {digest_of(target): target for target in settings.EVSPORTAL_AUDIT_PUSH}
    return targets.get(digest)


def state_of(target: str) -> Pushed:
    """How far the target is; nothing is written for a new one."""
    state = Pushed.objects.filter(pk=digest_of(target)).first() or Pushed(target=digest_of(target))
    state.label = named(target)[:255]
    return state


def states() -> list[Pushed]:
    """Of all targets, in the order of the settings; one query."""
    targets = {digest_of(target): target for target in settings.EVSPORTAL_AUDIT_PUSH}
    stored = Pushed.objects.in_bulk(list(targets)) if targets else {}
    targets_states = [stored.get(pk) or Pushed(target=pk) for pk in targets]
    for state in targets_states:
        state.label = named(targets[state.pk])[:255]
    return targets_states


def push_new_rows(target: str, *, fence: Fence = lambda: None) -> bool:
    """Push what is new to the target, for some seconds at most; whether there is more at once.

    `fence` is called in the transaction of each note, and raises where another does this by now.
    Raises `WritersBusyError` (try later), and what the fence raises.
    """
    state, send = state_of(target), sender_to(target)
    if not _is_time(state) or not _is_behind(state):
        return False
    settled = settled_upto()
    if state._state.adding and split(target).fragment == NEW:
        _note(state, fence, upto=settled)
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        batch = _batch(state, settled)
        if not batch.lines and not state.trying:
            return False
        if not batch.lines:  # the rows of the batch being retried are no longer in the database
            _note(state, fence, trying={})
        elif not _hand_over(send, batch, state, fence):
            return False
    return True


def _is_time(state: Pushed) -> bool:
    """Whether its pause is over."""
    longest = timedelta(seconds=LONGEST_PAUSE_SECONDS)
    return not is_to_come(state.retry_at, now=timezone.now(), ahead=longest)


def _is_behind(state: Pushed) -> bool:
    """A cheap look that keeps no writer waiting."""
    return any(last > state.upto.get(table, 0) for table, last in highest().items())


def _batch(state: Pushed, settled: dict[str, int]) -> Batch:
    """The batch that is being tried, or the next one: of each table its share, at least one row
    where there is one.
    """
    ends = settled | state.trying
    batch = Batch([], {table: state.upto.get(table, 0) for table in TRAIL})
    for table in TRAIL:
        room = BYTES_OF_A_TABLE
        after = batch.upto[table]
        rows = rows_of(table, after, ends[table], ROWS_OF_A_TABLE, in_memory=ROWS_IN_MEMORY)
        for values in rows:
            row = exported_row(table, values)
            line = json_line(row)
            room -= len(line)
            if room < 0 and batch.upto[table] > after:
                break
            batch.lines.append(Line(datetime.fromisoformat(row["at"]), line.decode().rstrip("\n")))
            batch.upto[table] = row["seq"]
    return batch


def _hand_over(send: Sender, batch: Batch, state: Pushed, fence: Fence) -> bool:
    """Whether the target has taken it; only then it counts as pushed."""
    if state.trying != batch.upto:
        _note(state, fence, trying=batch.upto)
    try:
        send(batch.lines, batch.key)
    except DeliveryError as error:
        _failed(state, str(error), fence)
        return False
    recovers = state.failing_since is not None
    now = timezone.now()
    _note(state, fence, upto=batch.upto, trying={}, done_at=now, **_NO_TROUBLE)
    if recovers:
        log.warning("Rows of the audit trail reach %s again.", state.label)
    return True


_NO_TROUBLE: dict[str, object] = {
    "failing_since": None,
    "retry_at": None,
    "trouble": "",
    "fails": 0,
}


def _failed(state: Pushed, trouble: str, fence: Fence) -> None:
    now = timezone.now()
    is_new = state.failing_since is None
    _note(
        state,
        fence,
        failing_since=state.failing_since or now,
        trouble=trouble[:500],
        fails=state.fails + 1,
        retry_at=now + timedelta(seconds=pause_seconds(state.fails + 1)),
    )
    if is_new:  # once, however long it lasts
        log.error("Rows of the audit trail do not reach %s: %s.", state.label, trouble)


def _note(state: Pushed, fence: Fence, **changes: object) -> None:
    for name, value in changes.items():
        setattr(state, name, value)

    def store() -> None:
        fence()
        # One statement: two workers whose first note this is would otherwise both add the row.
        Pushed.objects.bulk_create(
            [state], update_conflicts=True, unique_fields=["target"], update_fields=_STATE_FIELDS
        )

    in_transaction(store)


_STATE_FIELDS = [field.name for field in Pushed._meta.fields if not field.primary_key]
