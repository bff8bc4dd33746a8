"""Reads of our own tables, always through what a person may see. Nothing here changes anything."""

import heapq
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from statistics import median

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from snapshots.audit import push
from snapshots.audit.qualifiers import LEAST_OF_ID, ids_starting
from snapshots.audit.seals import latest_seal
from snapshots.models import (
    BUSY,
    OPEN,
    Action,
    Anomaly,
    AnomalyKind,
    Answer,
    CloudHealth,
    Exchange,
    Operation,
    OperationState,
    Purpose,
    Pushed,
    Quota,
    Role,
    Volume,
    VolumeGrant,
    Worker,
    may_audit,
    may_request,
    may_request_for_others,
    roles_of,
    sees_every_operation,
)
from snapshots.models.folding import fold
from snapshots.selectors.pages import Page
from snapshots.selectors.readings import FirstReading as FirstReading
from snapshots.selectors.readings import first_reading as first_reading

TROUBLE_TOLD_AFTER = timedelta(seconds=30)
WORKER_SILENT_AFTER = timedelta(seconds=20)
INVENTORY_STALE_AFTER = timedelta(minutes=10)
BEFORE_ANSWER = {OperationState.QUEUED, OperationState.SENDING}
SOON_SECONDS = 5.0
TYPICAL_OF = 20  # so many last snapshots make "usually takes"


# --- operations ------------------------------------------------------------------------------


def operations_visible_to(user: User) -> QuerySet[Operation]:
    """Staff see their own; helpdesk, auditors and administrators see all; strangers none."""
    operations = Operation.objects.select_related("snapshot")
    if sees_every_operation(user):
        return operations
    if may_request(user):
        # Their own, and what the helpdesk asked again for them.
        return operations.filter(Q(requester=user) | Q(again_for__requester=user))
    return operations.none()


def operations_list(
    user: User, *, text: str = "", state: str = "", before: str = ""
) -> Page[Operation]:
    """A page of the operations visible to a person."""
    parts = _in_order(operations_visible_to(user), user)
    return operations_page(
        *(operations_matching(one, text=text, state=state) for one in parts), before=before
    )


def _in_order(visible: QuerySet[Operation], user: User) -> list[QuerySet[Operation]]:
    """The same in parts, each of which an index has in order: of all at once a database looks
    through everybody's to find somebody's newest.
    """
    if sees_every_operation(user) or not may_request(user):
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
    """Newest first, of several sources that share none. `before` is the `older` of the page above;
    nonsense starts at the top.
    """
    last = Operation.objects.filter(pk=before).first() if is_uuid(before) else None
    older = Q()
    if last is not None:
        older = Q(asked_at__lte=last.asked_at) & (Q(asked_at__lt=last.asked_at) | Q(id__lt=last.id))
    found = [one.filter(older).order_by("-asked_at", "-id")[: size + 1] for one in operations]
    rows = heapq.nlargest(size + 1, chain(*found), key=lambda one: (one.asked_at, one.id))
    return Page(rows[:size], str(rows[size - 1].id) if len(rows) > size else None)


def is_uuid(text: str) -> bool:
    """Whether this is an id as we write ids: any other spelling is no id of ours."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def operation_blocking(operation: Operation) -> Operation | None:
    """The operation that a waiting one waits for: one create at a time on a volume, in order."""
    if operation.status is not OperationState.QUEUED:
        return None
    line = Operation.objects.filter(cloud=operation.cloud, volume_id=operation.volume_id)
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
    told = operation.anomalies.exclude(kind=AnomalyKind.METADATA_DROPPED)  # of the cloud as such
    return timezone.now() - operation.state_at > STUCK_AFTER or told.exists()


def accepted_at(operation: Operation) -> datetime | None:
    """When the cloud's 202 came; None when it did not, or was lost on the way."""
    answers = Answer.objects.filter(
        exchange__operation=operation, exchange__purpose=Purpose.CREATE, status__range=(200, 299)
    )
    return answers.values_list("at", flat=True).first()


def open_operations_count(volume: Volume) -> int:
    """How many unfinished operations, of whomever, stand in the volume's line."""
    line = Operation.objects.filter(cloud=volume.cloud, volume_id=volume.volume_id)
    return line.filter(state__in=sorted(OPEN)).count()


def typical_seconds(cloud: str) -> float | None:
    """How long a snapshot of this cloud usually took, from the click; None without history."""
    done = Operation.objects.filter(
        cloud=cloud, state=OperationState.SUCCEEDED, finished_at__isnull=False
    ).order_by("-asked_at")[:TYPICAL_OF]
    times = [(one.finished_at - one.asked_at).total_seconds() for one in done if one.finished_at]
    return median(times) if times else None


def poll_seconds(operations: Iterable[Operation], *, now: datetime | None = None) -> float | None:
    """Seconds until the page should ask again; None when nothing on it can change any more.

    Twice a second while something is about to be sent, since that takes a moment; then from 1 to
    30, growing with the time in which nothing changed.
    """
    unfinished = [one for one in operations if not one.is_final]
    if not unfinished:
        return None
    latest = max(unfinished, key=lambda one: one.state_at)
    quiet = ((now or timezone.now()) - latest.state_at).total_seconds()
    if quiet < SOON_SECONDS and latest.status in BEFORE_ANSWER:
        return 0.5
    return int(min(30, max(1, quiet / 6)))


# --- volumes ---------------------------------------------------------------------------------


def volumes_visible_to(user: User) -> QuerySet[Volume]:
    """Staff see the volumes they may use; helpdesk, auditors and administrators see all."""
    volumes = Volume.objects.filter(gone_at__isnull=True)
    if sees_every_operation(user):
        return volumes
    return _granted(volumes, user) if may_request(user) else volumes.none()


def volumes_usable_by(user: User) -> QuerySet[Volume]:
    """The volumes a person may ask a snapshot of, whatever their status."""
    volumes = Volume.objects.filter(gone_at__isnull=True)
    if may_request_for_others(user):
        return volumes
    return _granted(volumes, user) if Role.STAFF in roles_of(user) else volumes.none()


def volumes_matching(volumes: QuerySet[Volume], *, text: str) -> QuerySet[Volume]:
    """Narrowed by free text: name, id, status, type, zone, what it is attached to."""
    for word in fold(text).split()[:8]:
        says = Q(folded__contains=word)
        if len(word) >= LEAST_OF_ID:
            says |= Q(volume_id__icontains=word)
        volumes = volumes.filter(says)
    return volumes


def volumes_page(volumes: QuerySet[Volume], *, after: str = "", size: int = 100) -> Page[Volume]:
    """By name. `after` is the `older` of the page before; nonsense starts at the top."""
    volumes = volumes.order_by("name", "volume_id", "id")
    known = after.isdecimal() and len(after) < 19
    last = Volume.objects.filter(pk=int(after)).first() if known else None
    if last is not None:
        volumes = volumes.filter(
            Q(name__gt=last.name)
            | Q(name=last.name, volume_id__gt=last.volume_id)
            | Q(name=last.name, volume_id=last.volume_id, id__gt=last.pk)
        )
    rows = list(volumes[: size + 1])
    return Page(rows[:size], str(rows[size - 1].pk) if len(rows) > size else None)


def _granted(volumes: QuerySet[Volume], user: User) -> QuerySet[Volume]:
    grants = VolumeGrant.objects.filter(
        Q(user=user) | Q(group__in=user.groups.all()),
        Q(volume_id="") | Q(volume_id=OuterRef("volume_id")),
        cloud=OuterRef("cloud"),
    )
    return volumes.filter(Exists(grants))


def is_granted(volume: Volume, user: User) -> bool:
    """Whether the volume was given to this person, alone or with others or all of its cloud."""
    return _granted(Volume.objects.filter(pk=volume.pk), user).exists()


def quotas_of(clouds: Sequence[str]) -> list[Quota]:
    """The snapshot and gigabyte quotas of these clouds, as last read."""
    return list(
        Quota.objects.filter(cloud__in=clouds, resource__in=["snapshots", "gigabytes"]).order_by(
            "cloud", "-resource"
        )
    )


# --- audit -----------------------------------------------------------------------------------


def exchanges_visible_to(user: User) -> QuerySet[Exchange]:
    """Every exchange for auditors, none for anybody else."""
    exchanges = Exchange.objects.select_related("answer", "operation")
    return exchanges if may_audit(user) else exchanges.none()


def actions_visible_to(user: User) -> QuerySet[Action]:
    """Every action for auditors, none for anybody else."""
    actions = Action.objects.select_related("operation")
    return actions if may_audit(user) else actions.none()


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the trail is sealed."""

    number: int | None
    at: datetime | None
    is_signed: bool


def seal_state() -> SealState:
    """Of the newest seal; without one, nothing is sealed."""
    seal = latest_seal()
    return SealState(
        number=seal.number if seal else None,
        at=seal.at if seal else None,
        is_signed=bool(seal and seal.signature),
    )


def push_states() -> list[Pushed]:
    """The places outside that new rows of the trail are pushed to, and how far each is."""
    return push.states()


def exchange_neighbours(exchange: Exchange) -> tuple[Exchange | None, Exchange | None]:
    """The one before and the one after, of the same operation."""
    if exchange.operation_id is None:
        return None, None
    same = Exchange.objects.filter(operation_id=exchange.operation_id)
    before = same.filter(seq__lt=exchange.seq).order_by("-seq").first()
    return before, same.filter(seq__gt=exchange.seq).order_by("seq").first()


def anomalies_visible_to(user: User) -> QuerySet[Anomaly]:
    """What should never happen and did, newest first; for auditors."""
    anomalies = Anomaly.objects.select_related("operation")
    return anomalies if may_audit(user) else anomalies.none()


# --- the portal itself -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortalState:
    """What every page's banner tells. Three cheap reads."""

    sandbox: bool
    worker_alive: bool
    worker_seen_at: datetime | None
    troubled: list[CloudHealth]


def portal_state(*, now: datetime | None = None) -> PortalState:
    """Whether the worker lives and which clouds do not answer."""
    moment = now or timezone.now()
    # One failed reading is nothing to tell everybody about.
    lasting = Q(retry_at__isnull=False) | Q(failing_since__lt=moment - TROUBLE_TOLD_AFTER)
    worker = Worker.objects.order_by("-seen_at").first()
    seen_at = worker.seen_at if worker else None
    return PortalState(
        sandbox=settings.EVSPORTAL_MODE == "sandbox",
        worker_alive=seen_at is not None and moment - seen_at < WORKER_SILENT_AFTER,
        worker_seen_at=seen_at,
        troubled=list(CloudHealth.objects.filter(lasting).order_by("cloud")),
    )


def refusal_holding_back(operation: Operation) -> CloudHealth | None:
    """The state of the operation's cloud while a refused sign-in is why nothing was sent."""
    if operation.status is not OperationState.QUEUED:
        return None
    health = CloudHealth.objects.filter(cloud=operation.cloud).first()
    return health if health is not None and health.holds_back_refused else None


def inventory_state(*, now: datetime | None = None) -> list[CloudHealth]:
    """The clouds whose volumes were not read for a while."""
    moment = now or timezone.now()
    return [
        health
        for health in CloudHealth.objects.order_by("cloud")
        if health.is_stale(now=moment, after=INVENTORY_STALE_AFTER)
    ]
