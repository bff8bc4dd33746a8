"""Records what contradicts what was asked: for auditors, and as an error in the log."""

import logging
import uuid
from collections.abc import Iterable, Mapping

from django.utils import timezone

from snapshots.evs.types import CloudSnapshot
from snapshots.models import (
    FINAL,
    MARKER,
    Anomaly,
    AnomalyKind,
    AnomalyMessage,
    CloudHealth,
    Operation,
    OperationState,
    Snapshot,
)

log = logging.getLogger(__name__)

_IDS_AT_ONCE = 500  # databases take no endless lists


def report(
    kind: AnomalyKind,
    operation: Operation,
    message: AnomalyMessage,
    values: Mapping[str, str],
) -> None:
    """Record an anomaly of an operation, once for each kind."""
    if Anomaly.objects.filter(kind=kind, operation=operation).exists():
        return
    log.error("%s: %s: %s %s", operation.pk, kind.value, message.value, dict(values))
    Anomaly.objects.create(
        at=timezone.now(),
        kind=kind,
        cloud=operation.cloud,
        operation=operation,
        message_code=message,
        message_values=dict(values),
    )


def report_late(cloud: str, rows: Iterable[CloudSnapshot]) -> None:
    """Report what a list shows and must not be: a snapshot whose request was called ended without
    a snapshot, or the second snapshot of a request. Costs no call: any list will do.
    """
    marked = {row.id: row for row in rows if MARKER in row.metadata}
    ids = list(marked)
    for first in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[first : first + _IDS_AT_ONCE]
        expected = Snapshot.objects.of_operations().filter(cloud=cloud, snapshot_id__in=some)
        expected = expected.exclude(missed__gt=0, operation__state=OperationState.FAILED)
        expected_ids = set(expected.values_list("snapshot_id", flat=True))
        for snapshot_id in sorted(set(some) - expected_ids):
            _report_unexpected(cloud, marked[snapshot_id])


def _report_unexpected(cloud: str, made: CloudSnapshot) -> None:
    """No row of ours is about this snapshot. The mark of another portal is no anomaly, and an open
    request without a snapshot is being looked into.
    """
    key = _operation_id_in(made)
    if key is None:
        return
    ended_or_accepted = FINAL | {OperationState.ACCEPTED}
    operations = Operation.objects.filter(pk=key, cloud=cloud, state__in=ended_or_accepted)
    operation = operations.select_related("snapshot").first()
    if operation is None:
        return
    own: Snapshot | None = getattr(operation, "snapshot", None)
    was_called_gone = own is not None and own.missed and operation.is_final
    if own is not None and not was_called_gone and (own.snapshot_id == made.id or own.missed):
        return  # adopted after the list was compared; or the reading that misses it will report it
    if own is None or own.snapshot_id == made.id:
        values = {"snapshot": made.id, "state": operation.state}
        report(AnomalyKind.LATE_SNAPSHOT, operation, AnomalyMessage.LATE, values)
    else:
        values = {"snapshot": made.id, "own": own.snapshot_id}
        report(AnomalyKind.SEVERAL_MARKED, operation, AnomalyMessage.SECOND_MARK, values)


def _operation_id_in(made: CloudSnapshot) -> uuid.UUID | None:
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
    same = Snapshot.objects.of_operations().filter(cloud=operation.cloud, snapshot_id=made.id)
    if same.exclude(operation=operation).exists():
        return AnomalyKind.KNOWN_SNAPSHOT
    return None


def note_metadata_kept(operation: Operation, *, is_kept: bool) -> None:
    """Remember whether the cloud gives our marker back; the first time it does not, say so."""
    health, _ = CloudHealth.objects.get_or_create(cloud=operation.cloud)
    if health.keeps_metadata is is_kept:
        return
    CloudHealth.objects.filter(pk=health.pk).update(keeps_metadata=is_kept)
    if not is_kept:
        values = {"cloud": operation.cloud}
        report(AnomalyKind.METADATA_DROPPED, operation, AnomalyMessage.METADATA_DROPPED, values)
