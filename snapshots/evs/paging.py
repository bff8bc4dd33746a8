"""Reading a whole list, page by page, from a cloud that need not be honest about its pages.

`next` links are never followed: they hold internal host names (page A-2097). They only tell that
there is more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from snapshots.evs.dialects import Paging
from snapshots.evs.errors import NotFound, UnreadableAnswer
from snapshots.evs.wire import TOO_LONG

MOST_PAGES = 1000
MOST_RESTARTS = 3


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


RowT = TypeVar("RowT", bound=_HasId)
Position = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[RowT]):
    """Some rows; whether the cloud said there are more, and how many in all if it said so."""

    rows: list[RowT]
    has_next: bool
    total: int | None

    def is_last(self, *, limit: int, seen: int) -> bool:
        """A short page alone proves nothing: a cloud may give less than was asked for."""
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
    total = data.get("count")
    return Page(
        rows=[read_row(row) for row in rows],
        has_next=any(
            isinstance(link, dict) and link.get("rel") == "next"
            for link in (links if isinstance(links, list) else [])
        ),
        total=total if isinstance(total, int) else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[RowT]):
    """How to read one list: `fetch` gets the query that says which page.

    With `wanted` ids, reading ends as soon as all of them were seen.
    """

    fetch: Callable[[Position], Page[RowT]]
    paging: Paging
    wanted: frozenset[str] | None = None

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
        """All rows, or None when the row we stood at was deleted meanwhile (Cinder: 404)."""
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
            self._add(page, rows=rows)
            seen += len(page.rows)
            if page.is_last(limit=limit, seen=seen) or self._is_enough(rows):
                return list(rows.values())
            marker = self.paging is Paging.MARKER
            position = [("marker", page.rows[-1].id)] if marker else [("offset", str(seen))]
        raise UnreadableAnswer(f"The cloud's list does not end within {MOST_PAGES} pages.")

    def _is_enough(self, rows: Mapping[str, RowT]) -> bool:
        return self.wanted is not None and self.wanted <= rows.keys()

    def _fetch(self, position: Position, *, limit: int) -> tuple[Page[RowT], int]:
        """One page, smaller if the asked size is too long to be read, and the size that worked."""
        while True:
            try:
                return self.fetch([*position, ("limit", str(limit))]), limit
            except UnreadableAnswer as error:
                if error.code != TOO_LONG or limit == 1:
                    raise
                limit = max(limit // 4, 1)

    def _add(self, page: Page[RowT], *, rows: dict[str, RowT]) -> None:
        fresh = {row.id: row for row in page.rows if row.id not in rows}
        # By offset a row moves to the next page when a newer one comes before it; by marker never.
        repeats = len(fresh) < len(page.rows) and self.paging is Paging.MARKER
        if page.rows and (repeats or not fresh):
            raise UnreadableAnswer("The cloud's list repeats itself.")
        rows.update(fresh)
