"""A list of snapshots as a file, made while it is sent."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from snapshots.audit.archive.export import MARK, csv_cell, csv_line
from snapshots.audit.seals.canonical import plain
from snapshots.models import Snapshot

COLUMNS = (
    "cloud",
    "snapshot_id",
    "name",
    "description",
    "status",
    "size_gb",
    "volume_id",
    "volume_name",
    "maker",
    "owner_name",
    "ticket",
    "metadata",
    "created_at",
    "seen_at",
    "missing_since",
    "gone_at",
)
FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_BATCH = 500


def write(snapshots: QuerySet[Snapshot], file_format: str) -> Iterator[bytes]:
    """Memory does not grow. JSON that breaks off is no JSON, so nobody takes it for the whole."""
    rows = snapshots.values_list(*COLUMNS).iterator(_BATCH)
    return _csv(rows) if file_format == "csv" else _json(rows)


def _csv(rows: Iterator[tuple[Any, ...]]) -> Iterator[bytes]:
    """A text that a spreadsheet would take for a formula has a ' before it."""
    yield MARK + csv_line(COLUMNS)
    while batch := list(islice(rows, _BATCH)):
        yield b"".join(csv_line(csv_cell(plain(value)) for value in row) for row in batch)


def _json(rows: Iterator[tuple[Any, ...]]) -> Iterator[bytes]:
    before = "[\n"
    while batch := list(islice(rows, _BATCH)):
        texts = [
            json.dumps(dict(zip(COLUMNS, map(plain, row), strict=True)), ensure_ascii=False)
            for row in batch
        ]
        yield (before + ",\n".join(texts)).encode("utf-8", "replace")
        before = ",\n"
    yield b"\n]\n" if before == ",\n" else b"[]\n"
