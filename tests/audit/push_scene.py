"""What tests of pushing share: rows as they should arrive, and pushing until none is left."""

from django.conf import settings

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.delivery.push import push_new_rows
from snapshots.audit.seals.canonical import exported_row
from snapshots.audit.seals.sealing import rows_of
from snapshots.models import Pushed


def all_rows():
    return {
        (table, values[0]): exported_row(table, values)
        for table in TRAIL
        for values in rows_of(table, 0)
    }


def rows_by_key(rows):
    return {(row["table"], row["seq"]): row for row in rows}


def is_in_order(rows):
    return all(
        numbers == sorted(numbers)
        for numbers in ([row["seq"] for row in rows if row["table"] == table] for table in TRAIL)
    )


def push_all():
    """Push to every target until it has all rows or fails, without waiting for pauses."""
    Pushed.objects.update(retry_at=None)
    for target in settings.EVSPORTAL_AUDIT_PUSH:
        while push_new_rows(target):
            pass


def got(hook):
    return [row for _key, row in hook.got]


def keys_of(hook):
    """The key of each request, in the order they came."""
    return [headers["Idempotency-Key"] for headers in hook.seen]
