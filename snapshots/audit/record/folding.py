"""Refusals that repeat: the first of an hour are recorded one by one, then ever fewer.

So nobody can grow the trail without bound, and what was left out is counted in the next one.
"""

import hashlib
from datetime import datetime, timedelta

from django.db.models import F

from snapshots.database.transactions import in_transaction
from snapshots.models import ActionCode, RefusalCount

MOST_OF_ONE = 10  # in an hour, of one code, to one person or address; then the 20th, 40th, 80th ...
MOST_OF_STRANGERS = 200  # in an hour, of one code, to all who are not signed in
_HOUR = timedelta(hours=1)
_NEVER_FOLDED = frozenset({ActionCode.AUDIT_FOUND_BAD})


def is_foldable(code: ActionCode) -> bool:
    return code.endswith(":refused") and code not in _NEVER_FOLDED


def times_refused(code: ActionCode, *, person: int | None, address: str, now: datetime) -> int:
    """Which of its hour this refusal is, counted for the person, else for the address; 0 when it is
    not to be recorded.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    if person is not None:
        return _counted(f"{code}/person/{person}", hour, MOST_OF_ONE)
    of_all = _counted(f"{code}/strangers", hour, MOST_OF_STRANGERS)
    if of_all > MOST_OF_STRANGERS:
        return of_all
    # Not asked when there are too many: an address of its own for each would grow the table.
    return _counted(f"{code}/address/{address}", hour, MOST_OF_ONE) if of_all else 0


def _counted(what: str, hour: datetime, most: int) -> int:
    """How often by now; 0 when it is not to be recorded."""
    key = hashlib.sha256(f"{hour.isoformat()}/{what}".encode()).hexdigest()

    def count_one_more() -> int:
        row, is_new = RefusalCount.objects.get_or_create(key=key, defaults={"hour": hour})
        if is_new:
            RefusalCount.objects.filter(hour__lt=hour - _HOUR).delete()
        RefusalCount.objects.filter(pk=row.pk).update(count=F("count") + 1)
        row.refresh_from_db()
        return row.count

    count = in_transaction(count_one_more)
    return count if _is_recorded(count, most) else 0


def _is_recorded(count: int, most: int) -> bool:
    """The first, and from then on each that doubles them."""
    times, rest = divmod(count, most)
    return count <= most or (rest == 0 and times & (times - 1) == 0)
