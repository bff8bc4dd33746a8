"""Exports the trail: rows as JSON Lines or CSV, the seals over them and a manifest, as a ZIP or a
folder, streamed. `tools/verify_audit.py` proves it elsewhere; `docs/audit.md` has the format.
"""

import base64
import csv
import hashlib
import io
import json
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from django.db.models import QuerySet

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals import keys
from snapshots.audit.seals.canonical import (
    FIELDS,
    FORMAT,
    canonical_json,
    exported_row,
    json_line,
    plain,
    plain_row,
)
from snapshots.audit.seals.sealing import header_of, rows_of
from snapshots.models import Entry, EntryKind, Seal

KIND = "evsportal-audit-export"
BATCH = 500
# A cell that begins so is a formula to a spreadsheet: an apostrophe before it makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MARK = b"\xef\xbb\xbf"  # begins a file in UTF-8, for spreadsheets
README = """An export of the audit trail of an EVS snapshot portal.

rows.jsonl     one row a line, each table in the order of its numbers, as sealed
seals.jsonl    the seals over them
manifest.json  what is in here, signed
*.csv          the same for people; what a spreadsheet would take for a formula has a ' before it

To prove it: python3 verify_audit.py THIS.zip --key public.pem --anchor seals-told-outside.jsonl
(the tool, the key and the anchors come from elsewhere, never with the export).
"""

Row = dict[str, Any]
Values = tuple[Any, ...]


class Output(Protocol):
    """Where an export is written: file after file, each once."""

    def begin(self, name: str) -> None: ...
    def write(self, data: bytes) -> None: ...


@dataclass(slots=True)
class ExportRequest:
    """What an export holds. Without entries: all rows of the seals, from `since` to `until`."""

    made_by: str
    query: str = ""
    entries: QuerySet[Entry] | None = None  # what a search found
    since: int = 1  # the first seal
    until: int | None = None  # the last seal; None: and what is not sealed yet
    csv: bool = False
    archive: bool = False  # it ends where it should, whatever was sealed since


@dataclass(slots=True)
class _Progress:
    made_at: datetime  # before the first seal was read
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TRAIL, 0))
    begin: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TRAIL, 0))  # after
    end: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TRAIL, 0))
    unsealed: int = 0
    seals: int = 0
    last_seal: int = 0
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


class _Writer:
    """Counts and digests what goes to the place."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.files: dict[str, dict[str, Any]] = {}

    @contextmanager
    def file(self, name: str) -> Iterator[None]:
        self._output.begin(name)
        self._name, self._digest, self._bytes, self._lines = name, hashlib.sha256(), 0, 0
        yield
        self.files[name] = {
            "sha256": self._digest.hexdigest(),
            "bytes": self._bytes,
            "lines": self._lines,
        }

    def line(self, data: bytes) -> None:
        self._digest.update(data)
        self._bytes += len(data)
        self._lines += 1
        self._output.write(data)

    def json(self, value: Any) -> None:
        self.line(json_line(value))


def write_export(output: Output, request: ExportRequest) -> dict[str, Any]:
    """Write everything; the manifest comes last, so what breaks off has none. Returns it.

    Memory does not grow with the number of rows. Reading is not one transaction: rows that come
    during the export are counted as not sealed, or left out, as are seals made then.
    """
    out, facts = _Writer(output), _Progress(made_at=datetime.now(tz=UTC))
    before = Seal.objects.defer("leaves").filter(number=request.since - 1).first()
    if before is not None:
        facts.begin = {table: span[1] for table, span in before.tables.items()}
        facts.end = dict(facts.begin)
    with out.file("seals.jsonl"):
        for seal in _seals(request):
            out.json(_sealed(seal))
            facts.seals, facts.last_seal = facts.seals + 1, seal.number
    source = _AllRows(request) if request.entries is None else _EntriesOnly(request.entries)
    with out.file("rows.jsonl"):
        _write_rows(out, source, request, facts)
    if request.csv:
        _write_csv(out, source, facts)
    with out.file("README.txt"):
        out.line(README.encode())
    manifest = _manifest(request, facts, out.files)
    output.begin("manifest.json")
    output.write(json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n")
    return manifest


def _manifest(request: ExportRequest, facts: _Progress, files: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "kind": KIND,
        "format": 1,
        "made_at": plain(facts.made_at),
        "made_by": request.made_by,
        "complete": request.entries is None,
        "query": request.query,
        "rows": facts.rows,
        "unsealed": facts.unsealed,
        "first_seal": request.since,
        "last_seal": facts.last_seal,
        "seals": facts.seals,
        "archive": request.archive,
        "archived": [plain_row("tombstone", values) for values in rows_of("tombstone", 0)],
        "files": files,
    }
    key = keys.public_key()
    manifest["key_id"] = keys.key_id_of(key) if key else ""
    return {
        **manifest,
        "signature": keys.sign(keys.EXPORT, canonical_json(manifest)).signature,
    }


# --- rows and seals --------------------------------------------------------------------------


def _seals(request: ExportRequest) -> Iterator[Seal]:
    seals = Seal.objects.filter(number__gte=request.since).order_by("number")
    if request.until is not None:
        seals = seals.filter(number__lte=request.until)
    return seals.iterator(20)


def _sealed(seal: Seal) -> Row:
    return {
        **header_of(seal),
        "leaves": base64.b64encode(bytes(seal.leaves)).decode(),
        "digest": seal.digest,
        "key_id": seal.key_id,
        "signature": seal.signature,
    }


class _AllRows:
    """All rows of the seals, and those not sealed yet unless a last seal is named."""

    def __init__(self, request: ExportRequest) -> None:
        self._request = request

    def in_span(self, table: str, after: int, upto: int | None) -> Iterator[Values]:
        if upto is not None or self._request.until is None:
            yield from rows_of(table, after, upto)

    def of(self, table: str, begin: int, end: int) -> Iterator[Values]:
        yield from rows_of(table, begin, end if self._request.until is not None else None)


class _EntriesOnly:
    """The rows that a search found, an exchange with its answer: 8 bytes for each in memory."""

    def __init__(self, entries: QuerySet[Entry]) -> None:
        self._numbers = {table: array("q") for table in TRAIL}
        for kind in EntryKind.values:
            rows = entries.filter(kind=kind).order_by("row").values_list("row", flat=True)
            self._numbers[kind] = array("q", rows.iterator(10_000))
        self._numbers["answer"] = array("q", sorted(self._answers()))

    def in_span(self, table: str, after: int, upto: int | None) -> Iterator[Values]:
        numbers = self._numbers[table]
        first = bisect_right(numbers, after)
        last = len(numbers) if upto is None else bisect_right(numbers, upto)
        for start in range(first, last, BATCH):
            some = numbers[start : min(start + BATCH, last)]
            rows = _table(table).filter(seq__in=list(some)).order_by("seq")
            yield from rows.values_list(*FIELDS[FORMAT][table])

    def of(self, table: str, _begin: int, _end: int) -> Iterator[Values]:
        yield from self.in_span(table, 0, None)

    def _answers(self) -> Iterator[int]:
        asked = self._numbers["exchange"]
        for start in range(0, len(asked), BATCH):
            some = _table("answer").filter(exchange_id__in=list(asked[start : start + BATCH]))
            yield from some.values_list("seq", flat=True)


def _table(name: str) -> QuerySet[Any]:
    return TRAIL[name]._default_manager.all()


Source = _AllRows | _EntriesOnly


def _write_rows(out: _Writer, source: Source, request: ExportRequest, facts: _Progress) -> None:
    """Rows in the order of their seals, then what is not sealed yet."""
    for seal in _seals(request):
        if seal.number > facts.last_seal:  # made during the export
            break
        for table in TRAIL:  # PostgreSQL keeps no order in JSON
            after, upto, _count = seal.tables[table]
            facts.end[table] = upto
            _write_span(out, source.in_span(table, after, upto), table, facts)
    for table in TRAIL:
        sealed = facts.rows[table]
        _write_span(out, source.in_span(table, facts.end[table], None), table, facts)
        facts.unsealed += facts.rows[table] - sealed


def _write_span(out: _Writer, rows: Iterable[Values], table: str, facts: _Progress) -> None:
    for values in rows:
        out.json(exported_row(table, values))
        facts.rows[table] += 1


# --- CSV, for people -------------------------------------------------------------------------


def _write_csv(out: _Writer, source: Source, facts: _Progress) -> None:
    """A file for each table."""
    for table in TRAIL:
        with out.file(f"{table}.csv"):
            out.line(MARK + csv_line(FIELDS[FORMAT][table]))
            for values in source.of(table, facts.begin[table], facts.end[table]):
                out.line(csv_line(csv_cell(plain(value)) for value in values))


def csv_line(cells: Iterable[str]) -> bytes:
    """A line as spreadsheets read it."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def csv_cell(value: Any) -> str:
    """The value as text, and never as a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text if text.startswith(FORMULA) else text
