"""Operations a person may see, and what is waiting, stuck or usual among them."""

import heapq
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from statistics import median

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from snapshots.models import (
    BUSY,
    CONTENT_KINDS,
    OPEN,
    SENDING_PURPOSES,
    AnomalyKind,
    Answer,
    CloudHealth,
    Operation,
    OperationState,
    Snapshot,
)
from snapshots.models.folding import fold
from snapshots.models.ids import LEAST_OF_ID, ids_starting, is_uuid
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import operations_visible_to
from snapshots.selectors.keyset import Order, in_both_directions, keyset_page
from snapshots.selectors.pages import Page

TYPICAL_OF = 20  # so many last snapshots make "usually takes"


# What the list says of a request, and of the snapshot that it made: reading the other columns, most
# of all times and JSON, takes longer than the query.
_LISTED = (
    *("id", "kind", "state", "cloud", "volume_id", "volume_name", "name", "target_name"),
    *("requester", "requester_name", "on_behalf_of", "ticket"),
    *("asked_at", "state_at", "sent_at", "finished_at"),
    *("snapshot__operation", "snapshot__status", "snapshot__seen_at", "snapshot__listed_at"),
    *("snapshot__gone_at", "snapshot__missing_since", "snapshot__unread_since"),
)


ORDERS = in_both_directions(
    {
        "asked": Order("asked_at", holds=datetime),
        "volume": Order("volume_name"),
        "requester": Order("requester_name"),
    }
)
NEWEST_FIRST = "-asked"


def operations_list(
    user: User, *, text: str = "", state: str = "", sort: str = NEWEST_FIRST, before: str = ""
) -> Page[Operation]:
    """A page of the operations visible to a person, in an order of `ORDERS`. `before` is the `next`
    of the page above.
    """

    def matching(operations: QuerySet[Operation]) -> QuerySet[Operation]:
        return operations_matching(operations.only(*_LISTED), text=text, state=state)

    visible = operations_visible_to(user)
    order = ORDERS.get(sort)
    if order is None or sort == NEWEST_FIRST:
        return operations_page(*map(matching, _in_order(visible, user)), before=before)
    return keyset_page(matching(visible).select_related("snapshot"), order, after=before)


def _in_order(visible: QuerySet[Operation], user: User) -> list[QuerySet[Operation]]:
    """The same in parts, each of which an index has in order: of all at once a database looks
    through everybody's to find somebody's newest.
    """
    if may(user, Right.SEE_ALL) or not may(user, Right.REQUEST):
        return [visible]
    everybody = Operation.objects.select_related("snapshot")
    again = everybody.filter(again_for__isnull=False).exclude(requester=user)
    return [everybody.filter(requester=user), again.filter(again_for__requester=user)]


def operations_matching(
    operations: QuerySet[Operation], *, text: str = "", state: str = "", volume_id: str = ""
) -> QuerySet[Operation]:
    """Narrowed by free text (names, ids, people, ticket), state and volume; unknown states match
    nothing.
    """
    for word in fold(text).split()[:8]:
        operations = operations.filter(_operation_says(word))
    if state == "open":
        operations = operations.filter(finished_at__isnull=True)
    elif state:
        operations = operations.filter(state=state)
    if volume_id:
        operations = operations.filter(volume_id=volume_id)
    return operations


def _operation_says(word: str) -> Q:
    says = Q(folded__contains=word)
    if len(word) >= LEAST_OF_ID:  # "db" is in many an id
        says |= Q(volume_id__icontains=word) | Q(snapshot__snapshot_id__icontains=word)
    if (first := ids_starting(word)) is not None:
        says |= Q(id__range=first)
    return says


def operations_page(
    *operations: QuerySet[Operation], before: str = "", size: int = 50
) -> Page[Operation]:
    """Newest first, of several sources that share none. `before` is the `next` of the page above;
    nonsense starts at the top.
    """
    last = Operation.objects.filter(pk=before).first() if is_uuid(before) else None
    older = Q()
    if last is not None:
        older = Q(asked_at__lte=last.asked_at) & (Q(asked_at__lt=last.asked_at) | Q(id__lt=last.id))
    parts = [
        part.filter(older).select_related("snapshot").order_by("-asked_at", "-id")[: size + 1]
        for part in operations
    ]
    rows = heapq.nlargest(size + 1, chain(*parts), key=lambda row: (row.asked_at, row.id))
    return Page(rows[:size], str(rows[size - 1].id) if len(rows) > size else None)


def operation_blocking(operation: Operation) -> Operation | None:
    """The operation that a queued operation waits for: changes of a volume run in order, unless
    they share it.
    """
    if operation.status is not OperationState.QUEUED:
        return None
    line = Operation.objects.in_the_way_of(operation)
    busy = line.filter(state__in=BUSY).order_by("asked_at").first()
    if busy is not None:
        return busy
    older = Q(asked_at__lt=operation.asked_at) | Q(asked_at=operation.asked_at, id__lt=operation.id)
    return line.filter(older, state=OperationState.QUEUED).order_by("asked_at", "id").first()


STUCK_AFTER = timedelta(days=1)


def is_stuck(operation: Operation) -> bool:
    """Sent and not ended, and the portal alone will hardly end it: what the cloud shows contradicts
    what was asked, or it has been the same for a day.
    """
    if operation.status not in {OperationState.UNKNOWN, OperationState.ACCEPTED}:
        return False
    reports = operation.anomalies.exclude(kind=AnomalyKind.METADATA_DROPPED)  # about the cloud
    return timezone.now() - operation.state_at > STUCK_AFTER or reports.exists()


def accepted_at(operation: Operation) -> datetime | None:
    """When the cloud's 202 came; None when it did not, or was lost on the way."""
    answers = Answer.objects.filter(
        exchange__operation=operation,
        exchange__purpose__in=SENDING_PURPOSES,
        status__range=(200, 299),
    )
    return answers.values_list("at", flat=True).first()


def visible_among(user: User, operations: Sequence[Operation]) -> set[uuid.UUID]:
    """The ids of those that a person may see; usually without a query."""
    if may(user, Right.SEE_ALL):
        return {row.pk for row in operations}
    if not may(user, Right.REQUEST):
        return set()
    own = {row.pk for row in operations if row.requester_id == user.pk}
    others = [row.pk for row in operations if row.pk not in own and row.again_for_id]
    if others:
        own |= set(operations_visible_to(user).filter(pk__in=others).values_list("pk", flat=True))
    return own


def open_operations(cloud: str, volume_id: str) -> QuerySet[Operation]:
    """The unfinished operations of anybody on a volume, in the order they were asked."""
    line = Operation.objects.filter(cloud=cloud, volume_id=volume_id, state__in=sorted(OPEN))
    return line.select_related("snapshot").order_by("asked_at", "id")


def is_changed_later(operation: Operation, snapshot: Snapshot) -> bool:
    """Whether a later request has changed the snapshot: it need not be as asked then."""
    changes = snapshot.changes.filter(state=OperationState.SUCCEEDED, kind__in=CONTENT_KINDS)
    return changes.filter(asked_at__gt=operation.asked_at).exists()


def typical_seconds(cloud: str, kind: str) -> float | None:
    """How long an operation of this kind usually took in this cloud, from the click; None without
    history.
    """
    done = Operation.objects.filter(
        cloud=cloud, kind=kind, state=OperationState.SUCCEEDED, finished_at__isnull=False
    ).order_by("-asked_at")[:TYPICAL_OF]
    times = [(row.finished_at - row.asked_at).total_seconds() for row in done if row.finished_at]
    return median(times) if times else None


def refusal_holding_back(operation: Operation) -> CloudHealth | None:
    """The state of the operation's cloud while a refused sign-in is why nothing was sent."""
    if operation.status is not OperationState.QUEUED:
        return None
    health = CloudHealth.objects.filter(cloud=operation.cloud).first()
    return health if health is not None and health.holds_back_refused else None
