"""Watches accepted operations: few list calls per cloud, however many people look."""

import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.evs.client import EvsClient
from snapshots.evs.errors import EvsError, NotFound, OtherSnapshot
from snapshots.evs.types import CloudSnapshot
from snapshots.jobs.claims import hold
from snapshots.jobs.duties import end_duty
from snapshots.mirror import store_watched_volumes
from snapshots.models import (
    MARKER,
    Duty,
    Operation,
    OperationState,
    Purpose,
    Snapshot,
    watched_snapshot,
)
from snapshots.operations.anomalies import report_late
from snapshots.operations.decisions import SOONER_AT_FIRST, store_reading
from snapshots.operations.kinds import kind_of
from snapshots.operations.kinds.base import Reading

log = logging.getLogger(__name__)

PAGE_ROWS = 1000  # as many as the cloud gives, so that a reading is one call
# Snapshots asked for one by one in a reading, where the pages that were read have them not: so many
# of those that are being deleted, and of the others.
SINGLE_READINGS = 5
STORED_AT_ONCE = 50  # readings in one transaction: one for each keeps other writers waiting
SLOWEST_SECONDS = 30.0
FRESH = timedelta(seconds=10)  # for so long the cloud is asked more often
# So many calls may be made at once where few were made before: what the first seconds take.
BURST_CALLS = 15
UNREADABLE_ROWS = "unreadable_rows"


@dataclass(frozen=True, slots=True)
class Watched:
    """An accepted operation and the snapshot that tells when it is finished."""

    operation: Operation
    row: Snapshot

    @property
    def snapshot_id(self) -> str:
        return self.row.snapshot_id

    @property
    def mark(self) -> str:
        return str(self.operation.pk)


def watch(duty: Duty) -> None:
    """One reading of all open snapshots of the duty's cloud. Plans the next reading itself."""
    cloud = duty.cloud
    pending = _pending(cloud)
    if not pending:
        _plan(duty, calls=0)
        return
    client = client_for_portal(cloud, Purpose.WATCH)
    try:
        list_trouble = _read(client, duty, pending)
    except EvsError as error:
        cloud_failed(cloud, error)
        code = type(error).__name__
        _plan(duty, fails=duty.fails + 1, trouble_code=code, calls=client.requests)
        return
    cloud_answered(cloud)
    trouble_code = UNREADABLE_ROWS if list_trouble else ""
    if list_trouble and trouble_code != duty.trouble_code:
        log.warning("Watching %s: %s", cloud, list_trouble)
    _plan(duty, trouble_code=trouble_code, calls=client.requests)


def _pending(cloud: str) -> list[Watched]:
    accepted = (
        Operation.objects.filter(cloud=cloud, state=OperationState.ACCEPTED)
        .select_related("snapshot", "target_snapshot")
        .order_by("asked_at")
    )
    rows = ((operation, watched_snapshot(operation)) for operation in accepted)
    return [Watched(operation, row) for operation, row in rows if row is not None]


def _plan(duty: Duty, *, calls: int, fails: int = 0, trouble_code: str = "") -> None:
    """The next reading; or rest, until an operation is accepted and starts the duty again. In the
    long run each call is followed by a pause, whatever is accepted in between: the pace is the same
    for any number of operations.
    """
    now = timezone.now()
    rest = rest_after(duty.rests_until, calls, now=now)
    accepted = Operation.objects.filter(cloud=duty.cloud, state=OperationState.ACCEPTED)

    def plan() -> None:
        # The duty's row is locked by this write first, so that an operation accepted at the same
        # moment is either seen here, or starts the duty after this.
        end_duty(duty, due_at=None, fails=fails, trouble_code=trouble_code, rests_until=rest)
        youngest = accepted.aggregate(at=Max("state_at"))["at"]
        if youngest is not None:
            pause = pause_before_reading(now - youngest, fails, calls)
            due_at = max(now + pause, rest)
            Duty.objects.filter(pk=duty.pk, token=duty.token).update(due_at=due_at)

    in_transaction(plan)


def rest_after(rests_until: datetime | None, calls: int, *, now: datetime) -> datetime:
    """Until when the duty rests after so many calls (a leaky bucket): each call fills in a pause,
    and time empties it. It holds `BURST_CALLS`. `rests_until` is what the last reading planned.
    """
    most = BURST_CALLS * _shortest_pause()
    left = rests_until + most - now if rests_until else timedelta(0)
    return now + min(max(left, timedelta(0)), most) + calls * _shortest_pause() - most


def pause_before_reading(age: timedelta, fails: int, calls: int) -> timedelta:
    """Quick at first, then slower: a snapshot that takes hours is not asked for each second."""
    if age < FRESH and not fails and calls <= 1:
        return _shortest_pause() / SOONER_AT_FIRST
    longer = max(age / 10, _shortest_pause() * 2.0 ** min(fails, 5))
    slowest = timedelta(seconds=SLOWEST_SECONDS)
    return max(_shortest_pause() * max(calls, 1), min(slowest, longer))


def _shortest_pause() -> timedelta:
    return timedelta(seconds=settings.EVSPORTAL_WATCH_SECONDS)


def _read(client: EvsClient, duty: Duty, pending: list[Watched]) -> str:
    """Store what the cloud's list shows. Returns what was wrong with the list, or ""."""
    volume_ids = {watched.operation.volume_id for watched in pending}
    volume_id = volume_ids.pop() if len(volume_ids) == 1 else None
    leaving, staying = _parted(pending)
    # What is being deleted is on no page at last: to find that out, all would be read.
    ids = frozenset(watched.snapshot_id for watched in staying)
    asked_at = timezone.now()
    # The newest come first, so mostly the first page has them all.
    listed = client.list_readable_snapshots(volume_id=volume_id, ids=ids, limit=PAGE_ROWS)
    rows_by_id = {row.id: row for row in listed.rows}
    marked = _by_mark(listed.rows)
    present = [watched for watched in pending if _tells(rows_by_id, watched)]
    for first in range(0, len(present), STORED_AT_ONCE):
        readings = [
            (watched, Reading(rows_by_id[watched.snapshot_id], marked[watched.mark]))
            for watched in present[first : first + STORED_AT_ONCE]
        ]
        readings = list(_with_volumes(client, readings))
        in_transaction(partial(_store_readings, duty, readings, asked_at=asked_at))
    unreadable_ids = {row.id for row in listed.unreadable}  # "" for a row that may be any
    for watched in [*_some_untold(rows_by_id, staying), *_some_untold(rows_by_id, leaving)]:
        may_be_listed = bool(unreadable_ids & {"", watched.snapshot_id})
        alone_at = timezone.now()
        reading = _read_one(client, watched, marked[watched.mark], may_be_listed=may_be_listed)
        if reading is not None:
            readings = list(_with_volumes(client, [(watched, reading)]))
            # Without the snapshot itself, all that is read is what the list had.
            of = asked_at if reading.snapshot is None else alone_at
            in_transaction(partial(_store_readings, duty, readings, asked_at=of))
    report_late(duty.cloud, listed.rows)
    return listed.trouble


def _parted(pending: Sequence[Watched]) -> tuple[list[Watched], list[Watched]]:
    """Those whose snapshot is to vanish, and the others."""
    parts: tuple[list[Watched], list[Watched]] = ([], [])
    for watched in pending:
        parts[not kind_of(watched.operation).ends_without_snapshot].append(watched)
    return parts


def _some_untold(
    rows_by_id: Mapping[str, CloudSnapshot], among: Sequence[Watched]
) -> list[Watched]:
    """Those to be asked for one by one in this reading. Chosen at random, so that none is kept
    waiting by others that cannot be read either.
    """
    untold = [watched for watched in among if not _tells(rows_by_id, watched)]
    return random.sample(untold, min(len(untold), SINGLE_READINGS))


def _tells(rows_by_id: Mapping[str, CloudSnapshot], watched: Watched) -> bool:
    """Whether the list tells what the operation's snapshot is."""
    row = rows_by_id.get(watched.snapshot_id)
    return row is not None and kind_of(watched.operation).believes_list(row)


def _with_volumes(
    client: EvsClient, readings: Sequence[tuple[Watched, Reading]]
) -> Iterator[tuple[Watched, Reading]]:
    """The same with the volumes that their kinds watch. Without those that cannot be read now."""
    for watched, reading in readings:
        operation = watched.operation
        volume_id = kind_of(operation).watched_volume_id(operation)
        if not volume_id:
            yield watched, reading
            continue
        asked_at = timezone.now()
        try:
            volume = client.show_volume(volume_id)
            yield watched, replace(reading, volume=volume, volume_asked_at=asked_at)
        except NotFound:
            yield watched, reading
        except EvsError as error:  # what cannot be read must not hide the others
            log.warning("Volume %s could not be read: %s", volume_id, error)


def _read_one(
    client: EvsClient, watched: Watched, marked: list[CloudSnapshot], *, may_be_listed: bool
) -> Reading | None:
    """A list may be a moment behind; only the snapshot's own address tells that it is gone, and
    only where the pages that were read say the same: a row that could not be read may be this
    snapshot. For a deletion the own address is proof enough, as it is where its answer was lost.
    """
    try:
        snapshot = client.show_snapshot(watched.snapshot_id)
    except NotFound:
        return Reading(None, marked) if marked or not may_be_listed else None
    except OtherSnapshot as error:
        log.warning("Asked for snapshot %s: %s", watched.snapshot_id, error)
        return Reading(None, marked, answered_with_another=True)
    except EvsError as error:  # a snapshot that cannot be read must not hide the others
        log.warning("Snapshot %s could not be read: %s", watched.snapshot_id, error)
        return None
    return Reading(snapshot, marked)


def _by_mark(rows: Iterable[CloudSnapshot]) -> dict[str, list[CloudSnapshot]]:
    marked = defaultdict[str, list[CloudSnapshot]](list)
    for row in rows:
        marked[row.metadata.get(MARKER, "")].append(row)
    return marked


def _store_readings(
    duty: Duty, readings: Sequence[tuple[Watched, Reading]], *, asked_at: datetime
) -> None:
    """Store what follows for each operation that is still accepted. The readings are as old as the
    question: reading the volumes beside them takes time. Raises `LostClaimError` in a worker whose
    lease of the duty expired: its readings may be stale.
    """
    hold(duty)
    keys = [watched.operation.pk for watched, _ in readings]
    lock_rows(Operation.objects.filter(pk__in=keys))
    lock_rows(Snapshot.objects.filter(pk__in=[watched.row.pk for watched, _ in readings]))
    volumes = [(reading.volume, reading.volume_asked_at) for _, reading in readings]
    store_watched_volumes(duty.cloud, [(volume, at) for volume, at in volumes if volume and at])
    accepted = Operation.objects.filter(pk__in=keys, state=OperationState.ACCEPTED)
    accepted_keys = set(accepted.values_list("pk", flat=True))
    now = timezone.now()
    for watched, reading in readings:
        operation = watched.operation
        if operation.pk in accepted_keys:
            kind = kind_of(operation)
            decision = kind.after_reading(operation, watched.row, reading, now=asked_at)
            store_reading(operation, replace(decision, read_at=asked_at), now=now)
