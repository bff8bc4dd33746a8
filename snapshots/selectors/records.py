"""Records of the audit trail of any kind: what a search finds, and what one click caused."""

import uuid

from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Substr

from snapshots.audit.search.newest import newest
from snapshots.audit.search.query import Search
from snapshots.models import Action, Anomaly, Entry, EntryKind, Exchange, Purpose
from snapshots.selectors.pages import Page, read_cursor, write_cursor

Record = Exchange | Action | Anomaly
_TABLES: dict[str, type[Record]] = {
    EntryKind.EXCHANGE: Exchange,
    EntryKind.ACTION: Action,
    EntryKind.ANOMALY: Anomaly,
}


def records_page(
    entries: QuerySet[Entry], search: Search, *, before: str = "", size: int = 50
) -> Page[Record]:
    """What a search finds, newest first, each as the trail has it: an entry only says where it is.
    `before` is the `next` of the page above; nonsense starts at the top.
    """
    hits = newest(entries, search, before=read_cursor(before), size=size)
    next_cursor = write_cursor(*hits.older) if hits.older else None
    cut_at = hits.older[0] if hits.older and hits.is_cut else None
    return Page(_records(hits.entries), next_cursor, cut_at=cut_at)


# A megabyte each perhaps. Of what asks for a snapshot the start is read, which says whether it is
# forced: names and descriptions before that are limited.
_BODIES = ("headers", "body", "answer__headers", "answer__body")
_START = Case(When(purpose=Purpose.CREATE, then=Substr("body", 1, 4000)), default=Value(""))


def _records(entries: list[Entry]) -> list[Record]:
    rows: dict[tuple[str, int], Record] = {}
    for kind, model in _TABLES.items():
        numbers = [entry.row for entry in entries if entry.kind == kind]
        if numbers:
            some = model._default_manager.filter(seq__in=numbers)
            if model is Exchange:
                some = some.select_related("answer").defer(*_BODIES).annotate(body_start=_START)
            rows |= {(kind, row.pk): row for row in some}
    return [rows[entry.kind, entry.row] for entry in entries if (entry.kind, entry.row) in rows]


def caused_by(cause: uuid.UUID | None, *, besides: uuid.UUID) -> list[Record]:
    """What else goes back to the same click, oldest first."""
    if cause is None:
        return []
    entries = Entry.objects.filter(cause=cause).exclude(record=besides)
    return _records(list(entries.order_by("at", "seq").defer("text")[:50]))
