"""Creating a snapshot: sent once, found again by the mark that it bears, watched until usable."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from snapshots.clock import is_within
from snapshots.evs.client import EvsClient
from snapshots.evs.types import CloudSnapshot, CloudVolume, CreateSnapshot
from snapshots.models import (
    MARKER,
    AnomalyKind,
    AnomalyMessage,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Purpose,
    Snapshot,
    Volume,
    status_word,
    watched_snapshot,
)
from snapshots.operations.anomalies import contradiction_in, report_late
from snapshots.operations.decisions import AnomalyReport, Decision, Finding
from snapshots.operations.kinds.base import Kind, Reading
from snapshots.operations.kinds.create_facts import SnapshotFound, decide, facts_of
from snapshots.operations.kinds.create_texts import TEXTS
from snapshots.operations.looks import unknown_move
from snapshots.operations.refusals import Refusal
from snapshots.operations.texts import Argument
from snapshots.operations.transitions import NO_OUTCOME, Move, Outcome, tries_of

SUCCESS = frozenset({"available"})
FAILURE = frozenset({"error", "error-deleting", "deleted"})  # as `status_word` spells them
GONE_AFTER = 2  # readings in a row that do not have the snapshot


class CreateKind(Kind):
    code = OperationKind.CREATE
    purpose = Purpose.CREATE
    texts = TEXTS

    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot:
        return client.create_snapshot(
            CreateSnapshot(
                volume_id=operation.volume_id,
                name=operation.name,
                description=operation.description,
                force=operation.force,
                metadata=operation.sent_metadata(),
            )
        )

    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        """Believe the answer only if it is about what was asked."""
        if not isinstance(answer, CloudSnapshot):
            raise ValueError("Creating is always answered with a snapshot.")
        contradiction = contradiction_in(operation, answer)
        if contradiction is None:
            return adopted(answer)
        return Decision(
            move=unknown_move(tries_of(operation), Outcome(code=OutcomeCode.OTHER_ANSWER), now=now),
            anomaly=AnomalyReport(
                kind=contradiction,
                message=AnomalyMessage.ANSWER_NAMED,
                values={"snapshot": answer.id},
            ),
        )

    def look(self, client: EvsClient, operation: Operation) -> Finding:
        listed = client.list_readable_snapshots(volume_id=operation.volume_id)
        report_late(operation.cloud, listed.rows)
        finding = decide(facts_of(operation, listed))
        if isinstance(finding, SnapshotFound):
            return adopted(finding.snapshot, keeps_metadata=finding.bears_mark or None)
        return finding

    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        marked = tuple(reading.marked)
        snapshot = reading.snapshot
        return decide_reading(
            ReadingFacts(
                watched_id=row.snapshot_id,
                snapshot=snapshot,
                contradiction=contradiction_in(operation, snapshot) if snapshot else None,
                bears_mark=snapshot is not None
                and snapshot.metadata.get(MARKER) == str(operation.pk),
                marked=marked,
                marked_fits=len(marked) == 1 and contradiction_in(operation, marked[0]) is None,
                answered_with_another=reading.answered_with_another,
                is_first=row.seen_at <= operation.state_at,
                missed=row.missed + 1,
                may_still_come=_may_still_come(operation, row, now),
                has_outcome=operation.outcome is not OutcomeCode.NONE,
            )
        )

    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        if not volume.takes_snapshot:
            return Refusal.VOLUME_NOT_READY
        return Refusal.VOLUME_IN_USE if volume.needs_force and not operation.force else None

    def remarks(self, operation: Operation) -> list[str]:
        if operation.status is not OperationState.SUCCEEDED:
            return []
        row = watched_snapshot(operation)
        remarks = []
        if row is not None and not operation.metadata.items() <= row.metadata.items():
            remarks.append(_("The cloud did not keep its metadata."))
        if operation.looks:
            remarks.append(
                _("The cloud's answer was lost on the way; the portal found the snapshot.")
            )
        return [str(remark) for remark in remarks]

    def arguments(self, operation: Operation) -> list[Argument]:
        force = _("yes") if operation.force else _("no")
        return [
            Argument(_("Name"), operation.name or "", "name"),
            Argument(_("Description"), operation.description or "", "description"),
            Argument(_("Taken while in use (force)"), str(force)),
            *(
                Argument(_("Metadata %(key)s") % {"key": key}, text, f"metadata:{key}")
                for key, text in operation.metadata.items()
            ),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFacts:
    """What a reading says about an accepted operation. See `Reading`."""

    watched_id: str
    snapshot: CloudSnapshot | None
    contradiction: AnomalyKind | None = None  # between the snapshot and what was asked
    bears_mark: bool = False
    marked: tuple[CloudSnapshot, ...] = ()
    marked_fits: bool = False  # exactly one bears the mark, and nothing contradicts it
    answered_with_another: bool = False
    is_first: bool = False  # no reading has shown it since the cloud's answer
    missed: int = 1  # readings in a row without it, this one included
    may_still_come: bool = False  # the cloud's lists may be behind its answer
    has_outcome: bool = False  # the person was told of a doubt


def decide_reading(facts: ReadingFacts) -> Decision:
    """What follows from a reading. Of a snapshot without the operation's mark, and another that
    bears it, the marked snapshot is the one that was made.
    """
    if facts.snapshot is not None:
        if facts.marked and not facts.bears_mark:
            return _correction(facts)
        return _believed(facts, facts.snapshot)
    if facts.answered_with_another and not facts.marked:
        return _doubt(AnomalyKind.WRONG_ID, AnomalyMessage.ASKED_FOR_ANOTHER, facts)
    if facts.missed >= GONE_AFTER and facts.marked:
        return _correction(facts)
    is_gone = facts.missed >= GONE_AFTER and not facts.may_still_come
    gone = Move(to=OperationState.FAILED, outcome=Outcome(code=OutcomeCode.GONE))
    return Decision(missed=facts.missed, move=gone if is_gone else None)


def adopted(snapshot: CloudSnapshot, *, keeps_metadata: bool | None = None) -> Decision:
    """The cloud has made the snapshot, or is making it: it is the operation's from now on."""
    move = _end_of(snapshot) or Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME)
    if move.to is not OperationState.ACCEPTED and "metadata" in snapshot.raw:
        keeps_metadata = MARKER in snapshot.metadata  # no reading will follow
    return Decision(move=move, snapshot=snapshot, keeps_metadata=keeps_metadata)


def _believed(facts: ReadingFacts, snapshot: CloudSnapshot) -> Decision:
    if facts.contradiction is not None:
        return _doubt(facts.contradiction, AnomalyMessage.READING_SHOWED, facts)
    move = _end_of(snapshot)
    if move is None and facts.has_outcome:  # it fits again
        move = Move(to=OperationState.ACCEPTED, outcome=NO_OUTCOME)
    # The answer to the request may echo metadata that the cloud does not keep.
    keeps_metadata = MARKER in snapshot.metadata if facts.is_first else None
    return Decision(move=move, snapshot=snapshot, keeps_metadata=keeps_metadata)


def _correction(facts: ReadingFacts) -> Decision:
    """The cloud's answer named a snapshot that is not there or another's, and others bear the mark.
    Several candidates: leave it to an administrator.
    """
    if not facts.marked_fits:
        return _doubt(AnomalyKind.WRONG_ID, AnomalyMessage.MARK_ELSEWHERE, facts)
    made = facts.marked[0]
    return Decision(
        move=_end_of(made),
        snapshot=made,
        anomaly=_report(AnomalyKind.WRONG_ID, AnomalyMessage.MARK_WATCHED, facts),
    )


def _doubt(kind: AnomalyKind, message: AnomalyMessage, facts: ReadingFacts) -> Decision:
    """The reading is not believed: auditors see why, and the person that it is looked into."""
    doubt = Move(to=OperationState.ACCEPTED, outcome=Outcome(code=OutcomeCode.IN_DOUBT))
    return Decision(move=doubt, anomaly=_report(kind, message, facts))


def _report(kind: AnomalyKind, message: AnomalyMessage, facts: ReadingFacts) -> AnomalyReport:
    names = ", ".join(sorted(snapshot.id for snapshot in facts.marked))
    values = {"snapshot": facts.watched_id, "names": names}
    return AnomalyReport(kind=kind, message=message, values=values)


def _end_of(snapshot: CloudSnapshot) -> Move | None:
    """The last move when the snapshot's status is final. A status never seen before is not: it is
    shown and watched.
    """
    status = status_word(snapshot.status)
    if status in SUCCESS:
        return Move(to=OperationState.SUCCEEDED, outcome=Outcome(code=OutcomeCode.READY))
    if status in FAILURE:
        values = {"status": snapshot.status}
        outcome = Outcome(code=OutcomeCode.UNUSABLE, values=values)
        return Move(to=OperationState.FAILED, outcome=outcome)
    return None


def _may_still_come(operation: Operation, row: Snapshot, now: datetime) -> bool:
    """No reading has shown it since the cloud's answer: its lists may be that far behind."""
    settling = timedelta(seconds=settings.EVSPORTAL_SETTLE_SECONDS)
    accepted_at = operation.state_at
    return row.seen_at <= accepted_at and is_within(accepted_at, now=now, period=settling)
