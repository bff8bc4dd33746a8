"""Proves the trail in the database against its seals, and names the first row that is wrong.

`tools/verify_audit.py` does the same for an export, without any of this code.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DatabaseError, DataError, connection, transaction
from django.db.models import QuerySet

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals import keys
from snapshots.audit.seals.canonical import FIELDS, canonical_json, leaf_function
from snapshots.audit.seals.sealing import FIRST_PREVIOUS, LEAF, TABLES, digest_of, header_of
from snapshots.audit.seals.stored_rows import OTHERWISE, stored_rows
from snapshots.models import Seal, Tombstone

# What a cell can do to its reader: SQLite keeps anything in any column.
UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Damage:
    """The first thing that is wrong."""

    kind: str  # changed, missing, inserted, swapped, seal, signature, gap, cut, tombstone
    message: str
    table: str = ""
    seq: int = 0


@dataclass(slots=True)
class Report:
    """What a verification saw. Sound: `damage` is None."""

    rows: int = 0
    seals: int = 0
    signed: int = 0
    bare: int = 0  # seals from before there was a key: the first signed one covers them
    unsealed: int = 0
    archived: int = 0
    damage: Damage | None = None
    stopped_at: int = 0  # with a damage: the seal that was looked at, or one beyond the last


@dataclass(frozen=True, slots=True)
class Part:
    """Those of the seals 1 to `upto` whose rows one of several verifiers reads."""

    index: int  # from 0
    of: int
    upto: int

    def has(self, number: int) -> bool:
        return number % self.of == self.index


class BadTrailError(Exception):
    """Ends a verification at the first damage."""

    def __init__(self, kind: str, message: str, table: str = "", seq: int = 0) -> None:
        super().__init__(message)
        self.damage = Damage(kind, message, table, seq)


@dataclass(slots=True)
class _Walk:
    """Where a verification stands."""

    keys: dict[str, Ed25519PublicKey]  # by their id; empty: signatures are not looked at
    anchors: dict[int, str]
    report: Report = field(default_factory=Report)
    at: int = 0  # the seal that is looked at
    number: int = 0
    previous: str = FIRST_PREVIOUS
    upto: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    gone: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def verify(
    *,
    key: Ed25519PublicKey | None = None,
    old_keys: Sequence[Ed25519PublicKey] = (),
    anchors: Sequence[Mapping[str, Any]] = (),
    since: int = 1,
    part: Part | None = None,
) -> Report:
    """Go through all seals and rows as they are at one moment; nobody who writes waits for it.

    `key`: each seal must then bear its signature, or that of one of `old_keys`; only seals before
    the first signed one may bear none. `anchors`: seals as they were told outside; each must be
    there, unchanged. `since`: rows of earlier seals are not read again, the chain is. `part`: only
    its rows are read (`parallel.py`).
    """
    keys_by_id = {keys.key_id_of(item): item for item in (key, *old_keys) if item is not None}
    walk = _Walk(keys_by_id, {int(item["number"]): str(item["digest"]) for item in anchors})
    try:
        with _one_moment():
            walk.gone = _archived(walk)
            for number in _numbers(part):
                rows_too = number >= since and (part is None or part.has(number))
                _check(walk, number, rows_too=rows_too)
            walk.at = walk.number + 1
            _end(walk)
    except BadTrailError as error:
        walk.report.damage, walk.report.stopped_at = error.damage, walk.at
    return walk.report


def _numbers(part: Part | None) -> Iterator[int]:
    """Of the seals. SQLite keeps anything in their column too."""
    for number in list(Seal.objects.order_by("number").values_list("number", flat=True)):
        if type(number) is not int:
            message = f"A seal was inserted whose number is {number!r}."
            raise BadTrailError("seal", message, "seal", 0)
        if part is None or number <= part.upto:
            yield number


@contextmanager
def _one_moment() -> Iterator[None]:
    """Everything read inside is of one moment, and no lock keeps writers waiting."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            _say("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        _say("BEGIN DEFERRED")  # `atomic` would take the write lock
        try:
            yield
        finally:
            _say("ROLLBACK")


def _say(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _check(walk: _Walk, number: int, *, rows_too: bool) -> None:
    walk.at = number
    with _reading("seal", f"Seal {number} cannot be read.", "seal", number):
        seal = Seal.objects.get(number=number)
        _follow(walk, seal)
        if rows_too:
            _compare(walk, seal)


@contextmanager
def _reading(kind: str, message: str, table: str, seq: int) -> Iterator[None]:
    """What cannot be read was changed. A database that does not answer is another matter."""
    try:
        yield
    except (DatabaseError, *UNREADABLE) as error:
        is_of_the_cell = isinstance(error, DataError) or "UTF-8" in str(error)
        if isinstance(error, DatabaseError) and not is_of_the_cell:
            raise
        raise BadTrailError(kind, message, table, seq) from error


def _archived(walk: _Walk) -> dict[str, list[tuple[int, int]]]:
    """The ranges that archives have taken away, each told by a tombstone sealed and signed."""
    gone: dict[str, list[tuple[int, int]]] = {}
    sealed = _sealed_tombstones(Seal.objects.order_by("-number"), 1)
    before_key = _sealed_tombstones(Seal.objects.exclude(key_id="").order_by("number"), 0)
    for seq in list(Tombstone.objects.order_by("seq").values_list("seq", flat=True)):
        with _reading("tombstone", f"Tombstone {seq} cannot be read.", "tombstone", seq):
            stone = Tombstone.objects.get(seq=seq)
            _check_tombstone(walk, stone, may_be_bare=seq <= before_key)
            for table, span in stone.tables.items() if seq <= sealed else ():
                gone.setdefault(table, []).append((int(span[0]), int(span[1])))
    return gone


def _sealed_tombstones(seals: QuerySet[Seal], end: int) -> int:
    """Where the first of the seals begins or ends among the tombstones; before all if none."""
    try:
        seal = seals.defer("leaves").first()
        return int(seal.tables["tombstone"][end]) if seal else 0
    except (DatabaseError, *UNREADABLE):
        return 0  # the check of the chain will report it


def _check_tombstone(walk: _Walk, stone: Tombstone, *, may_be_bare: bool) -> None:
    if not walk.keys or (may_be_bare and not stone.signature):
        return
    key = walk.keys.get(stone.key_id)
    message = tombstone_message(stone)
    if key is None or not keys.is_signed_by(key, stone.signature, keys.TOMBSTONE, message):
        sentence = f"Tombstone {stone.seq} does not bear the key's signature: it is forged."
        raise BadTrailError("tombstone", sentence, "tombstone", stone.seq)


def tombstone_message(stone: Tombstone) -> bytes:
    """What a tombstone's signature is over."""
    return canonical_json(
        {
            "id": str(stone.id),
            "first_seal": stone.first_seal,
            "last_seal": stone.last_seal,
            "tables": stone.tables,
            "file": stone.file,
            "sha256": stone.sha256,
        }
    )


def _follow(walk: _Walk, seal: Seal) -> None:
    """The chain: numbers without a gap, each digest right, each naming the one before."""
    number = walk.number + 1
    if seal.number != number:
        raise BadTrailError("gap", f"Seal {number} is missing.", "seal", number)
    if seal.previous != walk.previous:
        message = f"Seal {number} does not follow the seal before it."
        raise BadTrailError("seal", message, "seal", number)
    if digest_of(header_of(seal)) != seal.digest:
        raise BadTrailError("seal", f"Seal {number} was changed.", "seal", number)
    if hashlib.sha256(bytes(seal.leaves)).hexdigest() != seal.root:
        raise BadTrailError("seal", f"The leaves of seal {number} were changed.", "seal", number)
    _check_signature(walk, seal)
    if walk.anchors.get(number, seal.digest) != seal.digest:
        message = f"Seal {number} differs from the seal that was anchored outside."
        raise BadTrailError("seal", message, "seal", number)
    if seal.format not in FIELDS or set(seal.tables) != set(TABLES):
        raise BadTrailError("seal", f"Seal {number} is of an unknown format.", "seal", number)
    if len(seal.leaves) != LEAF.size * sum(span[2] for span in seal.tables.values()):
        message = f"Seal {number} tells of another number of rows than it has leaves."
        raise BadTrailError("seal", message, "seal", number)
    for table, (after, upto, _rows) in seal.tables.items():
        if after != walk.upto[table] or upto < after:
            message = f"Seal {number} leaves out rows of {table} from {walk.upto[table] + 1}."
            raise BadTrailError("gap", message, "seal", number)
        walk.upto[table] = upto
    walk.number, walk.previous = number, seal.digest
    walk.report.seals += 1


def _check_signature(walk: _Walk, seal: Seal) -> None:
    if not walk.keys:
        return
    if not (walk.report.signed or seal.key_id or seal.signature):
        walk.report.bare += 1
        return
    key = walk.keys.get(seal.key_id)
    message = bytes.fromhex(seal.digest)
    if key is None or not keys.is_signed_by(key, seal.signature, keys.SEAL, message):
        sentence = f"Seal {seal.number} does not bear the key's signature"
        sentence += f", but names the key {seal.key_id:.16}." if seal.key_id and not key else "."
        raise BadTrailError("signature", sentence, "seal", seal.number)
    walk.report.signed += 1


def _compare(walk: _Walk, seal: Seal) -> None:
    """The rows against their leaves, both in order."""
    sealed = LEAF.iter_unpack(bytes(seal.leaves))
    expected = next(sealed, None)
    for index, table in enumerate(TABLES):
        after, upto, _rows = seal.tables[table]
        for values in _readable(seal, table) if upto > after else ():
            seq = values[0]
            while expected and expected[0] == index and expected[1] < seq:
                _miss(walk, table, expected[1])
                expected = next(sealed, None)
            if not expected or expected[:2] != (index, seq):
                message = f"Row {seq} of {table} was inserted: seal {seal.number} does not know it."
                raise BadTrailError("inserted", message, table, seq)
            if expected[2] != _leaf(seal, table, values):
                raise _changed(seal, table, values)
            walk.report.rows += 1
            expected = next(sealed, None)
        while expected and expected[0] == index:
            _miss(walk, table, expected[1])
            expected = next(sealed, None)


def _leaf(seal: Seal, table: str, values: Sequence[Any]) -> bytes:
    """Empty for values that no row of the portal has."""
    try:
        return leaf_function(seal.format, table)(values)
    except TypeError:  # bytes in a column of text
        return b""


def _readable(seal: Seal, table: str) -> Iterator[list[Any]]:
    """The rows; one that cannot even be read is named."""
    after, upto, _rows = seal.tables[table]
    try:
        for row in stored_rows(seal.format, table, after, upto):
            yield row
            after = row[0]
    except (DatabaseError, *UNREADABLE):
        numbers = TRAIL[table]._default_manager.filter(seq__gt=after, seq__lte=upto)
        for seq in list(numbers.order_by("seq").values_list("seq", flat=True)):
            message = f"Row {seq} of {table} was changed: it cannot be read."
            with _reading("changed", message, table, seq):
                rows = list(stored_rows(seal.format, table, seq - 1, seq))
            yield from rows


def _miss(walk: _Walk, table: str, seq: int) -> None:
    if any(after < seq <= upto for after, upto in walk.gone.get(table, ())):
        walk.report.archived += 1
        return
    raise BadTrailError("missing", f"Row {seq} of {table} is missing.", table, seq)


def _changed(seal: Seal, table: str, values: Sequence[Any]) -> BadTrailError:
    """Changed, or exchanged with another row of the seal."""
    seq = values[0]
    if OTHERWISE in values:
        message = f"Row {seq} of {table} was changed: an id, a time or a truth is spelt otherwise."
        return BadTrailError("changed", message, table, seq)
    for index, other, sealed in LEAF.iter_unpack(bytes(seal.leaves)):
        is_other = TABLES[index] == table and other != seq
        if is_other and _leaf(seal, table, (other, *values[1:])) == sealed:
            message = f"Row {seq} of {table} was swapped: it holds what belongs to row {other}."
            return BadTrailError("swapped", message, table, seq)
    return BadTrailError("changed", f"Row {seq} of {table} was changed.", table, seq)


def _end(walk: _Walk) -> None:
    """What lies beyond the last seal, and what should."""
    if walk.keys and walk.number and not walk.report.signed:
        message = "No seal bears the key's signature."
        raise BadTrailError("signature", message, "seal", walk.number)
    lost = [number for number in walk.anchors if number > walk.number]
    if lost:
        message = f"The end was cut off: seal {min(lost)} was anchored outside and is not here."
        raise BadTrailError("cut", message, "seal", min(lost))
    for table in _unsealed(walk):
        walk.report.unsealed += table


def _unsealed(walk: _Walk) -> Iterator[int]:
    for table, model in TRAIL.items():
        rows = model._default_manager
        if rows.filter(seq__lt=1).exists():
            message = f"A row of {table} has a number below one: it was inserted."
            raise BadTrailError("inserted", message, table, 0)
        last = walk.upto[table]
        yield rows.filter(seq__gt=last).count()
