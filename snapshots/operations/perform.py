"""Takes an operation that a worker has claimed one step on: sent once, then looked for."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from snapshots.models import BUSY, Operation, OperationState, OutcomeCode, Purpose
from snapshots.operations.decisions import Decision, store_decision
from snapshots.operations.kinds import kind_of
from snapshots.operations.looks import unknown_move
from snapshots.operations.outcomes import Meaning, Verdict, meaning_of
from snapshots.operations.settle import settle
from snapshots.operations.transitions import (
    Move,
    Outcome,
    Start,
    Tries,
    mark_as_sent,
    prepared_move,
    tries_of,
)
from snapshots.operations.withdrawing import withdrawal
from snapshots.rights.sending import RightLostError, check_sender

LONGEST_PAUSE_SECONDS = 60.0
AFTER_REFUSED_SIGN_IN_SECONDS = 2.0
LONGEST_ASKED_SECONDS = 900.0  # a Retry-After beyond it is not believed
VOLUME_PAUSE = timedelta(seconds=1)  # while another operation is on the volume


def perform(operation: Operation) -> None:
    """Take a claimed operation one step on. Raises `LostClaimError` when the claim is lost."""
    decision = _next_step(operation)
    store_decision(operation, decision, now=timezone.now())


def _next_step(operation: Operation) -> Decision:
    asked_at = timezone.now()
    if operation.status is OperationState.UNKNOWN:
        return replace(settle(operation), read_at=asked_at)
    if operation.may_have_been_sent:
        return _look_from_now_on(operation)
    # Where the volume's status was noted, an earlier try may have spoiled it: the look tells.
    if operation.start_status is None:
        try:  # before anything is read in the person's name; the last word is said on sending
            check_sender(operation, kind_of(operation).right)
        except RightLostError as error:
            return withdrawal(operation, error.code, now=asked_at)
    if not _take_the_volume(operation):
        due_at = timezone.now() + VOLUME_PAUSE
        return Decision(move=Move(to=OperationState.QUEUED, due_at=due_at))
    checked = _checked(operation)
    if checked.move is not None:
        return replace(checked, read_at=asked_at)
    return _send(operation, start=checked.start)


def _look_from_now_on(operation: Operation) -> Decision:
    """The request may have reached the cloud: the worker that was sending it is gone, or the
    database was restored from a backup while it waited. No worker sends it any more.
    """
    code = OutcomeCode.INTERRUPTED
    if operation.status is OperationState.QUEUED or operation.outcome is OutcomeCode.RESTORED:
        code = OutcomeCode.RESTORED
    if not _enter_sending(operation):
        due_at = timezone.now() + VOLUME_PAUSE
        return Decision(move=Move(to=OperationState.QUEUED, due_at=due_at))
    outcome = Outcome(code=code)
    return Decision(move=unknown_move(tries_of(operation), outcome, now=timezone.now()))


def _enter_sending(operation: Operation) -> bool:
    """False when another operation is on the volume: a unique index says so."""
    if operation.status is not OperationState.SENDING:
        move, now = Move(to=OperationState.SENDING), timezone.now()
        try:
            in_transaction(prepared_move(operation, move, now=now))
        except IntegrityError:
            return False
    return True


def _take_the_volume(operation: Operation) -> bool:
    """Enter `sending`, unless another operation is on the volume.

    The index covers only operations that do not share their volume. So each operation enters
    `sending` first and then looks for the others: of two, at least the later one sees the other.
    """
    if not _enter_sending(operation):
        return False
    others = Operation.objects.in_the_way_of(operation)
    return not others.filter(state__in=sorted(BUSY)).exists()


def _checked(operation: Operation) -> Decision:
    """What the cloud holds right now may forbid sending: then there is a move. A failed look has
    changed nothing.
    """
    kind = kind_of(operation)
    if not kind.looks_before_sending:
        return Decision()
    try:
        return kind.check(client_for_operation(operation, Purpose.CHECK), operation)
    except EvsError as error:
        if is_trouble_of_cloud(error):
            cloud_failed(operation.cloud, error)
        facts = _facts_of(operation, error, sent=True)
        if facts.meaning.verdict is Verdict.UNKNOWN:
            busy = Meaning(Verdict.RETRY, OutcomeCode.BUSY)
            outcome = replace(facts.outcome, code=OutcomeCode.BUSY)
            facts = replace(facts, meaning=busy, outcome=outcome)
        return Decision(move=move_after_error(facts, now=timezone.now()))


def _send(operation: Operation, *, start: Start | None) -> Decision:
    kind = kind_of(operation)

    def mark() -> None:
        check_sender(operation, kind.right)
        mark_as_sent(operation, start=start, now=timezone.now())

    client = client_for_operation(operation, kind.purpose, before_sending=mark)
    try:
        answer = kind.send(client, operation)
    except RightLostError as error:
        return withdrawal(operation, error.code, now=timezone.now())
    except EvsError as error:
        if is_trouble_of_cloud(error):
            cloud_failed(operation.cloud, error)
        facts = _facts_of(operation, error, sent=operation.sent_at is not None)
        return Decision(move=move_after_error(facts, now=timezone.now()))
    cloud_answered(operation.cloud)
    return kind.after_answer(operation, answer, now=timezone.now())


# --- after an error: facts, then one pure function decides ------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFacts:
    """What is to be considered when the cloud did not do what was asked."""

    meaning: Meaning
    outcome: Outcome
    tries: Tries
    is_overdue: bool = False  # it was tried for as long as the portal tries
    pause: timedelta = timedelta(0)  # before the next try


def move_after_error(facts: ErrorFacts, *, now: datetime) -> Move:
    """Whether the operation is looked for, sent again, given up or refused."""
    verdict, tries = facts.meaning.verdict, facts.tries
    if verdict is Verdict.UNKNOWN:
        return unknown_move(facts.tries, facts.outcome, now=now)
    if verdict is Verdict.REFUSE:
        return Move(to=OperationState.REFUSED, outcome=facts.outcome)
    if verdict is Verdict.RETRY and facts.is_overdue:
        return Move(to=OperationState.FAILED, outcome=_given_up(facts.outcome))
    failing_since = (tries.failing_since or now) if verdict is Verdict.RETRY else None
    return Move(
        to=OperationState.QUEUED,
        due_at=now + facts.pause,
        outcome=facts.outcome,
        tries=replace(tries, fails=tries.fails + 1, failing_since=failing_since),
    )


def _given_up(outcome: Outcome) -> Outcome:
    return replace(outcome, code=OutcomeCode.GIVEN_UP, values={"reason": outcome.code.value})


def _facts_of(operation: Operation, error: EvsError, *, sent: bool) -> ErrorFacts:
    meaning = meaning_of(error, sent=sent)
    return ErrorFacts(
        meaning=meaning,
        outcome=Outcome(
            code=meaning.code,
            values={"cloud_said": error.message} if error.message else {},
            error_code=error.code,
            request_id=error.request_id,
        ),
        tries=tries_of(operation),
        is_overdue=_is_overdue(operation, error),
        pause=_pause_before_retry(operation, error),
    )


def _is_overdue(operation: Operation, error: EvsError) -> bool:
    # The probe of an open breaker reads only, so it sees no end of an outage of changes alone.
    counts_outage = not isinstance(error, AuthFailed) or error.at_sign_in
    outage_ended_at = recovered_at(operation.cloud) if counts_outage else None
    return is_overdue(operation.failing_since, outage_ended_at, now=timezone.now())


def is_overdue(
    failing_since: datetime | None, outage_ended_at: datetime | None, *, now: datetime
) -> bool:
    """Whether it was tried for too long: counted from the first failure, or from the end of the
    last outage of the whole cloud.
    """
    if failing_since is None:
        return False  # this was the first failure
    start = max(failing_since, outage_ended_at or failing_since)
    return now - start > timedelta(seconds=settings.EVSPORTAL_RETRY_SECONDS)


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
