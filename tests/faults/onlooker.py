"""Somebody who looks at the pages all the time, and notes what they show and how old it is."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import connection

from snapshots.duties.looks import ask_for_look
from snapshots.models import CloudHealth, Snapshot, Volume
from tests.faults.facts import Outside, Shown

_PAUSE_SECONDS = 0.5
_MOST_CHANGED = 60  # of those that somebody else has changed, the last ones
_MOST_GONE = 40  # of those that are shown as gone, the last ones


class Onlooker:
    """Looks from `start` to `stop`; `shown` is what there was to see."""

    def __init__(self, cloud: str, outside: Outside) -> None:
        self._cloud = cloud
        self._outside = outside
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="onlooker")
        self.shown: list[Shown] = []
        self._last: dict[str, Shown] = {}

    def start(self) -> None:
        self._looking = self._pool.submit(self._run)

    def stop(self) -> None:
        """Raises what ended the looking before its time: then it would prove nothing."""
        self._over.set()
        self._looking.result(60)

    def _run(self) -> None:
        with closing(connection):  # this thread's own
            while not self._over.wait(_PAUSE_SECONDS):
                with suppress(DatabaseError):
                    self._look()

    def _look(self) -> None:
        # As pages do: first how old the readings are, then what they found.
        health = CloudHealth.objects.filter(cloud=self._cloud).first()
        volumes = dict(Volume.objects.values_list("volume_id", "snapshots_at"))
        ids = [*self._outside.made, *self._outside.deleted][-_MOST_CHANGED:]
        rows = Snapshot.objects.filter(cloud=self._cloud)
        changed = list(rows.filter(snapshot_id__in=ids))
        gone = list(rows.filter(gone_at__isnull=False).order_by("-gone_at")[:_MOST_GONE])
        at = time.time()
        whole = health.snapshots_at if health else None
        for row in [*changed, *gone]:
            self._note(_shown(row, row.read_at(whole, volumes.get(row.volume_id)), at))
        if changed:
            self._open_page_of(changed[-1])

    def _note(self, shown: Shown) -> None:
        """The same at a later moment says less."""
        before = self._last.get(shown.id)
        if before is None or replace(shown, at=before.at) != before:
            self._last[shown.id] = shown
            self.shown.append(shown)

    def _open_page_of(self, row: Snapshot) -> None:
        """It is older than a minute, so that the portal reads the volume."""
        if volume := Volume.objects.filter(cloud=self._cloud, volume_id=row.volume_id).first():
            ask_for_look(volume)


def _shown(row: Snapshot, read_at: datetime, at: float) -> Shown:
    return Shown(
        id=row.snapshot_id,
        volume_id=row.volume_id,
        name=row.name,
        status=row.status,
        at=at,
        read_at=read_at.timestamp(),
        is_gone=row.gone_at is not None,
    )
