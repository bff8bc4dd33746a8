"""What is known of one operation, in order: its exchanges, actions and anomalies."""

import heapq
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from snapshots.models import Exchange, Operation
from snapshots.rights.visible import actions_visible_to, anomalies_visible_to, exchanges_visible_to
from snapshots.selectors.records import Record

AROUND = 30  # records shown before the one that is looked at, and as many after it


@dataclass(frozen=True, slots=True)
class Records:
    """Oldest first, the looked-at one among them; whether there are more on either side."""

    rows: list[Record]
    has_earlier: bool
    has_later: bool


def records_around(operation: Operation, *, record: Record, user: User) -> Records:
    """The operation's records nearest to this one; none for who may not audit."""
    earlier: list[Record] = []
    later: list[Record] = []
    for table in _tables(operation, user):
        earlier += table.filter(at__lte=record.at).order_by("-at", "-seq")[: AROUND + 2]
        later += table.filter(at__gt=record.at).order_by("at", "seq")[: AROUND + 1]
    before = heapq.nlargest(AROUND + 2, earlier, key=_order)
    after = heapq.nsmallest(AROUND + 1, later, key=_order)
    rows = [*reversed(before[: AROUND + 1]), *after[:AROUND]]
    return Records(rows, len(before) > AROUND + 1, len(after) > AROUND)


# Bodies may be a megabyte each, and a timeline shows none.
_HEAVY = ("headers", "body", "answer__headers", "answer__body")


def _tables(operation: Operation, user: User) -> list[QuerySet[Any]]:
    exchanges = exchanges_visible_to(user).defer(*_HEAVY)
    actions = actions_visible_to(user)
    anomalies = anomalies_visible_to(user)
    return [table.filter(operation=operation) for table in (exchanges, actions, anomalies)]


def _order(record: Record) -> tuple[datetime, bool, int]:
    """Of one moment, what was sent comes after what led to it."""
    return record.at, isinstance(record, Exchange), record.seq
