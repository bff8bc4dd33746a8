"""Watches the snapshots that are being made: few list calls per cloud, however many people look."""

import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.evs.client import EvsClient
from snapshots.evs.errors import EvsError, NotFound, OtherSnapshot
from snapshots.evs.types import CloudSnapshot
from snapshots.jobs.claims import release, write
from snapshots.jobs.duties import WATCH, start_duty
from snapshots.models import (
    MARKER,
    AnomalyKind,
    Duty,
    Operation,
    OperationState,
    Purpose,
    Snapshot,
    status_word,
)
from snapshots.operations.anomalies import (
    contradiction_in,
    note_metadata_kept,
    report,
    report_late,
)

log = logging.getLogger(__name__)

SUCCESS = frozenset({"available"})
FAILURE = frozenset({"error", "error-deleting", "deleted"})  # as `status_word` spells them
MOST_ROWS = 1000  # a page: as many as the cloud gives, so that a reading is one call
MOST_SINGLE = 5  # snapshots asked for one by one in a reading, where the list does not have them
NOTED_AT_ONCE = 50  # snapshots in one transaction: one for each keeps other writers waiting
GONE_AFTER = 2  # readings in a row that do not know the snapshot
SLOWEST_SECONDS = 30.0


def adopt(operation: Operation, made: CloudSnapshot) -> None:
    """The cloud has made (or holds) the operation's snapshot: note it and watch it.

    Raises `LostClaimError` when the claim is lost; then nothing is written.
    """
    now = timezone.now()

    def store() -> None:
        # Duties are locked before operations, as a reading does it.
        start_duty(WATCH, operation.cloud, due_at=now + _shortest_pause())
        release(
            operation,
            due_at=None,
            outcome="",
            code="",
            request_id="",
            **operation.enter(OperationState.ACCEPTED, now=now),
        )
        Snapshot.objects.create(
            operation=operation,
            cloud=operation.cloud,
            snapshot_id=made.id,
            created_at=made.created_at,
            **_seen(made, now),
        )
        _conclude(operation, made.status, now)
        is_final = status_word(made.status) in SUCCESS | FAILURE  # no reading will follow
        if is_final and "metadata" in made.raw:
            note_metadata_kept(operation, kept=MARKER in made.metadata)

    in_transaction(store)


def watch(duty: Duty) -> None:
    """One reading of all open snapshots of the duty's cloud. Plans the next reading itself."""
    cloud = duty.cloud
    pending = list(
        Snapshot.objects.filter(cloud=cloud, operation__state=OperationState.ACCEPTED)
        .select_related("operation")
        .order_by("operation__asked_at")
    )
    if not pending:
        _plan(duty, fails=0, trouble="", calls=0)
        return
    client = client_for_portal(cloud, Purpose.WATCH)
    try:
        trouble = _read(client, duty, pending)
    except EvsError as error:
        cloud_failed(cloud, error)
        _plan(duty, fails=duty.fails + 1, trouble=str(error), calls=client.requests)
        return
    cloud_answered(cloud)
    if trouble and trouble != duty.trouble:
        log.warning("Watching %s: %s", cloud, trouble)
    _plan(duty, fails=0, trouble=trouble, calls=client.requests)


def _plan(duty: Duty, *, fails: int, trouble: str, calls: int) -> None:
    """The next reading; or rest, until an operation is accepted and starts the duty anew. A reading
    of several calls is followed by as many pauses, whatever is accepted meanwhile: the pace is the
    same for any number of them.
    """
    now = timezone.now()
    rest = now + calls * _shortest_pause()
    accepted = Operation.objects.filter(cloud=duty.cloud, state=OperationState.ACCEPTED)

    def plan() -> None:
        # The duty's row is locked by this write first, so that an operation accepted meanwhile
        # is either seen here, or starts the duty after this.
        release(duty, due_at=None, fails=fails, trouble=trouble, done_at=now, rests_until=rest)
        youngest = accepted.aggregate(at=Max("state_at"))["at"]
        if youngest is not None:
            due_at = max(now + _pause(now - youngest, fails), rest)
            Duty.objects.filter(pk=duty.pk, token=duty.token).update(due_at=due_at)

    in_transaction(plan)


def _pause(age: timedelta, fails: int) -> timedelta:
    """Quick at first, then slower: a snapshot that takes hours is not asked for each second."""
    longer = max(age / 10, _shortest_pause() * 2.0 ** min(fails, 5))
    slowest = timedelta(seconds=SLOWEST_SECONDS)
    return max(_shortest_pause(), min(slowest, longer))


def _shortest_pause() -> timedelta:
    return timedelta(seconds=settings.EVSPORTAL_WATCH_SECONDS)


def _read(client: EvsClient, duty: Duty, pending: list[Snapshot]) -> str:
    """Note what the cloud shows; what was wrong with its list, in words, or nothing."""
    volumes = {one.operation.volume_id for one in pending}
    volume_id = volumes.pop() if len(volumes) == 1 else None
    wanted = frozenset(one.snapshot_id for one in pending)
    # The newest come first, so mostly the first page has them all.
    shown = client.list_readable_snapshots(volume_id=volume_id, ids=wanted, limit=MOST_ROWS)
    found = {one.id: one for one in shown.rows}
    marked = _by_mark(shown.rows)
    listed = [one for one in pending if one.snapshot_id in found]
    for first in range(0, len(listed), NOTED_AT_ONCE):
        readings = [
            (one, found[one.snapshot_id], marked[_mark_of(one)])
            for one in listed[first : first + NOTED_AT_ONCE]
        ]
        in_transaction(partial(_store_readings, duty, readings))
    unread = {one.id for one in shown.unreadable}  # empty for a row that may be any
    absent = [one for one in pending if one.snapshot_id not in found]
    # Any of them, so that none is kept waiting by others that cannot be read either.
    for snapshot in random.sample(absent, min(len(absent), MOST_SINGLE)):
        is_listed = bool(unread & {"", snapshot.snapshot_id})
        _look_for(client, duty, snapshot, marked[_mark_of(snapshot)], may_be_listed=is_listed)
    report_late(duty.cloud, shown.rows)
    return shown.trouble


def _store_readings(
    duty: Duty, readings: Sequence[tuple[Snapshot, CloudSnapshot, list[CloudSnapshot]]]
) -> None:
    """Fencing first: a worker whose lease expired must not store a stale reading."""
    write(duty, owner=duty.owner)
    lock_in_order(Operation.objects.filter(pk__in=[one.operation_id for one, _, _ in readings]))
    for snapshot, shown, marked in readings:
        _believe(snapshot, shown, marked)


def _by_mark(rows: Iterable[CloudSnapshot]) -> dict[str, list[CloudSnapshot]]:
    marked = defaultdict[str, list[CloudSnapshot]](list)
    for one in rows:
        marked[one.metadata.get(MARKER, "")].append(one)
    return marked


def _mark_of(snapshot: Snapshot) -> str:
    return str(snapshot.operation_id)


def _look_for(
    client: EvsClient,
    duty: Duty,
    snapshot: Snapshot,
    marked: list[CloudSnapshot],
    *,
    may_be_listed: bool,
) -> None:
    """A list may be a moment behind; only the snapshot's own address tells that it is gone, and
    only where the list says the same: a row that could not be read may be this one.
    """
    try:
        shown = client.show_snapshot(snapshot.snapshot_id)
    except NotFound:
        if marked or not may_be_listed:
            _missed(duty, snapshot, marked)
    except OtherSnapshot as error:
        if marked:
            _missed(duty, snapshot, marked)
        else:
            words = f"Asked for snapshot {snapshot.snapshot_id}: {error}"
            _doubt(snapshot.operation, AnomalyKind.WRONG_ID, words)
    except EvsError as error:  # one that cannot be read does not keep the others from being seen
        log.warning("Snapshot %s could not be read: %s", snapshot.snapshot_id, error)
    else:
        in_transaction(partial(_store_readings, duty, [(snapshot, shown, marked)]))


def _believe(snapshot: Snapshot, shown: CloudSnapshot, marked: list[CloudSnapshot]) -> None:
    """Of a snapshot that is there and does not bear the operation's mark, and one that does, the
    marked one is the one that was made.
    """
    if marked and shown.metadata.get(MARKER) != _mark_of(snapshot):
        _correct(snapshot, marked)
    else:
        _note(snapshot, shown)


def _note(snapshot: Snapshot, shown: CloudSnapshot) -> None:
    """Store what was seen, and conclude from it; unless it contradicts what was asked, or another
    worker has concluded meanwhile.
    """
    operation = snapshot.operation
    contradiction = contradiction_in(operation, shown)
    if contradiction is not None:
        _doubt(operation, contradiction, f"A reading of snapshot {shown.id} did not fit.")
        return
    now = timezone.now()
    is_first = snapshot.seen_at == operation.state_at
    watched = Snapshot.objects.filter(pk=snapshot.pk, operation__state=OperationState.ACCEPTED)
    if watched.update(**_seen(shown, now)):
        if is_first:  # what the create echoed need not be what was kept
            note_metadata_kept(operation, kept=MARKER in shown.metadata)
        if operation.outcome:  # it fits again
            Operation.objects.filter(pk=operation.pk).update(outcome="")
        _conclude(operation, shown.status, now)


def _doubt(operation: Operation, kind: AnomalyKind, words: str) -> None:
    """What was read is not believed: auditors see why, and the person that it is looked into."""
    report(kind, operation, words)
    accepted = Operation.objects.filter(pk=operation.pk, state=OperationState.ACCEPTED)
    accepted.exclude(outcome=_IN_DOUBT).update(outcome=_IN_DOUBT)


_IN_DOUBT = (
    "What the cloud shows does not fit what was asked, so the portal does not believe it and goes "
    "on looking. Please tell the portal's administrators; do not ask again."
)


def _missed(duty: Duty, snapshot: Snapshot, marked: list[CloudSnapshot]) -> None:
    """One reading more that does not know it; `marked` bear its operation's mark. Raises
    `LostClaimError` in a worker that woke up late: another may have seen the snapshot meanwhile.
    """
    missed, now = snapshot.missed + 1, timezone.now()

    def store() -> None:
        write(duty, owner=duty.owner)
        Snapshot.objects.filter(pk=snapshot.pk).update(missed=missed)
        if missed < GONE_AFTER:
            return
        if marked:
            _correct(snapshot, marked)
        elif not _may_still_come(snapshot, now):
            _finish(
                snapshot.operation,
                OperationState.FAILED,
                "The snapshot was begun but is gone from the cloud: it or its volume was deleted "
                "there. Ask again if it is still needed.",
                now,
            )

    in_transaction(store)


def _may_still_come(snapshot: Snapshot, now: datetime) -> bool:
    """No reading has known it since the cloud's answer: its lists may be that far behind, and what
    is called gone is asked for again.
    """
    accepted_at = snapshot.operation.state_at
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    return snapshot.seen_at == accepted_at and abs(now - accepted_at) < settling


def _correct(snapshot: Snapshot, marked: list[CloudSnapshot]) -> None:
    """The answer to the create named a snapshot that is not there or is another's, and others bear
    the mark: one that fits is the one that was made. Of several none is chosen.
    """
    operation, names = snapshot.operation, ", ".join(sorted(one.id for one in marked))
    words = f"The cloud named snapshot {snapshot.snapshot_id}, which is another's or not there. "
    words += f"The mark of this request is on {names}."
    if len(marked) > 1 or contradiction_in(operation, marked[0]) is not None:
        _doubt(operation, AnomalyKind.WRONG_ID, words)
        return
    report(AnomalyKind.WRONG_ID, operation, f"{words} That one is watched from now on.")
    now, made = timezone.now(), marked[0]
    changes = {"snapshot_id": made.id, "created_at": made.created_at, **_seen(made, now)}
    Snapshot.objects.filter(pk=snapshot.pk).update(**changes)
    _conclude(operation, made.status, now)


def _seen(shown: CloudSnapshot, now: datetime) -> dict[str, object]:
    return {
        "name": shown.name,
        "description": shown.description,
        "metadata": dict(shown.metadata),
        "status": shown.status,
        "progress": shown.progress,
        "size_gb": shown.size_gb,
        "seen_at": now,
        "missed": 0,
    }


def _conclude(operation: Operation, status: str, now: datetime) -> None:
    """Finish the operation when the snapshot's status is final. A status never seen before is not:
    it is shown and watched.
    """
    if status_word(status) in SUCCESS:
        words = "The snapshot is ready to use."
        _finish(operation, OperationState.SUCCEEDED, words, now)
    elif status_word(status) in FAILURE:
        words = (
            f"The cloud could not make the snapshot (status \N{LEFT DOUBLE QUOTATION MARK}"
            f"{status}\N{RIGHT DOUBLE QUOTATION MARK}). What it left behind cannot be "
            "used and may still count against the quota. Ask again, or ask the helpdesk."
        )
        _finish(operation, OperationState.FAILED, words, now)


def _finish(operation: Operation, state: OperationState, words: str, now: datetime) -> None:
    accepted = Operation.objects.filter(pk=operation.pk, state=OperationState.ACCEPTED)
    accepted.update(**operation.enter(state, now=now), outcome=words)
