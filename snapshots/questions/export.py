"""What a question finds, as CSV or JSON Lines, made while it is sent."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db.models import Model, QuerySet

from snapshots.audit.archive.export import MARK, csv_cell, csv_line
from snapshots.audit.seals.canonical import plain
from snapshots.models import Operation, Snapshot
from snapshots.questions.rules import Question, subject_of

_OF_REQUESTS = (
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
    "outcome_code",
    "outcome_values",
)
_OF_SNAPSHOTS = (
    "listed_at",
    "created_at",
    "cloud",
    "volume_id",
    "volume_name",
    "name",
    "description",
    "status",
    "size_gb",
    "seen_at",
    "missing_since",
    "gone_at",
)
# By the table: the heading of the key, its column, and the other columns.
COLUMNS: Mapping[type[Model], tuple[str, str, tuple[str, ...]]] = {
    Operation: ("operation", "id", _OF_REQUESTS),
    Snapshot: ("snapshot", "snapshot_id", _OF_SNAPSHOTS),
}
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_BATCH = 200


def lines_of(rows: QuerySet[Any], *, question: Question, file_format: str) -> Iterator[bytes]:
    """A line for each row that the question found, newest first, after a heading in CSV. Memory
    does not grow.

    A file that breaks off lacks its end and says so nowhere: an export of the trail has a manifest.
    """
    subject = subject_of(question)
    heading, key, columns = COLUMNS[subject.model]
    names = ("question", heading, *columns)
    if file_format == "csv":
        yield MARK + csv_line(names)
    ordered = rows.order_by(*subject.order).values_list(key, *columns)
    for batch in _batches(ordered.iterator(_BATCH)):
        yield b"".join(
            _line(names, [str(question), *map(plain, row)], file_format) for row in batch
        )


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """A chunk for each row would be slow to send."""
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _line(names: Sequence[str], values: Sequence[Any], file_format: str) -> bytes:
    if file_format == "csv":
        return csv_line(csv_cell(value) for value in values)
    row = dict(zip(names, values, strict=True))
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
