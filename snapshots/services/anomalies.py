"""Writes down what contradicts what was asked: for auditors, and loudly in the log."""

import logging

from django.utils import timezone

from snapshots.evs.types import Snapshot as CloudSnapshot
from snapshots.models import MARKER, Anomaly, AnomalyKind, CloudHealth, Operation, Snapshot

log = logging.getLogger(__name__)


def report(kind: AnomalyKind, operation: Operation, words: str) -> None:
    """Record an anomaly of an operation, once for each kind."""
    if Anomaly.objects.filter(kind=kind, operation=operation).exists():
        return
    log.error("%s: %s: %s", operation.pk, kind.label, words)
    Anomaly.objects.create(
        at=timezone.now(), kind=kind, cloud=operation.cloud, operation=operation, words=words
    )


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
