"""Reads all snapshots of a cloud's project, and finds those that were deleted there."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, QuerySet, When
from django.utils import timezone

from snapshots import clouds
from snapshots.clock import latest_plausible
from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed
from snapshots.database.transactions import in_transaction
from snapshots.duties.vanished import (
    HELD_BACK,
    MOST_FAILURES,
    MOST_OF_PACE,
    most_vanished,
    singles,
)
from snapshots.evs.client import EvsClient
from snapshots.evs.errors import EvsError, NotFound
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudSnapshot
from snapshots.jobs.claims import LONGEST_REST, hold
from snapshots.jobs.duties import end_duty, pause_after_failure
from snapshots.mirror import (
    STORED_AT_ONCE,
    mark_gone,
    mark_missing,
    mark_unread,
    seen_before,
    store_snapshots,
)
from snapshots.models import CloudHealth, Duty, Purpose, Snapshot

log = logging.getLogger(__name__)

PAGE_ROWS = 1000
UNREADABLE_ROWS = "unreadable_rows"


@dataclass(slots=True)
class WholeReading:
    """What one reading of the project's whole list showed."""

    began: datetime
    listed_ids: set[str] = field(default_factory=set)
    unreadable_ids: set[str] = field(default_factory=set)
    is_complete: bool = True  # False: a row without a readable id may be any snapshot
    trouble: str = ""

    def add(self, page: Listed[CloudSnapshot]) -> None:
        readable_ids = {row.id for row in page.rows}
        self.unreadable_ids -= readable_ids  # the list may begin again
        self.unreadable_ids.update(row.id for row in page.unreadable)
        self.listed_ids |= readable_ids | self.unreadable_ids
        self.is_complete = self.is_complete and "" not in self.listed_ids
        self.trouble = self.trouble or page.trouble


def sync_snapshots(duty: Duty) -> None:
    """Read the whole list of the duty's cloud once, and plan the next reading."""
    client = client_for_portal(duty.cloud, Purpose.SNAPSHOTS)
    reading = WholeReading(began=timezone.now())
    try:
        _read_pages(duty, client, reading)
        held_back = _find_missing(duty, client, reading) if reading.is_complete else 0
    except EvsError as error:
        cloud_failed(duty.cloud, error)
        due_at = timezone.now() + pause_after_failure(duty.fails)
        code = type(error).__name__
        end_duty(duty, due_at=due_at, fails=duty.fails + 1, trouble_code=code)
        return
    cloud_answered(duty.cloud)
    trouble_code = UNREADABLE_ROWS if reading.trouble else HELD_BACK if held_back else ""
    if reading.trouble and trouble_code != duty.trouble_code:
        log.warning("Snapshots of %s: %s", duty.cloud, reading.trouble)
    calls_per_second = clouds.config_of(duty.cloud).calls_per_second
    pause = pause_after_reading(
        client.requests, calls_per_second, seconds=settings.EVSPORTAL_SNAPSHOTS_SECONDS
    )
    end_duty(duty, due_at=timezone.now() + pause, trouble_code=trouble_code)


def pause_after_reading(calls: int, calls_per_second: float, *, seconds: float) -> timedelta:
    """Until a list is read again: so many seconds, or longer where it took many calls."""
    least = calls / (calls_per_second * MOST_OF_PACE)
    return min(timedelta(seconds=max(seconds, least)), LONGEST_REST)


def _read_pages(duty: Duty, client: EvsClient, reading: WholeReading) -> None:
    pages = client.snapshot_pages(limit=PAGE_ROWS)
    # What is read meanwhile in another way is newer than a page that was asked for before.
    asked_at = timezone.now()
    for page in pages:
        reading.add(page)
        store_rows(duty, page.rows, now=asked_at)
        asked_at = timezone.now()


def store_rows(duty: Duty, rows: Sequence[CloudSnapshot], *, now: datetime) -> None:
    """Store what a duty has read, in short transactions. Raises `LostClaimError`."""
    for first in range(0, len(rows), STORED_AT_ONCE):
        some = rows[first : first + STORED_AT_ONCE]

        def store(some: Sequence[CloudSnapshot] = some) -> None:
            hold(duty)
            store_snapshots(duty.cloud, some, now=now)

        in_transaction(store)


def _find_missing(duty: Duty, client: EvsClient, reading: WholeReading) -> int:
    """Look for what the list should have had. Returns how many were too many to believe the list.

    A snapshot is gone when its own address says so as well. A list that has lost a large share of
    the snapshots is taken for the cloud's fault: nothing is concluded from it, and the snapshots
    are asked for one by one, some in each reading, those first that were never asked for.
    """
    older = Snapshot.objects.present().filter(seen_before(reading.began), cloud=duty.cloud)
    before = CloudHealth.objects.filter(cloud=duty.cloud).values_list("snapshots_at", flat=True)
    began, listed_at = reading.began, before.first()
    unread_ids = sorted(reading.unreadable_ids)
    mark_unread(duty.cloud, unread_ids, since=began, listed_at=listed_at)
    keys = list(_missing_keys(older, reading))
    held_back = len(keys) if len(keys) > most_vanished(older.count()) else 0
    if held_back:
        log.error("%s: %s snapshots are not listed any more; held back.", duty.cloud, held_back)
    else:
        mark_missing(keys, since=began, listed_at=listed_at)
    _note_reading(duty, began, held_back)
    most = singles(duty.cloud, seconds=settings.EVSPORTAL_SNAPSHOTS_SECONDS)
    confirm(duty, client, keys[:most])
    return held_back


def _missing_keys(older: QuerySet[Snapshot], reading: WholeReading) -> Iterator[int]:
    rows = in_turn(older).values_list("pk", "snapshot_id")
    for key, snapshot_id in rows.iterator(chunk_size=2000):
        if snapshot_id not in reading.listed_ids:
            yield key


def in_turn(snapshots: QuerySet[Snapshot]) -> QuerySet[Snapshot]:
    """Those first that were never asked for by themselves, or the longest ago. A row that is
    confirmed unchanged is not written: by `seen_at` alone the same would come first each time.
    """
    latest = latest_plausible(now=timezone.now())
    asked_at = Case(When(asked_alone_at__lte=latest, then="asked_alone_at"))
    return snapshots.order_by(asked_at.asc(nulls_first=True), "seen_at", "pk")


def _note_reading(duty: Duty, began: datetime, held_back: int) -> None:
    columns = {"snapshots_held_back": held_back}

    def note() -> None:
        hold(duty)
        CloudHealth.objects.update_or_create(
            cloud=duty.cloud,
            defaults=columns if held_back else {**columns, "snapshots_at": began},
        )

    in_transaction(note)


def confirm(duty: Duty, client: EvsClient, keys: Sequence[int]) -> int:
    """Ask for each at its own address, because a list did not have it, and store the answers.
    Returns how many were not answered.

    A snapshot that cannot be read does not keep the others from being asked for; several in a row
    say that the cloud does not answer. The order changes, so that none is always the last.
    """
    failures_in_a_row = 0
    snapshots = Snapshot.objects.present().filter(pk__in=keys).order_by("?")
    rows = list(snapshots.values_list("pk", "snapshot_id"))
    unanswered = len(rows)
    for key, snapshot_id in rows:
        now = timezone.now()
        Snapshot.objects.filter(pk=key).update(asked_alone_at=now)
        try:
            snapshot = client.show_snapshot(snapshot_id)
        except NotFound:
            mark_gone(key, now=now)
        except EvsError as error:
            log.warning("Snapshot %s could not be read: %s", snapshot_id, error)
            failures_in_a_row += 1
            if failures_in_a_row == MOST_FAILURES:
                break
            continue
        else:
            store_rows(duty, [snapshot], now=now)
        failures_in_a_row = 0
        unanswered -= 1
    return unanswered
