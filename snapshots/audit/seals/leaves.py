"""Leaves of many rows: what `canonical.leaf` makes of one, in a third of the time."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from snapshots.audit.seals.canonical import FIELDS, canonical_json, plain

Leaf = Callable[[Sequence[Any]], bytes]


@lru_cache(maxsize=32)
def leaf_maker(form: int, table: str) -> Leaf:
    """What makes the leaf of a row of this table, from its values in the order of its fields."""
    start = _part(table)
    heads = [_part(name) for name in FIELDS[form][table]]

    def leaf(values: Sequence[Any]) -> bytes:
        parts = [start]
        for head, value in zip(heads, values, strict=True):
            if value.__class__ is str:
                if value.isascii():
                    parts.append(f"{head}{len(value) + 1}:s{value}")
                else:
                    parts.append(head + _part("s" + value))
            elif value is None:
                parts.append(f"{head}1:n")
            elif value.__class__ is int:
                digits = str(value)
                parts.append(f"{head}{len(digits) + 1}:i{digits}")
            else:
                parts.append(head + _part(_spelt(value)))
        return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).digest()

    return leaf


def _part(spelt: str) -> str:
    """Preceded by its length in bytes."""
    size = len(spelt) if spelt.isascii() else len(spelt.encode("utf-8", "surrogatepass"))
    return f"{size}:{spelt}"


def _spelt(value: Any) -> str:
    kind = value.__class__
    if kind is bool:
        return "b1" if value else "b0"
    if kind is UUID:
        return f"s{value}"
    if kind is datetime:
        return "s" + _moment(value)
    return "j" + canonical_json(value).decode()


def _moment(value: datetime) -> str:
    """In UTC with six decimals; `isoformat` is quicker than `strftime`."""
    if value.year < 1000:
        return str(plain(value))
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")[:-6] + "Z"
