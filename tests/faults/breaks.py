"""Takes one guard out of the engine, to show that the run then fails. Used by nothing else."""

import random
import uuid
from collections.abc import Callable


def break_guard(name: str) -> None:
    """Patch this process. The guards are named as in `GUARDS`."""
    GUARDS[name]()


def _fencing() -> None:
    """A write no longer cares whose claim it is."""
    from snapshots.jobs import claims, duties
    from snapshots.operations import transitions

    def write(row, columns) -> None:
        type(row)._default_manager.filter(pk=row.pk).update(**columns)
        for name, value in columns.items():
            setattr(row, name, value)

    claims.write = transitions.write = duties.write = write  # `release` finds it in its own module
    assert transitions.release is duties.release is claims.release


def _marker() -> None:
    """Looking for the marker finds nothing."""
    from snapshots.operations.kinds import create_facts

    create_facts.MARKER = "evsportal-nothing"


def _exchange() -> None:
    """Write the exchange's row only after the answer has arrived."""
    from django.db import transaction

    from snapshots.audit.record.recorder import AuditRecorder
    from snapshots.models import Purpose

    answered, failed = AuditRecorder.answered, AuditRecorder.failed

    def opened(self, request) -> None:
        with transaction.atomic(durable=True):
            if self._before_sending and request.purpose == Purpose.CREATE:
                self._before_sending()

    def open_late(self, request) -> None:
        exchange = self._exchange(request)
        exchange.save()
        self._opened[request.id] = exchange

    def answered_late(self, request, answer) -> None:
        open_late(self, request)
        answered(self, request, answer)

    def failed_late(self, request, error, **facts) -> None:
        open_late(self, request)
        failed(self, request, error, **facts)

    AuditRecorder.opened = opened
    AuditRecorder.answered = answered_late
    AuditRecorder.failed = failed_late


def _key() -> None:
    """A second submit of the same form is a new request."""
    from snapshots.operations import asking

    record = asking._record

    def record_anew(requester, key, arguments, again_for):
        return record(requester, uuid.uuid4(), arguments, again_for)

    asking._record = record_anew


def _retry() -> None:
    """What may have been executed is sent again."""
    from snapshots.operations import outcomes, perform

    meaning_of = outcomes.meaning_of

    def optimistic(error, *, sent):
        meaning = meaning_of(error, sent=sent)
        return outcomes._BUSY if meaning.verdict is outcomes.Verdict.UNKNOWN else meaning

    perform.meaning_of = optimistic


def _order() -> None:
    """Several rows are locked in any order."""
    from snapshots.database import transactions
    from snapshots.jobs import claims

    def lock_in_any_order(rows, *, skip_locked=False) -> list:
        keys = list(rows.values_list("pk", flat=True))
        random.shuffle(keys)
        for key in keys:
            rows.filter(pk=key).select_for_update(no_key=True, skip_locked=skip_locked).first()
        return keys

    for room in (transactions, claims):
        room.lock_in_order = lock_in_any_order


def _deletion() -> None:
    """A deletion without an answer is taken for done."""
    from snapshots.models import OutcomeCode
    from snapshots.operations.kinds import delete

    delete.DeleteKind.look = lambda *_: delete._gone(OutcomeCode.READY)


def _rollback() -> None:
    """A rollback that may have been executed is sent again."""
    from dataclasses import replace

    from snapshots.models import OperationKind
    from snapshots.operations import outcomes, perform

    facts_of = perform._facts_of

    def optimistic(operation, error, *, sent):
        facts = facts_of(operation, error, sent=sent)
        is_unknown = facts.meaning.verdict is outcomes.Verdict.UNKNOWN
        if operation.kind == OperationKind.ROLLBACK and is_unknown:
            return replace(facts, meaning=outcomes._BUSY)
        return facts

    perform._facts_of = optimistic


def _rights() -> None:
    """Nobody is asked for their rights again."""
    from snapshots.operations import perform

    perform.check_sender = lambda *_: None


def _vanish() -> None:
    """What a list does not have is gone: no list is held back, no snapshot asked for."""
    from django.utils import timezone

    from snapshots.duties import snapshots
    from snapshots.mirror import mark_gone
    from snapshots.models import Snapshot

    def find_missing(duty, client, reading) -> int:
        older = Snapshot.objects.present().filter(cloud=duty.cloud, seen_at__lt=reading.began)
        for key in list(snapshots._missing_keys(older, reading)):
            mark_gone(key, now=timezone.now())
        snapshots._note_reading(duty, reading.began, 0)
        return 0

    snapshots._find_missing = find_missing


GUARDS: dict[str, Callable[[], None]] = {
    "fencing": _fencing,
    "marker": _marker,
    "exchange": _exchange,
    "key": _key,
    "retry": _retry,
    "order": _order,
    "deletion": _deletion,
    "rollback": _rollback,
    "rights": _rights,
    "vanish": _vanish,
}
