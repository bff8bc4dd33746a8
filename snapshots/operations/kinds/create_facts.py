"""Whether a snapshot was made for an operation: gathers facts, and one pure function decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from snapshots.evs.paging import Listed, UnreadableRow
from snapshots.evs.types import CloudSnapshot
from snapshots.models import (
    MARKER,
    AnomalyKind,
    CloudHealth,
    Operation,
    OutcomeCode,
    Snapshot,
)
from snapshots.operations.anomalies import contradiction_in
from snapshots.operations.decisions import Absent, Unclear
from snapshots.operations.looks import exchange_ends_at

CLOCK_TOLERANCE = timedelta(minutes=5)  # how far the cloud's clock may be from ours


@dataclass(frozen=True, slots=True)
class Candidate:
    """A snapshot that may be the one asked for, and what contradicts that."""

    snapshot: CloudSnapshot
    contradiction: AnomalyKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one list of the volume's snapshots says about an operation of unknown outcome."""

    marked: tuple[Candidate, ...] = ()  # they bear the operation's mark
    # Without any mark, of the volume, name and time asked for, and no other operation's.
    alike: tuple[Candidate, ...] = ()
    # Those of `alike` that may be the portal's, as far as other marks of this cloud tell.
    perhaps_ours: tuple[Candidate, ...] = ()
    is_dated: bool = True  # each of `alike` has its time of creation
    unreadable_ids: tuple[str, ...] = ()  # "" for a row without an id
    keeps_metadata: bool | None = None  # whether this cloud gives marks back; None: not seen yet


@dataclass(frozen=True, slots=True)
class SnapshotFound:
    """The one snapshot that was made."""

    snapshot: CloudSnapshot
    bears_mark: bool


def decide(facts: Facts) -> SnapshotFound | Absent | Unclear:
    """Whether the snapshot is there. Nothing is chosen among several."""
    if facts.marked:
        return _choose(facts.marked, AnomalyKind.SEVERAL_MARKED, bears_mark=True)
    if facts.unreadable_ids:
        return Unclear(
            anomaly=AnomalyKind.UNREADABLE,
            outcome=OutcomeCode.UNREADABLE,
            snapshot_ids=tuple(row_id or "one without an id" for row_id in facts.unreadable_ids),
            is_readable=False,
        )
    if facts.keeps_metadata is False and facts.is_dated:
        return _choose(facts.alike, AnomalyKind.SEVERAL_ALIKE, bears_mark=False)
    if facts.perhaps_ours:
        # The cloud may have begun to drop marks just then; the next clear answer will tell.
        return _unclear(facts.perhaps_ours, AnomalyKind.UNMARKED)
    return Absent()


def _choose(
    candidates: Sequence[Candidate], anomaly: AnomalyKind, *, bears_mark: bool
) -> SnapshotFound | Absent | Unclear:
    if not candidates:
        return Absent()
    if len(candidates) > 1:
        return _unclear(candidates, anomaly, bears_mark=bears_mark)
    only = candidates[0]
    if only.contradiction is not None:
        return _unclear(candidates, only.contradiction, bears_mark=bears_mark)
    return SnapshotFound(only.snapshot, bears_mark)


def _unclear(
    candidates: Sequence[Candidate], anomaly: AnomalyKind, *, bears_mark: bool = False
) -> Unclear:
    return Unclear(
        anomaly=anomaly,
        outcome=OutcomeCode.SEVERAL if len(candidates) > 1 else OutcomeCode.UNCLEAR,
        snapshot_ids=tuple(candidate.snapshot.id for candidate in candidates),
        keeps_metadata=True if bears_mark else None,
    )


def facts_of(operation: Operation, listed: Listed[CloudSnapshot]) -> Facts:
    """Compare the list with what was asked, and with what the portal has in its tables."""
    own_mark = str(operation.pk)
    marked = [row for row in listed.rows if row.metadata.get(MARKER) == own_mark]
    if marked:
        return Facts(marked=_candidates(operation, marked))
    alike = _alike(operation, listed.rows)
    return Facts(
        alike=_candidates(operation, alike),
        perhaps_ours=_candidates(operation, _perhaps_ours(operation.cloud, alike)),
        is_dated=all(row.created_at is not None for row in alike),
        unreadable_ids=_unreadable_ids(operation.cloud, listed.unreadable),
        keeps_metadata=_keeps_metadata(operation.cloud),
    )


def _candidates(operation: Operation, rows: Sequence[CloudSnapshot]) -> tuple[Candidate, ...]:
    return tuple(Candidate(row, contradiction_in(operation, row)) for row in rows)


def _unreadable_ids(cloud: str, rows: Sequence[UnreadableRow]) -> tuple[str, ...]:
    """Of the rows that could not be read, those that may be the one asked for."""
    others = _ids_of_other_operations(cloud, [row.id for row in rows if row.id])
    return tuple(row.id for row in rows if row.id not in others)


def _alike(operation: Operation, rows: Sequence[CloudSnapshot]) -> list[CloudSnapshot]:
    if operation.sent_at is None:
        return []
    first = operation.sent_at - CLOCK_TOLERANCE
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    last = exchange_ends_at(operation) + settling + CLOCK_TOLERANCE
    alike = [
        row
        for row in rows
        if MARKER not in row.metadata
        and row.volume_id == operation.volume_id
        and row.name == (operation.name or "")
        and (row.created_at is None or first <= row.created_at <= last)
    ]
    others = _ids_of_other_operations(operation.cloud, [row.id for row in alike])
    return [row for row in alike if row.id not in others]


def _ids_of_other_operations(cloud: str, snapshot_ids: Sequence[str]) -> set[str]:
    """An operation of unknown outcome has no snapshot, so all of these are of others."""
    rows = Snapshot.objects.of_operations().filter(cloud=cloud, snapshot_id__in=snapshot_ids)
    return set(rows.values_list("snapshot_id", flat=True))


def _perhaps_ours(cloud: str, alike: list[CloudSnapshot]) -> list[CloudSnapshot]:
    """Without those made before a snapshot that bears its mark, by the cloud's own clock: the cloud
    still kept marks then, so they are somebody else's. Of a cloud that ever dropped a mark this is
    not believed.
    """
    if not alike:
        return []
    made = Snapshot.objects.of_operations().filter(cloud=cloud)
    if made.exclude(metadata__has_key=MARKER).exists():
        return alike
    last: datetime | None = made.aggregate(at=Max("created_at"))["at"]
    return [row for row in alike if last is None or row.created_at is None or row.created_at > last]


def _keeps_metadata(cloud: str) -> bool | None:
    return CloudHealth.objects.filter(cloud=cloud).values_list("keeps_metadata", flat=True).first()
