"""Carries out an operation that the worker has claimed: sends its create once, stores the truth."""

import logging
import random
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from snapshots.evs.errors import EvsError
from snapshots.evs.types import CreateSnapshot
from snapshots.evs.types import Snapshot as CloudSnapshot
from snapshots.jobs.claims import release, write
from snapshots.models import MARKER, Operation, OperationState, Purpose
from snapshots.services.health import cloud_answered, cloud_failed, is_trouble_of_cloud
from snapshots.services.outcomes import Outcome, Verdict, outcome_of
from snapshots.services.settle import settle
from snapshots.services.speaking import client_for_operation
from snapshots.services.watch import adopt

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0
FIRST_LOOK_AFTER = timedelta(seconds=2)


def perform(operation: Operation) -> None:
    """Take a claimed operation one step on. Raises `LostClaimError` when the claim is lost."""
    if operation.status is OperationState.UNKNOWN:
        settle(operation)
    elif operation.status is OperationState.SENDING and operation.sent_at is not None:
        _own_up(operation)
    elif _is_overdue(operation):
        _give_up(operation)
    elif _take_the_volume(operation):
        _send(operation)


def _own_up(operation: Operation) -> None:
    """The worker that was sending is gone: the request may have reached the cloud."""
    now = timezone.now()
    words = (
        "The portal was interrupted while asking, so a snapshot may exist. "
        "It is checking; please do not ask again."
    )
    release(
        operation,
        due_at=now,
        outcome=words,
        **operation.enter(OperationState.UNKNOWN, now=now),
    )


def _is_overdue(operation: Operation) -> bool:
    """Whether retrying has gone on for too long; what was never tried is never overdue."""
    limit = timedelta(seconds=settings.EVSPORTAL_RETRY_SECONDS)
    return operation.fails > 0 and timezone.now() - operation.asked_at > limit


def _give_up(operation: Operation) -> None:
    now = timezone.now()
    words = f"{operation.outcome} The portal has stopped trying. Nothing was made; ask again later."
    changes = operation.enter(OperationState.FAILED, now=now)
    release(operation, due_at=None, outcome=words.strip(), **changes)


def _take_the_volume(operation: Operation) -> bool:
    """Enter `sending`, unless another create is on the volume: the database knows (unique)."""
    if operation.status is OperationState.SENDING:
        return True
    now = timezone.now()
    try:
        with transaction.atomic():
            write(operation, **operation.enter(OperationState.SENDING, now=now))
    except IntegrityError:
        release(operation, due_at=now + timedelta(seconds=1))
        return False
    return True


def _send(operation: Operation) -> None:
    def mark_as_sent() -> None:
        write(operation, sent_at=timezone.now())

    client = client_for_operation(operation, Purpose.CREATE, before_create=mark_as_sent)
    wanted = CreateSnapshot(
        volume_id=operation.volume_id,
        name=operation.name,
        description=operation.description,
        force=operation.force,
        metadata=operation.sent_metadata(),
    )
    try:
        made = client.create_snapshot(wanted)
    except EvsError as error:
        _store_error(operation, error)
    else:
        cloud_answered(operation.cloud)
        _store_snapshot(operation, made)


def _store_snapshot(operation: Operation, made: CloudSnapshot) -> None:
    if made.volume_id != operation.volume_id:
        log.error("%s: the cloud answered for another volume.", operation.pk)
        _become_unknown(
            operation,
            "The cloud answered with a snapshot of another volume. The portal is checking what "
            "was made; please do not ask again.",
        )
        return
    if made.metadata.get(MARKER) != str(operation.pk):
        log.error("%s: the cloud dropped the marker from the metadata.", operation.pk)
    adopt(operation, made)


def _store_error(operation: Operation, error: EvsError) -> None:
    if is_trouble_of_cloud(error):
        cloud_failed(operation.cloud, error)
    outcome = outcome_of(error, sent=operation.sent_at is not None)
    words = _words(outcome, error)
    facts = {"code": error.code[:80], "request_id": error.request_id[:120]}
    if outcome.verdict is Verdict.UNKNOWN:
        _become_unknown(operation, words, **facts)
    elif outcome.verdict is Verdict.RETRY:
        _back_to_queue(operation, words, retry_after=error.retry_after, **facts)
    else:
        changes = operation.enter(OperationState.REFUSED, now=timezone.now())
        release(operation, due_at=None, outcome=words, **changes, **facts)


def _words(outcome: Outcome, error: EvsError) -> str:
    if outcome.verdict is Verdict.REFUSE and error.message:
        return f"{outcome.words} The cloud said: {error.message}"
    return outcome.words


def _become_unknown(operation: Operation, words: str, **facts: str) -> None:
    now = timezone.now()
    changes = operation.enter(OperationState.UNKNOWN, now=now)
    release(operation, due_at=now + FIRST_LOOK_AFTER, outcome=words, fails=0, **changes, **facts)


def _back_to_queue(
    operation: Operation, words: str, *, retry_after: float | None, **facts: str
) -> None:
    now = timezone.now()
    release(
        operation,
        due_at=now + pause_after(operation.fails, retry_after=retry_after),
        sent_at=None,
        fails=operation.fails + 1,
        outcome=words,
        **operation.enter(OperationState.QUEUED, now=now),
        **facts,
    )


def pause_after(fails: int, *, retry_after: float | None) -> timedelta:
    """Full jitter between nothing and a growing limit; never sooner than the cloud asked for."""
    limit = min(LONGEST_PAUSE_SECONDS, 2.0 ** min(fails, 10))
    jitter = random.uniform(0.5, 1.0) * limit  # noqa: S311 - to spread load, no secret
    return timedelta(seconds=max(jitter, retry_after or 0.0))
