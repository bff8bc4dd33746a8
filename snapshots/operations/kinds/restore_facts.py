"""Whether a volume was made for a restore: gathers facts, and one pure function decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudVolume
from snapshots.models import (
    MARKER,
    AnomalyKind,
    AnomalyMessage,
    CloudHealth,
    Operation,
    OutcomeCode,
)
from snapshots.operations.decisions import Absent, Unclear
from snapshots.operations.kinds.create_facts import CLOCK_TOLERANCE
from snapshots.operations.looks import exchange_ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """What one list of the project's volumes says about a restore of unknown outcome."""

    marked: tuple[CloudVolume, ...] = ()  # volumes with the operation's marker
    # Without any mark, of the snapshot, name, size and time asked for, and no other operation's.
    alike: tuple[CloudVolume, ...] = ()
    snapshot_id: str = ""  # what was restored
    unreadable_ids: tuple[str, ...] = ()  # "" for a row without an id
    keeps_metadata: bool | None = None  # whether this cloud gives marks back; None: not seen yet


def decide(facts: VolumeFacts) -> CloudVolume | Absent | Unclear:
    """The one volume that was made. Nothing is chosen among several."""
    if facts.marked:
        return _only(facts.marked, facts, AnomalyKind.SEVERAL_MARKED)
    if facts.unreadable_ids:
        return Unclear(
            anomaly=AnomalyKind.UNREADABLE,
            outcome=OutcomeCode.UNREADABLE,
            snapshot_ids=tuple(row_id or "one without an id" for row_id in facts.unreadable_ids),
            is_readable=False,
            message=AnomalyMessage.CANDIDATE_VOLUMES,
        )
    if not facts.alike:
        return Absent()
    is_dated = all(volume.created_at is not None for volume in facts.alike)
    if facts.keeps_metadata is False and is_dated:
        return _only(facts.alike, facts, AnomalyKind.SEVERAL_ALIKE)
    # The cloud may have begun to drop marks just then.
    return _unclear(facts.alike, AnomalyKind.UNMARKED)


def _only(
    volumes: Sequence[CloudVolume], facts: VolumeFacts, anomaly: AnomalyKind
) -> CloudVolume | Unclear:
    """The volume, if it is the only one and is made from the snapshot asked for."""
    if len(volumes) > 1:
        return _unclear(volumes, anomaly)
    if volumes[0].snapshot_id not in {"", facts.snapshot_id}:
        return _unclear(volumes, AnomalyKind.WRONG_ID)
    return volumes[0]


def _unclear(volumes: Sequence[CloudVolume], anomaly: AnomalyKind) -> Unclear:
    return Unclear(
        anomaly=anomaly,
        outcome=OutcomeCode.SEVERAL if len(volumes) > 1 else OutcomeCode.UNCLEAR,
        snapshot_ids=tuple(volume.id for volume in volumes),
        message=AnomalyMessage.CANDIDATE_VOLUMES,
    )


def facts_of(operation: Operation, listed: Listed[CloudVolume]) -> VolumeFacts:
    """Compare the list with what was asked, and with what the portal has in its tables."""
    of_others = set(
        Operation.objects.filter(cloud=operation.cloud)
        .exclude(pk=operation.pk)
        .exclude(made_volume_id="")
        .values_list("made_volume_id", flat=True)
    )
    mark = str(operation.pk)
    health = CloudHealth.objects.filter(cloud=operation.cloud)
    return VolumeFacts(
        marked=tuple(row for row in listed.rows if row.metadata.get(MARKER) == mark),
        alike=tuple(
            row for row in listed.rows if row.id not in of_others and _is_alike(operation, row)
        ),
        snapshot_id=operation.target.id,
        unreadable_ids=tuple(row.id for row in listed.unreadable if row.id not in of_others),
        keeps_metadata=health.values_list("keeps_metadata", flat=True).first(),
    )


def _is_alike(operation: Operation, volume: CloudVolume) -> bool:
    if operation.sent_at is None or MARKER in volume.metadata:
        return False
    asked = (operation.target.id, operation.name or "", operation.size_gb)
    if (volume.snapshot_id, volume.name, volume.size_gb) != asked:
        return False
    first = operation.sent_at - CLOCK_TOLERANCE
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    last = exchange_ends_at(operation) + settling + CLOCK_TOLERANCE
    return volume.created_at is None or first <= volume.created_at <= last
