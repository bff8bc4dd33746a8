"""Takes the trail out: rows as JSON Lines or CSV with the seals over them and a manifest, as a ZIP
or a folder, streamed. `tools/verify_audit.py` proves it elsewhere; `docs/audit.md` has the format.
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


class Place(Protocol):
    """Where an export is written: file after file, each once."""

    def begin(self, name: str) -> None: ...
    def write(self, data: bytes) -> None: ...


@dataclass(slots=True)
class Wanted:
    """What an export holds. Without entries: all rows of the seals, from `since` to `until`."""

    made_by: str
    query: str = ""
    entries: QuerySet[Entry] | None = None  # what a search found
    since: int = 1  # the first seal
    until: int | None = None  # the last seal; None: and what is not sealed yet
    csv: bool = False
    archive: bool = False  # it ends where it should, whatever was sealed since


@dataclass(slots=True)
class _Manifest:
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

    def __init__(self, place: Place) -> None:
        self._place = place
        self.files: dict[str, dict[str, Any]] = {}

    @contextmanager
    def file(self, name: str) -> Iterator[None]:
        self._place.begin(name)
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
        self._place.write(data)

    def json(self, value: Any) -> None:
        self.line(json_line(value))


def write_export(place: Place, wanted: Wanted) -> dict[str, Any]:
    """Write everything; the manifest comes last, so what breaks off has none. Returns it.

    Memory does not grow with the number of rows. Reading is not one transaction: rows that come
    meanwhile are counted as not sealed, or left out, as are seals that are made meanwhile.
    """
    out, told = _Writer(place), _Manifest(made_at=datetime.now(tz=UTC))
    before = Seal.objects.defer("leaves").filter(number=wanted.since - 1).first()
    if before is not None:
        told.begin = {table: span[1] for table, span in before.tables.items()}
        told.end = dict(told.begin)
    with out.file("seals.jsonl"):
        for seal in _seals(wanted):
            out.json(_sealed(seal))
            told.seals, told.last_seal = told.seals + 1, seal.number
    source = _Everything(wanted) if wanted.entries is None else _Found(wanted.entries)
    with out.file("rows.jsonl"):
        _write_rows(out, source, wanted, told)
    if wanted.csv:
        _write_csv(out, source, told)
    with out.file("README.txt"):
        out.line(README.encode())
    manifest = _manifest(wanted, told, out.files)
    place.begin("manifest.json")
    place.write(json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n")
    return manifest


def _manifest(wanted: Wanted, told: _Manifest, files: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "kind": KIND,
        "format": 1,
        "made_at": plain(told.made_at),
        "made_by": wanted.made_by,
        "complete": wanted.entries is None,
        "query": wanted.query,
        "rows": told.rows,
        "unsealed": told.unsealed,
        "first_seal": wanted.since,
        "last_seal": told.last_seal,
        "seals": told.seals,
        "archive": wanted.archive,
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


def _seals(wanted: Wanted) -> Iterator[Seal]:
    seals = Seal.objects.filter(number__gte=wanted.since).order_by("number")
    if wanted.until is not None:
        seals = seals.filter(number__lte=wanted.until)
    return seals.iterator(20)


def _sealed(seal: Seal) -> Row:
    return {
        **header_of(seal),
        "leaves": base64.b64encode(bytes(seal.leaves)).decode(),
        "digest": seal.digest,
        "key_id": seal.key_id,
        "signature": seal.signature,
    }


class _Everything:
    """All rows of the seals, and those not sealed yet unless a last seal is named."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def in_span(self, table: str, after: int, upto: int | None) -> Iterator[Values]:
        if upto is not None or self._wanted.until is None:
            yield from rows_of(table, after, upto)

    def of(self, table: str, begin: int, end: int) -> Iterator[Values]:
        yield from rows_of(table, begin, end if self._wanted.until is not None else None)


class _Found:
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


Source = _Everything | _Found


def _write_rows(out: _Writer, source: Source, wanted: Wanted, told: _Manifest) -> None:
    """Rows in the order of their seals, then what is not sealed yet."""
    for seal in _seals(wanted):
        if seal.number > told.last_seal:  # made meanwhile
            break
        for table in TRAIL:  # PostgreSQL keeps no order in JSON
            after, upto, _count = seal.tables[table]
            told.end[table] = upto
            _write_span(out, source.in_span(table, after, upto), table, told)
    for table in TRAIL:
        sealed = told.rows[table]
        _write_span(out, source.in_span(table, told.end[table], None), table, told)
        told.unsealed += told.rows[table] - sealed


def _write_span(out: _Writer, rows: Iterable[Values], table: str, told: _Manifest) -> None:
    for values in rows:
        out.json(exported_row(table, values))
        told.rows[table] += 1


# --- CSV, for people -------------------------------------------------------------------------


def _write_csv(out: _Writer, source: Source, told: _Manifest) -> None:
    """A file for each table."""
    for table in TRAIL:
        with out.file(f"{table}.csv"):
            out.line(MARK + csv_line(FIELDS[FORMAT][table]))
            for values in source.of(table, told.begin[table], told.end[table]):
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
