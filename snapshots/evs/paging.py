"""Reading a whole list page by page, from a cloud whose pages may be wrong.

`next` links are never followed: they hold internal host names (page A-2097). They only say that
there are more rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    """One page of rows; whether the cloud said there are more, and the total if it gave it.

    `is_first`: the list begins, or begins again, with this page.
    """

    rows: list[RowT]
    has_next: bool
    total: int | None
    is_first: bool = False

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


class _PlaceLostError(Exception):
    """The rows after which the next page could begin were all deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a page may begin. `again` are the ids of rows already read that it brings again."""

    query: Position
    again: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class _Progress:
    """How far a list was read. Ids only, so that a long list takes little memory."""

    ids: set[str] = field(default_factory=set)
    ids_of_last_page: list[str] = field(default_factory=list)
    pages: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[RowT]):
    """How to read one list: `fetch` gets the query that says which page.

    With `ids`, reading ends as soon as all of them were seen.
    """

    fetch: Callable[[Position], Page[RowT]]
    paging: Paging
    ids: frozenset[str] | None = None

    def read_all(self, *, limit: int) -> list[RowT]:
        """All rows, each once, asking for `limit` at a time; raises what `pages` raises."""
        rows: list[RowT] = []
        for page in self.pages(limit=limit):
            if page.is_first:
                rows.clear()
            rows += page.rows
        return rows

    def pages(self, *, limit: int) -> Iterator[Page[RowT]]:
        """The list page by page, without the rows of earlier pages, asking for `limit` at a time.

        A page begins after the last row of the page before. When that was deleted since (Cinder
        answers 404), it begins after an earlier row of that page; when those are gone too, the
        list is read again from its first page.

        Raises what `fetch` raises; UnreadableAnswer when the pages do not come to an end.
        """
        for _restart in range(MOST_RESTARTS + 1):
            try:
                yield from self._read_through(limit=limit)
            except _PlaceLostError:
                continue
            return
        # Not NotFound, which a caller could take for "there is nothing".
        raise UnreadableAnswer("The cloud's list changed faster than it could be read.")

    def _read_through(self, *, limit: int) -> Iterator[Page[RowT]]:
        progress = _Progress()
        while progress.pages < MOST_PAGES:
            page, place, limit = self._next_page(progress, limit=limit)
            new = [row for row in page.rows if row.id not in place.again]
            rows = self._fresh_rows(new, progress=progress)
            progress.ids_of_last_page = [row.id for row in page.rows if row.id]
            progress.pages += 1
            progress.rows += len(new)
            yield replace(page, rows=rows, is_first=progress.pages == 1)
            if page.is_last(limit=limit, seen=progress.rows) or self._is_enough(progress):
                return
        raise UnreadableAnswer(f"The cloud's list does not end within {MOST_PAGES} pages.")

    def _next_page(self, progress: _Progress, *, limit: int) -> tuple[Page[RowT], _Place, int]:
        """The next page, where it began, and the size that worked."""
        for place in self._places(progress):
            try:
                page, size = self._fetch(place.query, limit=limit)
            except NotFound:
                if not progress.pages or self.paging is not Paging.MARKER:
                    raise
            else:
                return page, place, size
        raise _PlaceLostError

    def _places(self, progress: _Progress) -> Iterator[_Place]:
        """Where the next page may begin, the best place first.

        Markers go back in growing steps, so that even a long page whose rows are being deleted
        costs few calls.
        """
        ids = progress.ids_of_last_page
        if not progress.pages:
            yield _Place(query=[])
        elif self.paging is not Paging.MARKER:
            yield _Place(query=[("offset", str(progress.rows))])
        elif not ids:
            raise UnreadableAnswer("The cloud's list cannot be read on: its rows have no id.")
        else:
            steps = (0, *(2**power for power in range(len(ids).bit_length())))
            for end in (len(ids) - step for step in steps if step < len(ids)):
                yield _Place(query=[("marker", ids[end - 1])], again=frozenset(ids[end:]))

    def _is_enough(self, progress: _Progress) -> bool:
        return self.ids is not None and self.ids <= progress.ids

    def _fetch(self, position: Position, *, limit: int) -> tuple[Page[RowT], int]:
        """One page, smaller if the asked size is too long to be read, and the size that worked."""
        while True:
            try:
                return self.fetch([*position, ("limit", str(limit))]), limit
            except UnreadableAnswer as error:
                if error.code != TOO_LONG or limit == 1:
                    raise
                limit = max(limit // 4, 1)

    def _fresh_rows(self, rows: list[RowT], *, progress: _Progress) -> list[RowT]:
        """The rows that no page before had; their ids join those that were seen.

        A row without an id cannot be recognized, so it always counts as fresh.
        """
        fresh: list[RowT] = []
        for row in rows:
            if row.id not in progress.ids:
                fresh.append(row)
            if row.id:
                progress.ids.add(row.id)
        # With offsets a row moves to the next page when a newer row is inserted; with markers it
        # does not.
        repeats = len(fresh) < len(rows) and self.paging is Paging.MARKER
        if rows and (repeats or not fresh):
            raise UnreadableAnswer("The cloud's list repeats itself.")
        return fresh
