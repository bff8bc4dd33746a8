"""What a saved question found, as CSV or JSON Lines, made while it is sent."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from snapshots.audit.canonical import plain
from snapshots.audit.export import MARK, csv_cell, csv_line
from snapshots.models import Hit

COLUMNS = (
    "asked_at",
    "requester_name",
    "on_behalf_of",
    "ticket",
    "reason",
    "cloud",
    "volume_id",
    "volume_name",
    "name",
    "force",
    "state",
    "sent_at",
    "finished_at",
    "code",
    "request_id",
    "outcome",
)
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_BATCH = 200


def written(hits: QuerySet[Hit], form: str) -> Iterator[bytes]:
    """A line for each hit, newest first, after a heading in CSV. Memory does not grow with them.

    What breaks off has no other mark than its missing end: an export of the trail has a manifest.
    """
    names = ("question", "operation", *COLUMNS)
    if form == "csv":
        yield MARK + csv_line(names)
    rows = hits.order_by("-at", "-id").values_list(
        "question", "operation_id", *(f"operation__{name}" for name in COLUMNS)
    )
    for some in _batches(rows.iterator(_BATCH)):
        yield b"".join(_line(names, [plain(value) for value in values], form) for values in some)


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Some rows at a time: a chunk for each would be slow to send."""
    while some := list(islice(rows, _BATCH)):
        yield some


def _line(names: Sequence[str], values: Sequence[Any], form: str) -> bytes:
    if form == "csv":
        return csv_line(csv_cell(value) for value in values)
    told = dict(zip(names, values, strict=True))
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
