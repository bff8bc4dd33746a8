"""One snapshot made, watched and deleted, so that a person has seen a new connection work.

It is no operation: nobody asked for it in the portal. Each of its exchanges is recorded as purpose
`ping`. Whatever breaks it off, the person learns what was left behind in the cloud.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from snapshots import clouds
from snapshots.evs.client import EvsClient
from snapshots.evs.errors import EvsError, NotFound, ServerFault, Throttled, Unreachable
from snapshots.evs.types import CloudSnapshot, CloudVolume, CreateSnapshot
from snapshots.management.survey import VOLUMES_A_PAGE, PingRecorder
from snapshots.models import OPEN, CloudHealth, Operation

MARK = "evsportal-ping"
_LOOK_SECONDS = 1.0
_NOTICE_SECONDS = 0.1  # until a person who stops it is heard
_FAILED = frozenset({"error", "error_deleting"})
_PASSING = (Unreachable, ServerFault, Throttled)


class RehearsalError(Exception):
    """Why the rehearsal ended early, in words for people."""


class StoppedError(Exception):
    """The person stopped it; noticed between two calls, so that each is recorded whole."""


@dataclass(kw_only=True)
class Rehearsal:
    """What is being rehearsed. `is_left` as long as the cloud may hold its snapshot."""

    cloud: str
    volume: CloudVolume
    client: EvsClient
    seconds: float
    is_stopped: Callable[[], bool]
    mark: str
    snapshot_id: str = ""
    status: str = "creating"  # of the snapshot, as last seen
    is_left: bool = False

    @property
    def name(self) -> str:
        return f"{MARK}-{self.mark[:8]}"

    @property
    def leftover(self) -> str:
        """What is left in the cloud and what to do about it; empty where nothing is."""
        if not self.is_left:
            return ""
        which = f"The snapshot {self.snapshot_id}" if self.snapshot_id else "Perhaps a snapshot"
        return (
            f"{which}, named {self.name}, of the volume {self.volume.id} is left in the cloud"
            f" {self.cloud}: look for it in the cloud's console and delete it there."
        )


def prepare(
    cloud: str, volume: str, *, force: bool, seconds: float, is_stopped: Callable[[], bool]
) -> Rehearsal:
    """Find the volume, by id or name, and see that it can be used. Raises `RehearsalError` for
    people, and `EvsError`.
    """
    client = clouds.client(cloud, PingRecorder(cloud))
    rows = client.list_volumes(limit=VOLUMES_A_PAGE).rows
    same = [row for row in rows if row.id == volume] or [row for row in rows if row.name == volume]
    if not same:
        raise RehearsalError(f"{cloud} shows no volume with the id or name {volume!r}.")
    if len(same) > 1:
        ids = ", ".join(row.id for row in same)
        raise RehearsalError(f"Several volumes of {cloud} are named {volume!r}; give an id: {ids}.")
    (chosen,) = same
    if chosen.status == "in-use" and not force:
        raise RehearsalError(
            f"The volume {chosen.id} is in use: take another, or add --force to take it as it is."
        )
    if chosen.status not in {"available", "in-use"}:
        raise RehearsalError(f"The volume {chosen.id} is {chosen.status}: take another.")
    waiting = Operation.objects.filter(cloud=cloud, volume_id=chosen.id, state__in=sorted(OPEN))
    if waiting.exists():
        raise RehearsalError(f"Requests of people wait for the volume {chosen.id}: take another.")
    return Rehearsal(
        cloud=cloud,
        volume=chosen,
        client=client,
        seconds=seconds,
        is_stopped=is_stopped,
        mark=str(uuid.uuid4()),
    )


def rehearse(rehearsal: Rehearsal) -> Iterator[str]:
    """Make, watch and delete the snapshot; what happened, step by step.

    Raises `RehearsalError`, `StoppedError` and `EvsError`. Whoever runs it tells
    `rehearsal.leftover` afterwards, however it ended.
    """
    made = _create(rehearsal)
    yield f"asked for the snapshot {made.id}, named {rehearsal.name}"
    began = time.monotonic()
    try:
        ready = _wait(rehearsal, lambda snapshot: snapshot.status == "available")
    except RehearsalError:
        with suppress(EvsError, RehearsalError):  # what cannot be deleted is told as left
            _delete(rehearsal)
        raise
    yield f"available after {time.monotonic() - began:.0f} s"
    yield _marker_words(rehearsal, ready)
    began = time.monotonic()
    _delete(rehearsal)
    yield f"deleted and gone after {time.monotonic() - began:.0f} s"


def _delete(rehearsal: Rehearsal) -> None:
    try:
        rehearsal.client.delete_snapshot(rehearsal.snapshot_id)
    except NotFound:
        rehearsal.is_left = False
        return
    except EvsError as error:
        if error.outcome_known:
            raise
    try:
        _wait(rehearsal, lambda _snapshot: False)
    except NotFound:
        rehearsal.is_left = False


def _create(rehearsal: Rehearsal) -> CloudSnapshot:
    arguments = CreateSnapshot(
        volume_id=rehearsal.volume.id,
        name=rehearsal.name,
        description="A rehearsal of evsportal; it may be deleted.",
        force=rehearsal.volume.status == "in-use",
        metadata={MARK: rehearsal.mark},
    )
    rehearsal.is_left = True  # before the request leaves: Ctrl-C may come at any moment
    try:
        made = rehearsal.client.create_snapshot(arguments)
    except EvsError as error:
        rehearsal.is_left = not error.outcome_known
        if error.outcome_known:
            raise
        made = _look_for_it(rehearsal, error)
    rehearsal.snapshot_id = made.id
    return made


def _look_for_it(rehearsal: Rehearsal, error: EvsError) -> CloudSnapshot:
    """The answer was lost: the snapshot's name is its own, so it is found where it was made."""
    end = time.monotonic() + rehearsal.seconds
    while time.monotonic() < end:
        try:
            rows = rehearsal.client.list_snapshots(
                volume_id=rehearsal.volume.id, name=rehearsal.name
            )
        except _PASSING:
            rows = []
        if rows:
            return rows[0]
        _pause(rehearsal)
    raise error


def _wait(rehearsal: Rehearsal, is_done: Callable[[CloudSnapshot], bool]) -> CloudSnapshot:
    """Look again and again until it is done, `NotFound`, failed, or the time is over."""
    status = first = rehearsal.status
    was_deleting = False
    end = time.monotonic() + rehearsal.seconds
    while time.monotonic() < end:
        try:
            snapshot = rehearsal.client.show_snapshot(rehearsal.snapshot_id)
        except _PASSING:
            _pause(rehearsal)
            continue
        status = rehearsal.status = snapshot.status
        if is_done(snapshot):
            return snapshot
        if status in _FAILED and status != first:
            raise RehearsalError(f"The snapshot {snapshot.id} ended as {status}.")
        if was_deleting and status == "available":
            raise RehearsalError(f"The cloud kept the snapshot {snapshot.id}: it is in use there.")
        was_deleting = was_deleting or status == "deleting"
        _pause(rehearsal)
    raise RehearsalError(
        f"The snapshot {rehearsal.snapshot_id} was still {status} after {rehearsal.seconds:g} s."
    )


def _pause(rehearsal: Rehearsal) -> None:
    end = time.monotonic() + _LOOK_SECONDS
    while time.monotonic() < end:
        if rehearsal.is_stopped():
            raise StoppedError
        time.sleep(_NOTICE_SECONDS)


def _marker_words(rehearsal: Rehearsal, snapshot: CloudSnapshot) -> str:
    """Whether the cloud keeps metadata is remembered: lost answers are settled by it."""
    is_kept = snapshot.metadata.get(MARK) == rehearsal.mark
    CloudHealth.objects.update_or_create(
        cloud=rehearsal.cloud, defaults={"keeps_metadata": is_kept}
    )
    return f"metadata {'came back as sent' if is_kept else 'was DROPPED by the cloud'}"
