"""Rows that are due, as messages name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from snapshots.jobs.broker.app import duty_task, operation_task
from snapshots.jobs.duties import PROBE
from snapshots.jobs.notices import Notice
from snapshots.models import Duty, Operation

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Due:
    """A row, and which of its claims is the next."""

    task: str
    notice: Notice
    token: int


def due_operations(*, held: Sequence[str], overdue: timedelta = timedelta(0)) -> list[Due]:
    """The first operations in nobody's hand that have been due for so long. Clouds that are `held`
    do not answer.
    """
    rows = Operation.objects.claimable().filter(due_at__lte=timezone.now() - overdue)
    rows = rows.exclude(cloud__in=held).order_by("due_at", "pk")
    return [
        Due(operation_task(kind), Notice(is_duty=False, key=str(key), lane=cloud), token)
        for key, kind, cloud, token in rows.values_list("pk", "kind", "cloud", "token")[
            :MOST_AT_ONCE
        ]
    ]


def due_duties(*, held: Sequence[str]) -> list[Due]:
    rows = Duty.objects.filter(due_at__lte=timezone.now()).order_by("due_at", "pk")
    rows = rows.exclude(Q(cloud__in=held) & ~Q(kind=PROBE))
    return [
        Due(duty_task(kind), Notice(is_duty=True, key=name, lane=lane), token)
        for name, kind, lane, token in rows.values_list("name", "kind", "cloud", "token")[
            :MOST_AT_ONCE
        ]
    ]
