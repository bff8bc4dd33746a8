"""Proves the trail in the database against its seals, and names the first row that is wrong.

`tools/verify_audit.py` does the same for an export, without any of this code.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction

from snapshots.audit import keys
from snapshots.audit.canonical import FIELDS, canonical_json, leaf
from snapshots.audit.horizon import TRAIL
from snapshots.audit.seals import (
    FIRST_PREVIOUS,
    LEAF,
    TABLES,
    digest_of,
    header_of,
    rows_of,
)
from snapshots.models import Seal, Tombstone


@dataclass(frozen=True, slots=True)
class Damage:
    """The first thing that is wrong."""

    kind: str  # changed, missing, inserted, swapped, seal, signature, gap, cut, tombstone
    words: str
    table: str = ""
    seq: int = 0


@dataclass(slots=True)
class Report:
    """What a verification saw. Sound: `damage` is None."""

    rows: int = 0
    seals: int = 0
    signed: int = 0
    unsealed: int = 0
    archived: int = 0
    damage: Damage | None = None


class BadTrailError(Exception):
    """Ends a verification at the first damage."""

    def __init__(self, kind: str, words: str, table: str = "", seq: int = 0) -> None:
        super().__init__(words)
        self.damage = Damage(kind, words, table, seq)


@dataclass(slots=True)
class _Walk:
    """Where a verification stands."""

    key: Ed25519PublicKey | None
    anchors: dict[int, str]
    report: Report = field(default_factory=Report)
    number: int = 0
    previous: str = FIRST_PREVIOUS
    upto: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    gone: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def verify(
    *,
    key: Ed25519PublicKey | None = None,
    anchors: Sequence[Mapping[str, Any]] = (),
    since: int = 1,
) -> Report:
    """Go through all seals and rows, one snapshot of the database.

    `key`: each seal must then bear its signature. `anchors`: seals as they were told outside; each
    must be there, unchanged. `since`: rows of earlier seals are not read again, the chain is.
    """
    walk = _Walk(key, {int(one["number"]): str(one["digest"]) for one in anchors})
    try:
        with transaction.atomic():
            walk.gone = _archived(key)
            for seal in Seal.objects.order_by("number").iterator(20):
                _check(walk, seal, rows_too=seal.number >= since)
            _end(walk)
    except BadTrailError as found:
        walk.report.damage = found.damage
    return walk.report


def _check(walk: _Walk, seal: Seal, *, rows_too: bool) -> None:
    try:
        _follow(walk, seal)
        if rows_too:
            _compare(walk, seal)
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        words = f"Seal {seal.number} cannot be read."
        raise BadTrailError("seal", words, "seal", seal.number) from error


def _archived(key: Ed25519PublicKey | None) -> dict[str, list[tuple[int, int]]]:
    """The ranges that archives have taken away, each told by a tombstone that is signed."""
    gone: dict[str, list[tuple[int, int]]] = {}
    for stone in Tombstone.objects.order_by("seq"):
        if key is not None and not keys.is_signed_by(
            key, stone.signature, keys.TOMBSTONE, tombstone_message(stone)
        ):
            words = f"Tombstone {stone.seq} does not bear the key's signature: it is forged."
            raise BadTrailError("tombstone", words, "tombstone", stone.seq)
        for table, span in stone.tables.items():
            gone.setdefault(table, []).append((span[0], span[1]))
    return gone


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
    wanted = walk.number + 1
    if seal.number != wanted:
        raise BadTrailError("gap", f"Seal {wanted} is missing.", "seal", wanted)
    if seal.previous != walk.previous:
        words = f"Seal {wanted} does not follow the seal before it."
        raise BadTrailError("seal", words, "seal", wanted)
    if digest_of(header_of(seal)) != seal.digest:
        raise BadTrailError("seal", f"Seal {wanted} was changed.", "seal", wanted)
    if hashlib.sha256(bytes(seal.leaves)).hexdigest() != seal.root:
        raise BadTrailError("seal", f"The leaves of seal {wanted} were changed.", "seal", wanted)
    _check_signature(walk, seal)
    if walk.anchors.get(wanted, seal.digest) != seal.digest:
        words = f"Seal {wanted} is not the one that was anchored outside."
        raise BadTrailError("seal", words, "seal", wanted)
    if seal.format not in FIELDS or set(seal.tables) != set(TABLES):
        raise BadTrailError("seal", f"Seal {wanted} is of an unknown format.", "seal", wanted)
    for table, (after, upto, _rows) in seal.tables.items():
        if after != walk.upto[table] or upto < after:
            words = f"Seal {wanted} leaves out rows of {table} from {walk.upto[table] + 1}."
            raise BadTrailError("gap", words, "seal", wanted)
        walk.upto[table] = upto
    walk.number, walk.previous = wanted, seal.digest
    walk.report.seals += 1


def _check_signature(walk: _Walk, seal: Seal) -> None:
    if walk.key is None:
        return
    message = bytes.fromhex(seal.digest)
    if not keys.is_signed_by(walk.key, seal.signature, keys.SEAL, message):
        words = f"Seal {seal.number} does not bear the key's signature."
        raise BadTrailError("signature", words, "seal", seal.number)
    walk.report.signed += 1


def _compare(walk: _Walk, seal: Seal) -> None:
    """The rows against their leaves, both in order."""
    sealed = LEAF.iter_unpack(bytes(seal.leaves))
    wanted = next(sealed, None)
    for index, table in enumerate(TABLES):
        after, upto, _rows = seal.tables[table]
        names = FIELDS[seal.format][table]
        for values in rows_of(table, after, upto) if upto > after else ():
            seq = values[0]
            while wanted and wanted[0] == index and wanted[1] < seq:
                _miss(walk, table, wanted[1])
                wanted = next(sealed, None)
            if not wanted or wanted[:2] != (index, seq):
                words = f"Row {seq} of {table} was inserted: seal {seal.number} does not know it."
                raise BadTrailError("inserted", words, table, seq)
            if wanted[2] != leaf(table, names, values):
                raise _changed(seal, table, values)
            walk.report.rows += 1
            wanted = next(sealed, None)
        while wanted and wanted[0] == index:
            _miss(walk, table, wanted[1])
            wanted = next(sealed, None)


def _miss(walk: _Walk, table: str, seq: int) -> None:
    if any(after < seq <= upto for after, upto in walk.gone.get(table, ())):
        walk.report.archived += 1
        return
    raise BadTrailError("missing", f"Row {seq} of {table} is missing.", table, seq)


def _changed(seal: Seal, table: str, values: tuple[Any, ...]) -> BadTrailError:
    """Changed, or exchanged with another row of the seal."""
    seq, names = values[0], FIELDS[seal.format][table]
    for index, other, sealed in LEAF.iter_unpack(bytes(seal.leaves)):
        is_other = TABLES[index] == table and other != seq
        if is_other and leaf(table, names, (other, *values[1:])) == sealed:
            words = f"Row {seq} of {table} was swapped: it holds what belongs to row {other}."
            return BadTrailError("swapped", words, table, seq)
    return BadTrailError("changed", f"Row {seq} of {table} was changed.", table, seq)


def _end(walk: _Walk) -> None:
    """What lies beyond the last seal, and what should."""
    lost = [number for number in walk.anchors if number > walk.number]
    if lost:
        words = f"The end was cut off: seal {min(lost)} was anchored outside and is not here."
        raise BadTrailError("cut", words, "seal", min(lost))
    for table in _unsealed(walk):
        walk.report.unsealed += table


def _unsealed(walk: _Walk) -> Iterator[int]:
    for table, model in TRAIL.items():
        rows = model._default_manager  # noqa: SLF001
        if rows.filter(seq__lt=1).exists():
            words = f"A row of {table} has a number below one: it was inserted."
            raise BadTrailError("inserted", words, table, 0)
        last = walk.upto[table]
        yield rows.filter(seq__gt=last).count()
