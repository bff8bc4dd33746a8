"""Claiming rows: lease, fencing token, heartbeat. Knows nothing of what a row is for."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from snapshots.models import Claimable

Claimed = TypeVar("Claimed", bound=Claimable)


class LostClaimError(Exception):
    """Another worker has claimed the row meanwhile; nothing was written."""


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
    with transaction.atomic():
        taken = list(due.select_for_update(skip_locked=True, of=("self",))[:most])
        for row in taken:
            write(row, token=row.token + 1, due_at=moment + lease, owner=owner)
        return taken


def write(row: Claimed, **changes: Any) -> None:
    """Write to a claimed row. Raises `LostClaimError` when the claim has passed to another."""
    table = type(row)._default_manager  # noqa: SLF001 - Django's public name for it
    if table.filter(pk=row.pk, token=row.token).update(**changes) != 1:
        raise LostClaimError(f"{row.pk} was claimed by another worker.")
    for name, value in changes.items():
        setattr(row, name, value)


def release(row: Claimed, *, due_at: datetime | None, **changes: Any) -> None:
    """The last write of a claim: done with it until `due_at`, or for good with None.

    Raises `LostClaimError` when the claim has passed to another.
    """
    write(row, due_at=due_at, owner="", **changes)


# No pause is planned longer than this: see `outcomes`, `health` and the lease's setting.
LONGEST_PAUSE = timedelta(hours=1)


def bring_near(
    *tables: QuerySet[Any], beyond: timedelta = LONGEST_PAUSE, now: datetime | None = None
) -> None:
    """Make due what nobody works on and is planned further ahead than `beyond`.

    The longest pause is the right measure at any time. When the clock was set back, whatever is
    planned may have been planned by the lost time: then it is nothing.
    """
    moment = now or timezone.now()
    margin = timedelta(minutes=5) if beyond else timedelta(0)
    for rows in tables:
        rows.filter(owner="", due_at__gt=moment + beyond + margin).update(due_at=moment)


def free_held(*tables: QuerySet[Any], lease: timedelta) -> None:
    """Make due what is claimed for longer than any living worker claims: its worker died before
    the clock was set back. Two leases, since workers may have leases a little different.
    """
    moment = timezone.now()
    for rows in tables:
        rows.exclude(owner="").filter(due_at__gt=moment + 2 * lease).update(due_at=moment)


def extend(
    rows: Iterable[Claimable], *, owner: str, lease: timedelta, now: datetime | None = None
) -> None:
    """Heartbeat: push the leases of rows still being worked on, in one write for each table.

    Released rows, and rows that others have claimed, no longer name this owner and stay as they
    are.
    """
    until = (now or timezone.now()) + lease
    running: dict[type[Claimable], list[Any]] = {}
    for row in rows:
        running.setdefault(type(row), []).append(row.pk)
    for kind, keys in running.items():
        table = kind._default_manager  # noqa: SLF001 - Django's public name for it
        table.filter(pk__in=keys, owner=owner).update(due_at=until)
