"""Rows that are due, as messages name them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter

from django.db.models import Q
from django.utils import timezone

from snapshots.jobs.broker.app import duty_task, operation_task
from snapshots.jobs.duties import PROBE
from snapshots.jobs.notices import Notice
from snapshots.models import Duty, Operation

MOST_DUTIES = 500
# What waits for a slow cloud must not keep another's from being told.
MOST_OF_A_CLOUD = 50


@dataclass(frozen=True, slots=True)
class Due:
    """A row, and which of its claims is the next."""

    task: str
    notice: Notice
    token: int


def due_operations(clouds: Iterable[str], *, overdue: timedelta = timedelta(0)) -> list[Due]:
    """The first operations of these clouds in nobody's hand that have been due for so long: the
    first of each cloud, then the second of each.
    """
    rows = Operation.objects.claimable().filter(due_at__lte=timezone.now() - overdue)
    rows = rows.order_by("due_at", "pk")
    ranked = [
        (rank, Due(operation_task(kind), Notice(is_duty=False, key=str(key), lane=cloud), token))
        for cloud in clouds
        for rank, (key, kind, token) in enumerate(
            rows.filter(cloud=cloud).values_list("pk", "kind", "token")[:MOST_OF_A_CLOUD]
        )
    ]
    return [due for _rank, due in sorted(ranked, key=itemgetter(0))]


def due_duties(*, held: Sequence[str]) -> list[Due]:
    rows = Duty.objects.filter(due_at__lte=timezone.now()).order_by("due_at", "pk")
    rows = rows.exclude(Q(cloud__in=held) & ~Q(kind=PROBE))
    return [
        Due(duty_task(kind), Notice(is_duty=True, key=name, lane=lane), token)
        for name, kind, lane, token in rows.values_list("name", "kind", "cloud", "token")[
            :MOST_DUTIES
        ]
    ]
