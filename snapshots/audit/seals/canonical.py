"""How a row of the trail is spelt, the same from any database, in seals and in exports.

A row's leaf is the SHA-256 of its table's name and of each field's name and value, each of them
preceded by its length in bytes and a colon, so that nothing can move from one field to the next.
`docs/audit.md` has the rules; `tools/verify_audit.py` follows them without this module.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

FORMAT = 1
Leaf = Callable[[Sequence[Any]], bytes]
# A new column means a new format: rows of old seals keep the spelling they were sealed in.
FIELDS: dict[int, dict[str, tuple[str, ...]]] = {
    1: {
        "exchange": (
            "seq", "id", "at", "purpose", "background", "actor_id", "actor_name", "on_behalf_of",
            "ticket", "operation_id", "cause", "cloud", "sandbox", "target_kind", "target_id",
            "target_name", "method", "url", "headers", "body", "body_bytes", "body_sha256",
            "body_cut",
        ),
        "answer": (
            "seq", "exchange_id", "at", "status", "headers", "body", "body_bytes", "body_sha256",
            "body_cut", "request_id", "code", "elapsed_ms", "error", "error_text",
        ),
        "action": (
            "seq", "id", "at", "code", "cause", "actor_id", "actor_name", "actor_roles", "address",
            "subject", "operation_id", "on_behalf_of", "ticket", "cloud", "target_kind",
            "target_id", "target_name", "details",
        ),
        "anomaly": (
            "seq", "id", "at", "kind", "cloud", "operation_id", "message_code", "message_values",
        ),
        "tombstone": (
            "seq", "id", "at", "actor_name", "first_seal", "last_seal", "tables", "file", "sha256",
            "key_id", "signature",
        ),
    }
}  # fmt: skip


def plain(value: Any) -> Any:
    """The value as JSON has it: times in UTC with six decimals, ids with hyphens."""
    if isinstance(value, datetime):
        return _moment(value)
    return str(value) if isinstance(value, UUID) else value


def _moment(value: datetime) -> str:
    """`isoformat` is quicker than `strftime`, and writes the year with four digits everywhere."""
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")[:-6] + "Z"


def leaf_function(form: int, table: str) -> Leaf:
    """What makes the 32 bytes that stand for a row, from its values in the order of its fields.

    Values may be as Django reads them or as `plain` makes them. A seal of 10,000 rows has 200,000
    values, so the common types are spelt without a call. Raises `ValueError` for a row of another
    number of values, and `TypeError` for a value that JSON does not have.
    """
    return leaf_of_fields(table, FIELDS[form][table])


@lru_cache(maxsize=32)
def leaf_of_fields(table: str, names: tuple[str, ...]) -> Leaf:
    """As `leaf_function`, for any fields."""
    start = _with_length(table)
    heads = [_with_length(name) for name in names]

    def leaf(values: Sequence[Any]) -> bytes:
        parts = [start]
        for head, value in zip(heads, values, strict=True):
            if value.__class__ is str:
                if value.isascii():
                    parts.append(f"{head}{len(value) + 1}:s{value}")
                else:
                    parts.append(head + _with_length("s" + value))
            elif value is None:
                parts.append(f"{head}1:n")
            elif value.__class__ is int:
                digits = str(value)
                parts.append(f"{head}{len(digits) + 1}:i{digits}")
            else:
                parts.append(head + _with_length(_spelt(value)))
        return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).digest()

    return leaf


def _with_length(text: str) -> str:
    """Preceded by its length in bytes."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return f"{size}:{text}"


def _spelt(value: Any) -> str:
    """A letter for the type, then the value."""
    kind = value.__class__
    if kind is bool:
        return "b1" if value else "b0"
    if kind is UUID or kind is datetime:
        return f"s{plain(value)}"
    return "j" + canonical_json(value).decode()


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no blanks, ASCII."""
    return _ENCODER.encode(value).encode()


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def plain_row(table: str, values: Sequence[Any]) -> dict[str, Any]:
    """A row by the names of its fields; `values` in their order."""
    names = FIELDS[FORMAT][table]
    return {name: plain(value) for name, value in zip(names, values, strict=True)}


def exported_row(table: str, values: Sequence[Any]) -> dict[str, Any]:
    """A row as exports and pushes spell it."""
    return {"table": table, **plain_row(table, values)}


def json_line(value: Any) -> bytes:
    """A line of JSON Lines with its end."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
