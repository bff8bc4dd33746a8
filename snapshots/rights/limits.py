"""How many requests a person may have open, and ask for in a day, by the role."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.utils import timezone

from snapshots.clock import latest_plausible
from snapshots.models import OPEN, Operation
from snapshots.rights.policy import Right, may

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Of one person: those that have not ended, and those of the last 24 hours."""

    open: int
    in_a_day: int


def most_requests(person: User) -> Requests:
    if may(person, Right.REQUEST_FOR_OTHERS):
        return Requests(
            open=settings.EVSPORTAL_HELPDESK_OPEN_REQUESTS,
            in_a_day=settings.EVSPORTAL_HELPDESK_DAY_REQUESTS,
        )
    return Requests(
        open=settings.EVSPORTAL_STAFF_OPEN_REQUESTS,
        in_a_day=settings.EVSPORTAL_STAFF_DAY_REQUESTS,
    )


def requests_of(person: User) -> Requests:
    """The recorded requests of now. A new one is counted when it is recorded."""
    now = timezone.now()
    # What is noted as asked for later comes from a clock that was wrong.
    is_young = Q(asked_at__gt=now - DAY, asked_at__lte=latest_plausible(now=now))
    is_open = Q(state__in=sorted(OPEN))
    own = Operation.objects.filter(is_open | is_young, requester=person).order_by()
    counts = {"open": Count("pk", filter=is_open), "in_a_day": Count("pk", filter=is_young)}
    return Requests(**own.aggregate(**counts))
