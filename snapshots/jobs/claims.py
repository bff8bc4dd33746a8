"""Claiming rows: lease, fencing token, heartbeat. Knows nothing of what a row is for."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from django.db.models import F, Manager, QuerySet
from django.utils import timezone

from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.models import Claimable

Claimed = TypeVar("Claimed", bound=Claimable)


class LostClaimError(Exception):
    """Another worker has claimed the row; nothing was written."""


def claim(
    rows: QuerySet[Claimed], *, owner: str, lease: timedelta, now: datetime | None = None
) -> Claimed | None:
    """Take the first due row of `rows`, as `claim_some` does."""
    return next(iter(claim_some(rows, most=1, owner=owner, lease=lease, now=now)), None)


def claim_some(
    rows: QuerySet[Claimed],
    *,
    most: int,
    owner: str,
    lease: timedelta,
    now: datetime | None = None,
) -> list[Claimed]:
    """Take the first due rows of `rows` for as long as the lease, or until they are written to.

    The row lock (PostgreSQL) or the write lock taken at the start (SQLite) keeps two workers from
    taking the same row; `skip_locked` keeps them from waiting for each other.
    """
    moment = now or timezone.now()
    due = rows.filter(due_at__lte=moment).order_by("due_at", "pk")
    if not due.exists():  # most looks find nothing: they shall not take a write lock
        return []

    def take() -> list[Claimed]:
        rows = list(due.select_for_update(skip_locked=True, of=("self",), no_key=True)[:most])
        for row in rows:
            write(row, {"token": row.token + 1, "due_at": moment + lease, "owner": owner})
        return rows

    return in_transaction(take)


def write(row: Claimed, columns: Mapping[str, object]) -> None:
    """Write to a claimed row. Raises `LostClaimError` when the claim has passed to another.

    Each table has a `TypedDict` of the columns that its steps write.
    """
    if _table_of(row).filter(pk=row.pk, token=row.token).update(**columns) != 1:
        raise LostClaimError(f"{row.pk} was claimed by another worker.")
    for name, value in columns.items():
        setattr(row, name, value)


def release(
    row: Claimed, *, due_at: datetime | None, columns: Mapping[str, object] = MappingProxyType({})
) -> None:
    """The last write of a claim: done with it until `due_at`, or for good with None.

    Raises `LostClaimError` when the claim has passed to another.
    """
    write(row, {**columns, "due_at": due_at, "owner": ""})


def hold(row: Claimed) -> None:
    """Lock a claimed row until the transaction ends. Fencing: a worker whose lease expired must not
    store a stale reading. Raises `LostClaimError` when the claim has passed to another.
    """
    write(row, {"owner": row.owner})


def take_away(
    rows: QuerySet[Claimed], *, due_at: datetime | None, columns: Mapping[str, object]
) -> int:
    """Write to rows without a claim, and end any claim on them: the worker that holds one finds its
    next write refused. Returns how many rows.
    """
    return rows.update(**columns, token=F("token") + 1, owner="", due_at=due_at)


FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0


def give_back(row: Claimable) -> None:
    """Let go of a row whose step broke off: due again after a short pause that grows with each
    failure. Nothing happens when the claim has passed to another, or was let go of before.
    """
    held = _table_of(row).filter(pk=row.pk, token=row.token).exclude(owner="")
    fails = held.values_list("fails", flat=True).first() or 0
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(fails, 10), LONGEST_PAUSE_SECONDS)
    due_at = timezone.now() + timedelta(seconds=pause)
    held.update(due_at=due_at, owner="", fails=F("fails") + 1)


def free_rows_of(owners: Iterable[str], *tables: QuerySet[Any]) -> int:
    """Make due what these workers, which are gone, still hold; how many rows. One that such a
    worker keeps locked, since it was stopped within a transaction, is left for the next time.
    """
    moment, gone = timezone.now(), list(owners)
    return sum(_make_due(rows.filter(owner__in=gone, due_at__gt=moment), moment) for rows in tables)


# No pause of an operation is planned longer than this: see `outcomes`, `health` and the lease's
# setting; no rest of a duty longer than the other: see the limits of the settings.
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_REST = timedelta(days=1)


def bring_near(rows: QuerySet[Any], *, beyond: timedelta) -> None:
    """Make due what nobody works on and is planned further ahead than `beyond`.

    The longest pause is the right measure at any time. When the clock was set back, whatever is
    planned may have been planned by the lost time: then it is nothing.
    """
    moment = timezone.now()
    margin = timedelta(minutes=5) if beyond else timedelta(0)
    _make_due(rows.filter(owner="", due_at__gt=moment + beyond + margin), moment)


def free_held(*tables: QuerySet[Any], lease: timedelta) -> None:
    """Make due what is claimed for longer than any living worker claims: its worker died before
    the clock was set back. Two leases, since workers may have leases a little different.
    """
    moment = timezone.now()
    for rows in tables:
        _make_due(rows.exclude(owner="").filter(due_at__gt=moment + 2 * lease), moment)


def extend(
    rows: Iterable[Claimable], *, owner: str, lease: timedelta, now: datetime | None = None
) -> None:
    """Heartbeat: push the leases of rows still being worked on, in one transaction for each table.

    Released rows, and rows that others have claimed, no longer name this owner and stay as they
    are.
    """
    until = (now or timezone.now()) + lease
    running: dict[type[Claimable], list[Any]] = {}
    for row in rows:
        running.setdefault(type(row), []).append(row.pk)
    for kind, keys in running.items():
        held = kind._default_manager.filter(pk__in=keys, owner=owner)
        in_transaction(partial(_plan, held, until))


def _make_due(rows: QuerySet[Any], moment: datetime) -> int:
    """Rows that others hold locked are left out: their holders plan them again."""
    if not rows.exists():  # mostly: then no write lock is taken
        return 0
    return in_transaction(partial(_plan, rows, moment, skip_locked=True))


def _plan(rows: QuerySet[Any], due_at: datetime, *, skip_locked: bool = False) -> int:
    """Set when these rows are due, in parts: databases take no endless lists of keys."""
    keys = lock_in_order(rows, skip_locked=skip_locked)
    parts = (keys[first : first + 500] for first in range(0, len(keys), 500))
    return sum(rows.filter(pk__in=part).update(due_at=due_at) for part in parts)


def _table_of(row: Claimed) -> Manager[Claimed]:
    return type(row)._default_manager
