"""What a step concluded, and the one place that stores it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from snapshots.audit.record.actions import record
from snapshots.database.transactions import in_transaction
from snapshots.evs.types import CloudSnapshot
from snapshots.jobs.duties import WATCH, start_duty
from snapshots.mirror import mark_gone, store_snapshots
from snapshots.models import (
    ActionCode,
    AnomalyKind,
    AnomalyMessage,
    Maker,
    Operation,
    OperationState,
    OutcomeCode,
    Snapshot,
)
from snapshots.operations.anomalies import note_metadata_kept, report
from snapshots.operations.transitions import Move, Start, prepared_move, write_unclaimed_move

log = logging.getLogger(__name__)

# Readings of what was just accepted, than later ones: most snapshots are available within seconds.
SOONER_AT_FIRST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyReport:
    """What auditors read about an answer that contradicts what was asked."""

    kind: AnomalyKind
    message: AnomalyMessage
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from an answer or a reading. What is None is not written.

    `snapshot` is the operation's snapshot as the cloud has it; `missed` counts the readings in a
    row that did not have it; `is_gone`: the cloud proved that it holds it no more.
    `made_volume_id` names the volume that it made for the operation. `start` is what was shown
    before anything is sent; with `has_begun` the cloud was seen to work, so it says nothing more.
    With `is_withdrawn` the portal cancelled it, because who asked had lost the right: on record.
    `read_at` is the moment before the cloud was asked for the snapshot; None: now.
    """

    move: Move | None = None
    snapshot: CloudSnapshot | None = None
    missed: int | None = None
    is_gone: bool = False
    made_volume_id: str = ""
    start: Start | None = None
    has_begun: bool = False
    anomaly: AnomalyReport | None = None
    keeps_metadata: bool | None = None
    is_withdrawn: bool = False
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A look that proves nothing alone: what was asked for is not there, or not yet.

    Enough such looks prove that it was not executed, unless `proves` is false: then nobody can
    tell from what the cloud shows, which `doubt` and `values` say.
    """

    keeps_metadata: bool | None = None
    proves: bool = True
    doubt: OutcomeCode = OutcomeCode.CANNOT_TELL
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """A look whose answer only people can interpret. Nothing is chosen silently."""

    anomaly: AnomalyKind
    outcome: OutcomeCode
    snapshot_ids: tuple[str, ...]
    is_readable: bool = True  # False: a row of the list could not be read
    message: AnomalyMessage = AnomalyMessage.CANDIDATES
    keeps_metadata: bool | None = None

    @property
    def names(self) -> str:
        return ", ".join(sorted(set(self.snapshot_ids)))


Finding = Decision | Absent | Unclear


def store_decision(operation: Operation, decision: Decision, *, now: datetime) -> None:
    """Store what a step of the operation's own worker concluded, through its claim, all or nothing.

    Raises `LostClaimError` when another worker holds the claim; then nothing is stored.
    """
    move = decision.move
    write_move = prepared_move(operation, move, now=now) if move is not None else None

    def store() -> None:
        # Rows are locked in the same order everywhere: duty, operation, snapshot, volume,
        # cloud's health.
        if move is not None and move.to is OperationState.ACCEPTED:
            first = timedelta(seconds=settings.EVSPORTAL_WATCH_SECONDS / SOONER_AT_FIRST)
            start_duty(WATCH, operation.cloud, due_at=now + first)
        if write_move is not None:
            write_move()
        if decision.made_volume_id:
            made = {"made_volume_id": decision.made_volume_id}
            Operation.objects.filter(pk=operation.pk).update(**made)
        _store_facts(operation, decision, now)

    in_transaction(store)


def record_withdrawal(operation: Operation, code: OutcomeCode) -> None:
    """Called in the transaction that cancels it."""
    details = {"kind": operation.kind, "why": code.value, "person": operation.requester_name}
    record(
        ActionCode.OPERATION_WITHDRAWN,
        operation=operation,
        subject=str(operation.pk),
        details=details,
    )


def store_reading(operation: Operation, decision: Decision, *, now: datetime) -> None:
    """Store what a reading of many snapshots concluded about one accepted operation. Called within
    the reading's transaction, which holds the lock of the operation's row.
    """
    if decision.move is not None and not write_unclaimed_move(operation, decision.move, now=now):
        return  # it has ended since the reading began
    _store_facts(operation, decision, now)


def _store_facts(operation: Operation, decision: Decision, now: datetime) -> None:
    if decision.is_withdrawn and decision.move and decision.move.outcome:
        record_withdrawal(operation, decision.move.outcome.code)
    if decision.snapshot is not None:
        _store_snapshot(operation, decision.snapshot, decision.read_at or now)
    if decision.has_begun:
        Operation.objects.filter(pk=operation.pk).update(start_status=None)
    if decision.missed is not None:
        Snapshot.objects.filter(_watched(operation)).update(missed=decision.missed)
    if decision.is_gone:
        for key in Snapshot.objects.filter(_watched(operation)).values_list("pk", flat=True):
            mark_gone(key, now=now)
    if decision.keeps_metadata is not None:
        note_metadata_kept(operation, is_kept=decision.keeps_metadata)
    if decision.anomaly is not None:
        anomaly = decision.anomaly
        report(anomaly.kind, operation, anomaly.message, anomaly.values)


def _watched(operation: Operation) -> Q:
    if operation.target_snapshot_id:
        return Q(pk=operation.target_snapshot_id)
    return Q(operation_id=operation.pk)


def _store_snapshot(operation: Operation, snapshot: CloudSnapshot, now: datetime) -> None:
    if operation.target_snapshot_id:
        store_snapshots(operation.cloud, [snapshot], now=now)
        return
    # What was taken for the operation's snapshot before is somebody else's.
    others = Snapshot.objects.filter(operation_id=operation.pk).exclude(snapshot_id=snapshot.id)
    others.update(operation=None, maker=Maker.OTHER, owner_name="", ticket="")
    store_snapshots(operation.cloud, [snapshot], now=now, made_by=operation)
