"""Carries out an operation that the worker has claimed: sends its create once, stores the truth."""

import logging
import random
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from snapshots.clouds.clients import client_for_operation
from snapshots.clouds.health import (
    cloud_answered,
    cloud_failed,
    is_trouble_of_cloud,
    recovered_at,
)
from snapshots.database.transactions import in_transaction
from snapshots.evs.errors import AuthFailed, EvsError, LoginFailed
from snapshots.evs.types import CloudSnapshot, CreateSnapshot
from snapshots.jobs.claims import release, write
from snapshots.models import Operation, OperationState, Purpose
from snapshots.operations.anomalies import contradiction_in, report
from snapshots.operations.outcomes import Fixer, Outcome, Verdict, outcome_of
from snapshots.operations.settle import pause_before, settle
from snapshots.operations.watch import adopt

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0
AFTER_REFUSED_SIGN_IN_SECONDS = 2.0
LONGEST_ASKED_SECONDS = 900.0  # a Retry-After beyond it is not believed


def perform(operation: Operation) -> None:
    """Take a claimed operation one step on. Raises `LostClaimError` when the claim is lost."""
    if operation.status is OperationState.UNKNOWN:
        settle(operation)
    elif operation.status is OperationState.SENDING and operation.sent_at is not None:
        _own_up(operation)
    elif _take_the_volume(operation):
        _send(operation)


def _own_up(operation: Operation) -> None:
    """The worker that was sending is gone: the request may have reached the cloud."""
    words = (
        "The portal was interrupted while asking, so a snapshot may exist. It looks for it, "
        "usually for two to three minutes. Please do not ask again until this page says what it "
        "found."
    )
    _become_unknown(operation, words)


def _is_overdue(operation: Operation, error: EvsError) -> bool:
    """Whether retrying has gone on for too long, asked after a try that failed: counted from the
    first failure, and anew from the end of an outage of the whole cloud.
    """
    begun = operation.failing_since
    if begun is None:
        return False  # this was the first failure
    # An outage of creates alone has no end that a probe could see: it reads.
    if not isinstance(error, AuthFailed) or error.at_sign_in:
        begun = max(begun, recovered_at(operation.cloud) or begun)
    limit = timedelta(seconds=settings.EVSPORTAL_RETRY_SECONDS)
    return timezone.now() - begun > limit


def _give_up(operation: Operation, words: str, **facts: str) -> None:
    words = f"{words} The portal has stopped trying. Nothing was made; ask again later."
    changes = operation.enter(OperationState.FAILED, now=timezone.now())
    release(operation, due_at=None, outcome=words, **changes, **facts)


def _take_the_volume(operation: Operation) -> bool:
    """Enter `sending`, unless another create is on the volume: the database knows (unique)."""
    if operation.status is OperationState.SENDING:
        return True
    now = timezone.now()
    try:
        in_transaction(lambda: write(operation, **operation.enter(OperationState.SENDING, now=now)))
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
    """Believe the answer only if it is about what was asked."""
    contradiction = contradiction_in(operation, made)
    if contradiction is not None:
        report(contradiction, operation, f"The answer to the create named snapshot {made.id}.")
        _become_unknown(
            operation,
            "The cloud's answer was about something else than what was asked. The portal is "
            "checking what was made; please do not ask again.",
        )
        return
    adopt(operation, made)


def _store_error(operation: Operation, error: EvsError) -> None:
    if is_trouble_of_cloud(error):
        cloud_failed(operation.cloud, error)
    outcome = outcome_of(error, sent=operation.sent_at is not None)
    words = _words(outcome, error)
    facts = {"code": error.code[:80], "request_id": error.request_id[:120]}
    if outcome.verdict is Verdict.UNKNOWN:
        _become_unknown(operation, words, **facts)
    elif outcome.verdict is Verdict.RETRY and _is_overdue(operation, error):
        _give_up(operation, words, **facts)
    elif outcome.verdict is Verdict.RETRY:
        pause = _pause_before_retry(operation, error)
        first = operation.failing_since or timezone.now()
        _back_to_queue(operation, pause, outcome=words, failing_since=first, **facts)
    elif outcome.verdict is Verdict.WAIT:
        pause = pause_after(operation.fails, retry_after=error.retry_after)
        _back_to_queue(operation, pause, outcome=words, failing_since=None, **facts)
    else:
        changes = operation.enter(OperationState.REFUSED, now=timezone.now())
        release(operation, due_at=None, outcome=words, **changes, **facts)


def _words(outcome: Outcome, error: EvsError) -> str:
    """What happened, who can help where the person cannot, and what the cloud itself said."""
    if outcome.verdict is not Verdict.REFUSE:
        return outcome.words
    parts = [outcome.words]
    if outcome.fixer is not Fixer.PERSON:
        parts.append(f"Who can help: {outcome.fixer.value}.")
    if error.message:
        parts.append(f"The cloud said: {error.message}")
    return " ".join(parts)


def _become_unknown(operation: Operation, words: str, **facts: str) -> None:
    now = timezone.now()
    changes = operation.enter(OperationState.UNKNOWN, now=now)
    release(
        operation,
        due_at=now + pause_before(1),
        outcome=words,
        fails=0,
        looks=0,
        waited_seconds=0.0,
        **changes,
        **facts,
    )


def _back_to_queue(operation: Operation, pause: timedelta, **changes: object) -> None:
    now = timezone.now()
    release(
        operation,
        due_at=now + pause,
        sent_at=None,
        fails=operation.fails + 1,
        **operation.enter(OperationState.QUEUED, now=now),
        **changes,
    )


def _pause_before_retry(operation: Operation, error: EvsError) -> timedelta:
    """After a refused sign-in the breaker holds everything back, as long as the credentials are the
    same; the operation must not wait any longer when they are corrected.
    """
    if isinstance(error, LoginFailed):
        return timedelta(seconds=AFTER_REFUSED_SIGN_IN_SECONDS)
    return pause_after(operation.fails, retry_after=error.retry_after)


def pause_after(fails: int, *, retry_after: float | None) -> timedelta:
    """Full jitter: anything up to a growing limit; never sooner than the cloud asked for."""
    limit = min(LONGEST_PAUSE_SECONDS, 2.0 ** min(fails, 10))
    jitter = random.uniform(0.0, limit)  # noqa: S311 - to spread load, no secret
    asked = min(retry_after or 0.0, LONGEST_ASKED_SECONDS)
    return timedelta(seconds=asked + jitter)
