"""Up to which number the rows of each table are final: seals and pushes skip no late row."""

from django.db import OperationalError, connection, transaction
from django.db.models import Max, Model

from snapshots.audit.database.guards import WRITERS_LOCK
from snapshots.models import Action, Anomaly, Answer, Exchange, Tombstone

# Seals, exports and archives all use this order.
TRAIL: dict[str, type[Model]] = {
    "exchange": Exchange,
    "answer": Answer,
    "action": Action,
    "anomaly": Anomaly,
    "tombstone": Tombstone,
}
PATIENCE_MS = 2000


class WritersBusyError(Exception):
    """A transaction that writes to the trail did not end in time; try again later."""


def settled_upto() -> dict[str, int]:
    """The highest row number of each table of the trail below which nothing can still be committed.

    PostgreSQL assigns numbers before a transaction commits, so the highest one seen is not enough.
    Each writer takes a shared lock before its rows get their numbers, and keeps it until it commits
    (`guards.py`). Whoever holds that lock exclusively knows that no commit is pending. SQLite has a
    single writer at any time.

    Raises `WritersBusyError` when a writer keeps it longer than two seconds.
    """
    if connection.vendor != "postgresql":
        return highest()
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])
            return highest()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise WritersBusyError("Somebody is writing to the audit trail for long.") from error


def highest() -> dict[str, int]:
    """For each table the highest number to be seen; a lower one may still be on its way."""
    return {
        name: model._default_manager.aggregate(last=Max("pk"))["last"] or 0
        for name, model in TRAIL.items()
    }
