"""Refusals that repeat: the first of an hour are recorded one by one, then ever fewer.

So nobody can grow the trail without bound, and what was left out is counted in the next one. The
same is: the same code, for the same reason, to the same person; where nobody is signed in, about
the same account, or about no account at all. All of these are bounded, whatever strangers send.
"""

import hashlib
from datetime import datetime, timedelta

from django.db.models import F

from evsportal import figures
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.models import REFUSAL_CODES, Action, ActionCode, RefusalCount

MOST = 10  # in an hour; then the 20th, 40th, 80th ...
_HOUR = timedelta(hours=1)
_NEVER_FOLDED = frozenset({ActionCode.AUDIT_FOUND_BAD})


def is_foldable(code: str) -> bool:
    return code.endswith(":refused") and code not in _NEVER_FOLDED


def times_refused(action: Action) -> int:
    """Which of its hour this refusal is; 0 when it is not to be recorded."""
    figures.of_server().refused(REFUSAL_CODES.index(action.code))
    hour = action.at.replace(minute=0, second=0, microsecond=0)
    about = f"person {action.actor_id}" if action.actor_id else f"stranger {action.subject}"
    what = (hour.isoformat(), action.code, action.details.get("why", ""), about)
    count = _counted("\n".join(what), hour)
    return count if _is_recorded(count) else 0


def _counted(what: str, hour: datetime) -> int:
    key = hashlib.sha256(what.encode(errors="surrogatepass")).hexdigest()

    def count_one_more() -> int:
        row, is_new = RefusalCount.objects.get_or_create(key=key, defaults={"hour": hour})
        if is_new:
            past = RefusalCount.objects.filter(hour__lt=hour - _HOUR)
            RefusalCount.objects.filter(pk__in=lock_in_order(past, skip_locked=True)).delete()
        RefusalCount.objects.filter(pk=row.pk).update(count=F("count") + 1)
        row.refresh_from_db()
        return row.count

    return in_transaction(count_one_more)


def _is_recorded(count: int) -> bool:
    """The first, and from then on each that doubles them."""
    times, rest = divmod(count, MOST)
    return count <= MOST or (rest == 0 and times & (times - 1) == 0)
