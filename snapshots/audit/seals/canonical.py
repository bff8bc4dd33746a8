"""How a row of the trail is spelt, the same from any database, in seals and in exports.

A row's leaf is the SHA-256 of its table's name and of each field's name and value, each of them
preceded by its length in bytes and a colon, so that nothing can move from one field to the next.
`docs/audit.md` has the rules; `tools/verify_audit.py` follows them without this module.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

FORMAT = 1
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
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value) if isinstance(value, UUID) else value


def leaf(table: str, names: Sequence[str], values: Iterable[Any]) -> bytes:
    """The 32 bytes that stand for a row; `values` as they are or as `plain` makes them."""
    parts = [table.encode()]
    for name, value in zip(names, values, strict=True):
        parts += name.encode(), _spelt(plain(value))
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()


def _spelt(value: Any) -> bytes:
    """A letter for the type, then the value."""
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return b"i%d" % value
    return b"j" + canonical_json(value)


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no blanks, ASCII."""
    return _ENCODER.encode(value).encode()


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
