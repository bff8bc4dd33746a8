"""Reading a whole list page by page, from a cloud whose pages may be wrong.

`next` links are never followed: they hold internal host names (page A-2097). They only say that
there are more rows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from snapshots.evs.dialects import Paging
from snapshots.evs.errors import NotFound, UnreadableAnswer
from snapshots.evs.types import LONGEST_ID, whole_number
from snapshots.evs.wire import TOO_LONG

MOST_PAGES = 1000
MOST_RESTARTS = 3


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


RowT = TypeVar("RowT", bound=_HasId)
Position = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRow:
    """A row of a list that cannot be read; `id` is empty when the row has none."""

    id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[RowT]):
    """The rows of a list. When a row could not be read, a missing id proves nothing: it may be that
    row's.
    """

    rows: list[RowT]
    unreadable: list[UnreadableRow]

    @property
    def is_whole(self) -> bool:
        return not self.unreadable

    @property
    def trouble(self) -> str:
        """For people: how many rows could not be read, and why the first; empty for none."""
        if self.is_whole:
            return ""
        first = self.unreadable[0]
        named = f" ({first.id})" if first.id else ""
        return f"{len(self.unreadable)} of the list's rows cannot be read. {first.why}{named}"


def tolerantly(read_row: Callable[[object], RowT]) -> Callable[[object], RowT | UnreadableRow]:
    """A `read_row` that returns an unreadable row as such, instead of failing the whole list."""

    def read(row: object) -> RowT | UnreadableRow:
        try:
            return read_row(row)
        except UnreadableAnswer as error:
            return UnreadableRow(id=_id_of(row), why=error.message)

    return read


def _id_of(row: object) -> str:
    value = row.get("id") if isinstance(row, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_ID else ""


def listed(rows: Iterable[RowT | UnreadableRow]) -> Listed[RowT]:
    """Separate the readable rows from the others."""
    good: list[RowT] = []
    bad: list[UnreadableRow] = []
    for row in rows:
        if isinstance(row, UnreadableRow):
            bad.append(row)
        else:
            good.append(row)
    return Listed(rows=good, unreadable=bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[RowT]):
    """One page of rows; whether the cloud said there are more, and the total if it gave it."""

    rows: list[RowT]
    has_next: bool
    total: int | None

    def is_last(self, *, limit: int, seen: int) -> bool:
        """Whether this page ends the list. Its length proves nothing: a cloud may return fewer rows
        than asked for.
        """
        expected = self.has_next or len(self.rows) >= limit
        return not self.rows or not (expected or (self.total is not None and seen < self.total))


def page_from(
    data: Mapping[str, object], *, key: str, read_row: Callable[[object], RowT]
) -> Page[RowT]:
    """Read the page under `key`; UnreadableAnswer when there is none or a row is none."""
    rows = data.get(key)
    if not isinstance(rows, list):
        raise UnreadableAnswer(f"The cloud's answer holds no list of {key}.")
    links = data.get(f"{key}_links")
    total = whole_number(data.get("count"))
    return Page(
        rows=[read_row(row) for row in rows],
        has_next=any(
            isinstance(link, dict) and link.get("rel") == "next"
            for link in (links if isinstance(links, list) else [])
        ),
        total=total,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[RowT]):
    """How to read one list: `fetch` gets the query that says which page.

    With `ids`, reading ends as soon as all of them were seen.
    """

    fetch: Callable[[Position], Page[RowT]]
    paging: Paging
    ids: frozenset[str] | None = None

    def read_all(self, *, limit: int) -> list[RowT]:
        """All rows, each once, asking for `limit` at a time.

        Raises what `fetch` raises; UnreadableAnswer when the pages do not come to an end.
        """
        for _restart in range(MOST_RESTARTS + 1):
            rows = self._read_through(limit=limit)
            if rows is not None:
                return rows
        # Not NotFound, which a caller could take for "there is nothing".
        raise UnreadableAnswer("The cloud's list changed faster than it could be read.")

    def _read_through(self, *, limit: int) -> list[RowT] | None:
        """All rows, or None when the row before the page was deleted since (Cinder: 404)."""
        rows: dict[str, RowT] = {}
        position: Position = []
        seen = 0
        for _page in range(MOST_PAGES):
            try:
                page, limit = self._fetch(position, limit=limit)
            except NotFound:
                if not position or self.paging is not Paging.MARKER:
                    raise
                return None
            self._add(page, rows=rows, seen=seen)
            seen += len(page.rows)
            if page.is_last(limit=limit, seen=seen) or self._is_enough(rows):
                return list(rows.values())
            position = self._after(page, seen=seen)
        raise UnreadableAnswer(f"The cloud's list does not end within {MOST_PAGES} pages.")

    def _after(self, page: Page[RowT], *, seen: int) -> Position:
        if self.paging is not Paging.MARKER:
            return [("offset", str(seen))]
        named = [row.id for row in page.rows if row.id]
        if not named:
            raise UnreadableAnswer("The cloud's list cannot be read on: its rows have no id.")
        return [("marker", named[-1])]

    def _is_enough(self, rows: Mapping[str, RowT]) -> bool:
        return self.ids is not None and self.ids <= rows.keys()

    def _fetch(self, position: Position, *, limit: int) -> tuple[Page[RowT], int]:
        """One page, smaller if the asked size is too long to be read, and the size that worked."""
        while True:
            try:
                return self.fetch([*position, ("limit", str(limit))]), limit
            except UnreadableAnswer as error:
                if error.code != TOO_LONG or limit == 1:
                    raise
                limit = max(limit // 4, 1)

    def _add(self, page: Page[RowT], *, rows: dict[str, RowT], seen: int) -> None:
        # A row without an id is identified by its position.
        keyed = {row.id or f"row {seen + place}": row for place, row in enumerate(page.rows)}
        fresh = {key: row for key, row in keyed.items() if key not in rows}
        # With offsets a row moves to the next page when a newer row is inserted; with markers it
        # does not.
        repeats = len(fresh) < len(page.rows) and self.paging is Paging.MARKER
        if page.rows and (repeats or not fresh):
            raise UnreadableAnswer("The cloud's list repeats itself.")
        rows.update(fresh)
