"""Requests that the cloud accepted and leaves unfinished for much longer than is usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from snapshots.models import (
    CloudHealth,
    Operation,
    OperationState,
)
from snapshots.rights.policy import Right, may
from snapshots.selectors.operations import is_stuck, typical_seconds

MOST_LOOKED_AT = 50  # a page must not become slow where very many wait


@dataclass(frozen=True, slots=True, kw_only=True)
class HangingFacts:
    """What is to be considered. `usual_seconds`: from asking to the end; None where unknown."""

    state: OperationState
    unchanged: timedelta  # since it entered its state
    usual_seconds: float | None
    cloud_answers: bool  # where it does not, nobody can tell whether the request has ended


def hangs(facts: HangingFacts, *, longest: timedelta) -> bool:
    """`longest`: how much longer than usual an accepted request may stay as it is."""
    is_with_cloud = facts.state is OperationState.ACCEPTED and facts.cloud_answers
    return is_with_cloud and facts.unchanged > longest + timedelta(seconds=facts.usual_seconds or 0)


def hanging_operations(*, now: datetime | None = None) -> list[Operation]:
    """The oldest first. Mostly one query: nothing has waited for long."""
    moment = now or timezone.now()
    waiting = Operation.objects.filter(
        state=OperationState.ACCEPTED, state_at__lt=moment - _longest()
    ).select_related("snapshot")
    return _hanging_among(list(waiting.order_by("asked_at", "id")[:MOST_LOOKED_AT]), moment)


def is_hanging(operation: Operation) -> bool:
    is_long = timezone.now() - operation.state_at > _longest()
    return is_long and bool(_hanging_among([operation], timezone.now()))


def may_end(person: User, operation: Operation) -> bool:
    """Whether the person may end the request now: administrators also what the portal cannot find
    out (`is_stuck`), they and the helpdesk what hangs in the cloud.
    """
    if may(person, Right.ADMINISTER) and is_stuck(operation):
        return True
    return may(person, Right.END_HANGING) and is_hanging(operation)


def _hanging_among(operations: Sequence[Operation], now: datetime) -> list[Operation]:
    if not operations:
        return []
    pairs = {(row.cloud, row.kind) for row in operations}
    usual = {pair: typical_seconds(*pair) for pair in sorted(pairs)}
    failing = CloudHealth.objects.filter(failing_since__isnull=False)
    silent = set(failing.values_list("cloud", flat=True))

    def facts_of(row: Operation) -> HangingFacts:
        return HangingFacts(
            state=row.status,
            unchanged=now - row.state_at,
            usual_seconds=usual[row.cloud, row.kind],
            cloud_answers=row.cloud not in silent,
        )

    return [row for row in operations if hangs(facts_of(row), longest=_longest())]


def _longest() -> timedelta:
    return timedelta(seconds=settings.EVSPORTAL_HANGING_SECONDS)
