"""Seals: a digest over a batch of rows, chained to the one before, signed when there is a key.

Made by the worker, off the path of requests. How a seal is spelt is in `docs/audit.md`.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from snapshots.audit.database.settled import TRAIL, settled_upto
from snapshots.audit.seals import keys
from snapshots.audit.seals.canonical import FIELDS, FORMAT, canonical_json, leaf_function, plain
from snapshots.clock import is_within
from snapshots.models import Seal

FIRST_PREVIOUS = "0" * 64
LEAF = struct.Struct(">BQ32s")  # number of the table, of the row, its leaf
TABLES = tuple(TRAIL)


def seal_new_rows(*, now: datetime | None = None, at_once: bool = False) -> list[Seal]:
    """Seal what is due: full batches, and a smaller one when its oldest row is old enough.

    `at_once` seals everything. If two processes seal at once, one fails with `IntegrityError`,
    because the seal number is unique. No row is lost. Raises `WritersBusyError` (try later).
    """
    moment = now or timezone.now()
    if not (at_once or is_due(now=moment)):
        return []
    upto = settled_upto()
    made = []
    while seal := _seal_next(upto, moment, at_once=at_once):
        made.append(seal)
    return made


def is_due(*, now: datetime | None = None) -> bool:
    """A cheap look, five small queries and no lock."""
    after = _sealed_upto(latest_seal())
    waiting = sum(max(0, _last(name) - after[name]) for name in TABLES)
    if waiting == 0:
        return False
    return waiting >= settings.EVSPORTAL_AUDIT_SEAL_ROWS or _is_old(after, now or timezone.now())


def unsealed(last: Mapping[str, int]) -> tuple[int, datetime | None]:
    """How many rows have no seal, and the time of the oldest. `last`: each table's highest number.

    A number that no row got, after a transaction that failed, counts as a row.
    """
    after = _sealed_upto(latest_seal())
    waiting = sum(max(0, last[name] - after[name]) for name in TABLES)
    firsts = [first for first in _firsts(after) if first is not None] if waiting else []
    return waiting, min(firsts, default=None)


def latest_seal() -> Seal | None:
    return Seal.objects.defer("leaves").order_by("-number").first()


def is_signed() -> bool:
    """Whether new seals bear a signature. Raises `ImproperlyConfigured` for a key that is bad."""
    return keys.private_key() is not None


def digest_of(header: dict[str, Any]) -> str:
    """The digest over everything in a seal but the signature."""
    names = ("number", "at", "format", "tables", "root", "previous")
    return hashlib.sha256(canonical_json({name: header[name] for name in names})).hexdigest()


def leaves_of(table: str, after: int, upto: int, most: int | None = None) -> Iterator[bytes]:
    """The packed leaves of rows in (after, upto], as they are in the database now."""
    leaf, number = leaf_function(FORMAT, table), TABLES.index(table)
    for values in rows_of(table, after, upto, most):
        yield LEAF.pack(number, values[0], leaf(values))


def rows_of(
    table: str,
    after: int,
    upto: int | None = None,
    most: int | None = None,
    *,
    in_memory: int = 250,
) -> Iterator[tuple[Any, ...]]:
    """Rows in the fields' canonical order, `seq` first, by number; so many at once in memory."""
    rows = _rows(table).filter(seq__gt=after)
    rows = rows if upto is None else rows.filter(seq__lte=upto)
    values = rows.order_by("seq").values_list(*FIELDS[FORMAT][table])
    return values[:most].iterator(in_memory)


@dataclass(slots=True)
class _Batch:
    tables: dict[str, list[int]]
    leaves: list[bytes]


def _seal_next(upto: dict[str, int], now: datetime, *, at_once: bool) -> Seal | None:
    """No transaction, so that nobody waits while rows are read: settled ones do not change, and the
    seal's number is free or it is not.
    """
    last = latest_seal()
    after = _sealed_upto(last)
    batch = _batch(after, upto)
    full = len(batch.leaves) >= settings.EVSPORTAL_AUDIT_SEAL_ROWS
    if not batch.leaves or not (at_once or full or _is_old(after, now)):
        return None
    return _seal(last, batch)


def _batch(after: dict[str, int], upto: dict[str, int]) -> _Batch:
    most = settings.EVSPORTAL_AUDIT_SEAL_ROWS
    batch = _Batch({}, [])
    for name in TABLES:
        room = most - len(batch.leaves)
        leaves = list(leaves_of(name, after[name], upto[name], room)) if room else []
        # A table that was read to its end is covered to its end, gaps included.
        end = LEAF.unpack(leaves[-1])[1] if len(leaves) == room and leaves else upto[name]
        batch.tables[name] = [after[name], max(end, after[name]) if room else after[name]]
        batch.tables[name].append(len(leaves))
        batch.leaves += leaves
    return batch


def _seal(last: Seal | None, batch: _Batch) -> Seal:
    leaves = b"".join(batch.leaves)
    seal = Seal(
        number=last.number + 1 if last else 1,
        at=timezone.now(),
        format=FORMAT,
        tables=batch.tables,
        leaves=leaves,
        root=hashlib.sha256(leaves).hexdigest(),
        previous=last.digest if last else FIRST_PREVIOUS,
    )
    seal.digest = digest_of(header_of(seal))
    signed = keys.sign(keys.SEAL, bytes.fromhex(seal.digest))
    seal.key_id, seal.signature = signed.key_id, signed.signature
    seal.save()
    return seal


def header_of(seal: Seal) -> dict[str, Any]:
    names = ("number", "at", "format", "tables", "root", "previous")
    return {name: plain(getattr(seal, name)) for name in names}


def _sealed_upto(seal: Seal | None) -> dict[str, int]:
    return {name: seal.tables[name][1] if seal else 0 for name in TABLES}


def _rows(table: str) -> QuerySet[Any]:
    return TRAIL[table]._default_manager.all()


def _last(table: str) -> int:
    return _rows(table).aggregate(last=Max("seq"))["last"] or 0


def _is_old(after: dict[str, int], now: datetime) -> bool:
    """Whether the first row that waits in any table has waited long enough, or nobody knows."""
    age = timedelta(seconds=settings.EVSPORTAL_AUDIT_SEAL_SECONDS)
    return any(
        first is not None and not is_within(first, now=now, period=age) for first in _firsts(after)
    )


def _firsts(after: dict[str, int]) -> Iterator[datetime | None]:
    """When the first row of each table that waits was written; one query for each."""
    for name in TABLES:
        waiting = _rows(name).filter(seq__gt=after[name]).order_by("seq")
        yield waiting.values_list("at", flat=True).first()
