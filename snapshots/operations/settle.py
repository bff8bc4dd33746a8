"""Settles an operation whose create may have been executed: by looking, never by sending again."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from snapshots.clouds.clients import client_for_operation
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.evs.errors import EvsError
from snapshots.evs.paging import UnreadableRow
from snapshots.evs.types import CloudSnapshot
from snapshots.jobs.claims import release
from snapshots.models import (
    MARKER,
    AnomalyKind,
    CloudHealth,
    Operation,
    OperationState,
    Purpose,
    Snapshot,
)
from snapshots.operations.anomalies import contradiction_in, note_metadata_kept, report, report_late
from snapshots.operations.watch import adopt

log = logging.getLogger(__name__)

LEAST_LOOKS = 3
MANY_BAD_LOOKS = 5  # in a row, until people are told
LONGEST_PAUSE = timedelta(seconds=60)
CLOCK_TOLERANCE = timedelta(minutes=5)  # how far the cloud's clock may be from ours


def settle(operation: Operation) -> None:
    """Look once for the operation's marker among its volume's snapshots.

    Found: adopted and watched. Not found often and long enough: `not_created`. The look itself
    failed: still unknown, looked for again without end, at last once a minute. Raises
    `LostClaimError` when the claim is lost.
    """
    client = client_for_operation(operation, Purpose.SETTLE)
    try:
        listed = client.list_readable_snapshots(volume_id=operation.volume_id)
    except EvsError as error:
        cloud_failed(operation.cloud, error)
        _look_again(operation)
        return
    cloud_answered(operation.cloud)
    shown = listed.rows
    report_late(operation.cloud, shown)
    marked = [one for one in shown if one.metadata.get(MARKER) == str(operation.pk)]
    if marked:
        note_metadata_kept(operation, kept=True)
        _choose(operation, marked, AnomalyKind.SEVERAL_MARKED)
        return
    if unread := _perhaps_it(operation.cloud, listed.unreadable):
        log.warning("%s: its snapshots could not all be read: %s", operation.pk, listed.trouble)
        is_for_people = operation.fails + 1 >= MANY_BAD_LOOKS
        _look_again(operation, **(_tell_of_unread(operation, unread) if is_for_people else {}))
        return
    alike = _alike(operation, shown)
    undated = any(one.created_at is None for one in alike)
    if _keeps_metadata(operation.cloud) is False and not undated:
        _choose(operation, alike, AnomalyKind.SEVERAL_ALIKE)
    elif unclear := _perhaps_ours(operation.cloud, alike):
        # Is it ours, or somebody's? The cloud may have begun to drop marks just then; the next
        # clear answer will tell.
        _leave_to_people(operation, unclear, AnomalyKind.UNMARKED)
    else:
        _choose(operation, [], AnomalyKind.SEVERAL_ALIKE)


def _perhaps_it(cloud: str, unread: list[UnreadableRow]) -> list[UnreadableRow]:
    """Without those that are known to be another request's."""
    ids = [one.id for one in unread if one.id]
    known = Snapshot.objects.filter(cloud=cloud, snapshot_id__in=ids)
    others = set(known.values_list("snapshot_id", flat=True))
    return [one for one in unread if one.id not in others]


def _tell_of_unread(operation: Operation, unread: list[UnreadableRow]) -> dict[str, str]:
    """What the person is told from now on, once auditors know."""
    names = ", ".join(sorted({one.id or "one without an id" for one in unread}))
    report(AnomalyKind.UNREADABLE, operation, f"{AnomalyKind.UNREADABLE.label}: {names}.")
    words = f"A snapshot in the cloud cannot be read, and it may be the one asked for: {names}. "
    return {"outcome": f"{words}Please tell the portal's administrators; do not ask again."}


def _look_again(operation: Operation, **told: str) -> None:
    """The look told nothing: it does not count."""
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(operation.fails + 1, 6)))
    release(operation, due_at=timezone.now() + pause, fails=operation.fails + 1, **told)


def _choose(operation: Operation, found: list[CloudSnapshot], several: AnomalyKind) -> None:
    """One is adopted; of several none is chosen silently; none is looked for again."""
    if len(found) == 1:
        contradiction = contradiction_in(operation, found[0])
        if contradiction is None:
            adopt(operation, found[0])
        else:
            _leave_to_people(operation, found, contradiction)
    elif found:
        _leave_to_people(operation, found, several)
    else:
        _not_found(operation)


def _alike(operation: Operation, shown: list[CloudSnapshot]) -> list[CloudSnapshot]:
    """Where the cloud drops metadata, or may have begun to: snapshots without any mark that could
    be the one asked for, by volume, name and time, and that no other operation has.
    """
    if operation.sent_at is None:
        return []
    first = operation.sent_at - CLOCK_TOLERANCE
    last = _exchange_ends_at(operation) + timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    alike = [
        one
        for one in shown
        if MARKER not in one.metadata
        and one.volume_id == operation.volume_id
        and one.name == (operation.name or "")
        and (one.created_at is None or first <= one.created_at <= last + CLOCK_TOLERANCE)
    ]
    ids = [one.id for one in alike]
    taken = Snapshot.objects.filter(cloud=operation.cloud, snapshot_id__in=ids)
    taken_ids = set(taken.values_list("snapshot_id", flat=True))
    return [one for one in alike if one.id not in taken_ids]


def _perhaps_ours(cloud: str, alike: list[CloudSnapshot]) -> list[CloudSnapshot]:
    """Without those made before one that bears its mark, by the cloud's own clock: it still kept
    marks then, so they are somebody else's. Of a cloud that ever dropped one this is not believed.
    """
    if not alike:
        return []
    known = Snapshot.objects.filter(cloud=cloud)
    if known.exclude(metadata__has_key=MARKER).exists():
        return alike
    last = known.aggregate(at=Max("created_at"))["at"]
    return [one for one in alike if last is None or one.created_at is None or one.created_at > last]


def _keeps_metadata(cloud: str) -> bool | None:
    """Whether the cloud gives our marks back; None as long as it was not seen."""
    return CloudHealth.objects.filter(cloud=cloud).values_list("keeps_metadata", flat=True).first()


def _exchange_ends_at(operation: Operation) -> datetime:
    """When the longest allowed exchange is over: after it, no byte of the create leaves us."""
    seconds = settings.EVSPORTAL_DEADLINE_SECONDS
    return (operation.sent_at or operation.state_at) + timedelta(seconds=seconds)


def _not_found(operation: Operation) -> None:
    """Absence is proof after enough looks over the whole settle time.

    The time is the sum of the pauses that were kept between the looks, not a difference of two
    clock readings: a clock that jumps ahead by an hour shortens one pause, not the proof.
    """
    looks = operation.looks + 1
    waited = _waited_seconds(operation, pause_before(looks).total_seconds())
    if looks >= LEAST_LOOKS and waited >= settings.EVSPORTAL_SETTLE_SECONDS:
        words = (
            "The cloud gave no trustworthy answer, and the snapshot is not there: it was looked "
            f"for {looks} times. Nothing was made. You may ask again."
        )
        changes = operation.enter(OperationState.NOT_CREATED, now=timezone.now())
        release(operation, due_at=None, outcome=words, looks=looks, **changes)
        return
    due_at = timezone.now() + pause_before(looks + 1)
    release(operation, due_at=due_at, looks=looks, waited_seconds=waited, fails=0)


def _waited_seconds(operation: Operation, pause: float) -> float:
    """The waiting that counts, with the pause just kept."""
    now = timezone.now()
    since_the_end = (now - _exchange_ends_at(operation)).total_seconds()
    if since_the_end >= 0:  # a pause that began before it counts from there
        return operation.waited_seconds + min(pause, since_the_end)
    if now >= (operation.sent_at or operation.state_at):  # the request may still leave
        return operation.waited_seconds
    # The clock was set back since: no reading tells the exchange's end, so it is given all its time
    # once, and no hour is lost.
    return (operation.waited_seconds or -float(settings.EVSPORTAL_DEADLINE_SECONDS)) + pause


def pause_before(look: int) -> timedelta:
    """The pause before a look, the first being 1: growing, and short enough for several looks."""
    settle_time = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    return min(LONGEST_PAUSE, settle_time / LEAST_LOOKS, timedelta(seconds=2**look))


def _leave_to_people(operation: Operation, found: list[CloudSnapshot], kind: AnomalyKind) -> None:
    """Nothing is chosen silently: people must look. The operation stays unknown, and is looked at
    again, since people may remove what is too many.
    """
    names = ", ".join(sorted(one.id for one in found))
    report(kind, operation, f"{kind.label}: {names}.")
    what = "More than one snapshot" if len(found) > 1 else "A snapshot that does not quite fit"
    words = (
        f"{what} in the cloud may be the one asked for: {names}. "
        "Please tell the portal's administrators; do not ask again."
    )
    release(operation, due_at=timezone.now() + LONGEST_PAUSE, outcome=words)
