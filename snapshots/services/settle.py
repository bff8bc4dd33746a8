"""Settles an operation whose create may have been executed: by looking, never by sending again."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.evs.errors import EvsError
from snapshots.evs.types import Snapshot as CloudSnapshot
from snapshots.jobs.claims import release
from snapshots.models import MARKER, Operation, OperationState, Purpose
from snapshots.services.health import cloud_answered, cloud_failed
from snapshots.services.speaking import client_for_operation
from snapshots.services.watch import adopt

log = logging.getLogger(__name__)

LEAST_LOOKS = 3
LONGEST_PAUSE = timedelta(seconds=60)


def settle(operation: Operation) -> None:
    """Look once for the operation's marker among its volume's snapshots.

    Found: adopted and watched. Not found often and long enough: `not_created`. The look itself
    failed: still unknown, looked for again without end, at last once a minute. Raises
    `LostClaimError` when the claim is lost.
    """
    client = client_for_operation(operation, Purpose.SETTLE)
    try:
        shown = client.list_snapshots(volume_id=operation.volume_id)
    except EvsError as error:
        cloud_failed(operation.cloud, error)
        pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(operation.fails + 1, 6)))
        release(operation, due_at=timezone.now() + pause, fails=operation.fails + 1)
        return
    cloud_answered(operation.cloud)
    marked = [one for one in shown if one.metadata.get(MARKER) == str(operation.pk)]
    if len(marked) == 1:
        adopt(operation, marked[0])
    elif marked:
        _report_several(operation, marked)
    else:
        _not_found(operation)


def _not_found(operation: Operation) -> None:
    now = timezone.now()
    looks = operation.looks + 1
    if looks >= LEAST_LOOKS and now >= settled_at(operation):
        words = (
            "The cloud gave no trustworthy answer, and the snapshot is not there: it was looked "
            f"for {looks} times. Nothing was made. You may ask again."
        )
        changes = operation.enter(OperationState.NOT_CREATED, now=now)
        release(operation, due_at=None, outcome=words, looks=looks, **changes)
        return
    settle_time = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    pause = min(LONGEST_PAUSE, settle_time / 4, timedelta(seconds=2**looks))
    release(operation, due_at=now + pause, looks=looks, fails=0)


def settled_at(operation: Operation) -> datetime:
    """From when on absence is proof: the settle time after the last moment the cloud could act.

    That moment is when the longest allowed exchange, begun at `sent_at`, would have ended.
    """
    begun = operation.sent_at or operation.asked_at
    seconds = settings.EVSPORTAL_DEADLINE_SECONDS + settings.EVSPORTAL_SETTLE_SECONDS
    return begun + timedelta(seconds=seconds)


def _report_several(operation: Operation, marked: list[CloudSnapshot]) -> None:
    """More than one snapshot bears the marker: people must look; nothing is chosen silently."""
    names = ", ".join(sorted(one.id for one in marked))
    log.error("%s: %d snapshots bear its marker: %s", operation.pk, len(marked), names)
    words = (
        f"More than one snapshot in the cloud bears the mark of this request: {names}. "
        "Please tell the portal's administrators; do not ask again."
    )
    release(operation, due_at=timezone.now() + LONGEST_PAUSE, outcome=words)
