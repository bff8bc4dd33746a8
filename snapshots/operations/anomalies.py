"""Writes down what contradicts what was asked: for auditors, and loudly in the log."""

import logging
import uuid
from collections.abc import Iterable

from django.utils import timezone

from snapshots.evs.types import CloudSnapshot
from snapshots.models import (
    FINAL,
    MARKER,
    Anomaly,
    AnomalyKind,
    CloudHealth,
    Operation,
    OperationState,
    Snapshot,
)

log = logging.getLogger(__name__)

_IDS_AT_ONCE = 500  # databases take no endless lists


def report(kind: AnomalyKind, operation: Operation, words: str) -> None:
    """Record an anomaly of an operation, once for each kind."""
    if Anomaly.objects.filter(kind=kind, operation=operation).exists():
        return
    log.error("%s: %s: %s", operation.pk, kind.label, words)
    Anomaly.objects.create(
        at=timezone.now(), kind=kind, cloud=operation.cloud, operation=operation, words=words
    )


def report_late(cloud: str, shown: Iterable[CloudSnapshot]) -> None:
    """Report what a list shows that must not be: a snapshot whose request was called ended without
    one, or a second one of a request that has its own. Costs no call: any list will do.
    """
    marked = {one.id: one for one in shown if MARKER in one.metadata}
    ids = list(marked)
    for first in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[first : first + _IDS_AT_ONCE]
        known = Snapshot.objects.filter(cloud=cloud, snapshot_id__in=some)
        known = known.exclude(missed__gt=0, operation__state=OperationState.FAILED)  # called gone
        for snapshot_id in sorted(set(some) - set(known.values_list("snapshot_id", flat=True))):
            _report_unknown(cloud, marked[snapshot_id])


def _report_unknown(cloud: str, made: CloudSnapshot) -> None:
    """No row of ours is about this snapshot. Another portal's is none of our business, and an open
    request without a snapshot is being looked at.
    """
    key = _key_in(made)
    if key is None:
        return
    known = Operation.objects.filter(
        pk=key, cloud=cloud, state__in=FINAL | {OperationState.ACCEPTED}
    )
    operation = known.select_related("snapshot").first()
    if operation is None:
        return
    own: Snapshot | None = getattr(operation, "snapshot", None)
    was_called_gone = own is not None and own.missed and operation.is_final
    if own is not None and not was_called_gone and (own.snapshot_id == made.id or own.missed):
        return  # adopted a moment ago, after the list was compared; or whoever misses it will say
    if own is None or own.snapshot_id == made.id:
        words = f"Snapshot {made.id} bears the mark of this request, which is {operation.state}."
        report(AnomalyKind.LATE_SNAPSHOT, operation, words)
    else:
        words = f"Snapshot {made.id} bears the mark of this request, as {own.snapshot_id} does."
        report(AnomalyKind.SEVERAL_MARKED, operation, words)


def _key_in(made: CloudSnapshot) -> uuid.UUID | None:
    try:
        return uuid.UUID(made.metadata[MARKER])
    except ValueError:
        return None


def contradiction_in(operation: Operation, made: CloudSnapshot) -> AnomalyKind | None:
    """What in the cloud's snapshot contradicts the operation it is said to belong to."""
    if made.volume_id != operation.volume_id:
        return AnomalyKind.OTHER_VOLUME
    if made.metadata.get(MARKER, str(operation.pk)) != str(operation.pk):
        return AnomalyKind.OTHER_MARKER
    known = Snapshot.objects.filter(cloud=operation.cloud, snapshot_id=made.id)
    if known.exclude(operation=operation).exists():
        return AnomalyKind.KNOWN_SNAPSHOT
    return None


def note_metadata_kept(operation: Operation, *, kept: bool) -> None:
    """Remember whether the cloud gives our marker back; the first time it does not, say so."""
    health, _ = CloudHealth.objects.get_or_create(cloud=operation.cloud)
    if health.keeps_metadata is kept:
        return
    CloudHealth.objects.filter(pk=health.pk).update(keeps_metadata=kept)
    if not kept:
        report(
            AnomalyKind.METADATA_DROPPED,
            operation,
            f"The cloud {operation.cloud} made the snapshot but dropped its metadata, the portal's "
            "mark among it. Lost answers can only be settled by volume, name and time there.",
        )
