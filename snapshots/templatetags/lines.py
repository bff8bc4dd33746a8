"""Lines of lists, written once for each content.

The same rows are shown again and again, to the same person and to others, and looking a line up
takes a tenth of the time of writing it. A line depends on what its row holds, on the columns, on
the language and on who looks; how long ago something was is filled in each time.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from django.db.models import Model
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from snapshots.selectors.preferences import viewer
from snapshots.templatetags.times import ago

MOST = 1000  # lines of one process; with its values each takes some three kilobytes

Row = TypeVar("Row")
# As `moment` writes it: texts of people have no such tag, since they are escaped.
_AGO = re.compile(r'(<time datetime="([^"]*)" title="[^"]*" data-ago>)[^<]*')


@dataclass(frozen=True, slots=True)
class Repeated(Generic[Row]):
    """Says which lines of a list may be written once. `columns` names what the list shows of a row;
    `content_of` gives everything that the cells read, or None where they also read the clock.
    """

    columns: Hashable
    content_of: Callable[[Row], Hashable | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A written line, and the digest of what it says where the page asks for news."""

    markup: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A line without how long ago anything was: that stands between the pieces."""

    texts: tuple[str, ...]
    moments: tuple[datetime, ...]
    digest: str

    def line(self, now: datetime) -> Line:
        parts = [self.texts[0]]
        for moment, text in zip(self.moments, self.texts[1:], strict=True):
            parts += (ago(now - moment), text)
        return Line(SafeString("".join(parts)), self.digest)


_written: dict[Hashable, _Pieces] = {}


def content_of(*rows: Model | None) -> Hashable:
    """All values of these rows of tables, as far as they were read."""
    return tuple(None if row is None else _values(row) for row in rows)


def _values(row: Model) -> Hashable:
    columns: dict[str, Any] = vars(row).copy()
    del columns["_state"]
    values = tuple(columns.values())
    try:
        hash(values)
    except TypeError:  # JSON, of any length
        return blake2b(repr(values).encode(errors="surrogatepass"), digest_size=24).digest()
    return values


class Lines(Generic[Row]):
    """The lines of one list on one page."""

    def __init__(self, repeated: Repeated[Row], *, is_live: bool) -> None:
        self._content_of = repeated.content_of
        self._page = (repeated.columns, is_live, get_language(), viewer())
        self._now = timezone.now()

    def of(self, row: Row, write: Callable[[Row], Line]) -> Line:
        """The row's line; it is written where the same was not written before."""
        content = self._content_of(row)
        if content is None:
            return write(row)
        key = (self._page, content)
        pieces = _written.get(key)
        if pieces is None:
            pieces = _pieces_of(write(row))
            if len(_written) >= MOST:
                _written.clear()
            _written[key] = pieces
        return pieces.line(self._now)


def _pieces_of(line: Line) -> _Pieces:
    texts, moments, end = [], [], 0
    for match in _AGO.finditer(line.markup):
        texts.append(line.markup[end : match.end(1)])
        moments.append(datetime.fromisoformat(match[2]))
        end = match.end()
    return _Pieces((*texts, line.markup[end:]), tuple(moments), line.digest)
