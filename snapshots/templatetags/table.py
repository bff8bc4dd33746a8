"""The columns of a list, said once: the head, the label of a cell on phones, and the cell.

A list is a module `<what>_table.py` beside this file: its columns, and a tag that renders them
with `templates/_table.html`. A new column is a new `Column` there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Generic, Literal, TypeVar

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from snapshots.templatetags.lines import Line, Lines, Repeated
from snapshots.templatetags.live import Live, digested

Row = TypeVar("Row")
Text = str | Promise


_CURSORS = ("after", "before")  # of the page before, in the order that it had

Direction = Literal["ascending", "descending", ""]


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered by a column now, and the address that orders it by the column."""

    address: str
    direction: Direction = ""


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order that a list has now, such as "-created", and the query of its page."""

    sort: str
    query: QueryDict

    def by(self, order: str) -> Order:
        """The link turns the order round where the list goes by this column already."""
        name = order.removeprefix("-")
        is_descending = self.sort.startswith("-")
        direction: Direction = ""
        if self.sort.removeprefix("-") == name:
            direction = "descending" if is_descending else "ascending"
            order = name if is_descending else f"-{name}"
        query = self.query.copy()
        for cursor in _CURSORS:
            query.pop(cursor, None)
        query["sort"] = order
        return Order(f"?{query.urlencode()}", direction)


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column: `cell` writes what a row has in it, or None where the cell before it goes on."""

    label: Text
    cell: Callable[[Row], str | None]
    css: str = ""
    phone_label: Text = ""  # where the head is too long for a phone
    is_row_head: bool = False
    is_action: bool = False  # buttons: nobody needs to read what they are
    sort: str = ""  # the order by this column that comes first, where a list can have it
    order: Order | None = None  # the head is a link that orders the list by this column

    def head(self) -> SafeString:
        label: str = conditional_escape(str(self.label))
        if self.is_action:
            label = f'<span class="unseen">{label}</span>'
        attributes = _css(self.css)
        if self.order is not None:
            label = format_html('<a class="order" href="{}">{}</a>', self.order.address, label)
            sort = f' aria-sort="{self.order.direction}"' if self.order.direction else ""
            attributes = _safe(f"{attributes}{sort}")
        return _safe(f'<th role="columnheader" scope="col"{attributes}>{label}</th>')

    def attributes(self) -> SafeString:
        """Of every cell of the column."""
        role = 'rowheader" scope="row' if self.is_row_head else "cell"
        text = str(self.phone_label or self.label)
        is_labelled = not (self.is_row_head or self.is_action)
        label = f' data-label="{conditional_escape(text)}"' if is_labelled else ""
        return _safe(f' role="{role}"{label}{_css(self.css)}')


def sortable(columns: Iterable[Column[Row]], sorting: Sorting) -> list[Column[Row]]:
    """The same columns, with links that order the list."""
    return [
        replace(column, order=sorting.by(column.sort)) if column.sort else column
        for column in columns
    ]


@dataclass(frozen=True, slots=True)
class LiveRows(Generic[Row]):
    """What keeps the rows of an open page true: the page, the list's name, and of each row its own
    name and the attributes by which the script tells of its news (`states.py`).
    """

    live: Live
    name: str
    row_name: Callable[[Row], str]
    row_news: Callable[[Row], SafeString] = lambda _row: SafeString()


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """A list of rows under its columns. `row_css` says the class of a row; `group_of` the heading
    above it, which is written where it changes; `repeated` which lines need not be written again.
    """

    caption: Text
    columns: Sequence[Column[Row]]
    rows: Sequence[Row]
    css: str = "cards"
    row_css: Callable[[Row], str] = lambda _row: ""
    group_of: Callable[[Row], str] = lambda _row: ""
    live_rows: LiveRows[Row] | None = None
    repeated: Repeated[Row] | None = None

    def heads(self) -> list[SafeString]:
        return [column.head() for column in self.columns]

    def order(self) -> SafeString:
        """Attributes of the element around the rows."""
        of = self.live_rows
        if of is None:
            return SafeString()
        order = of.live.add_order(of.name, [of.row_name(row) for row in self.rows])
        return _safe(f' id="{of.name}"{order}')

    def groups(self) -> Iterator[tuple[SafeString, list[SafeString]]]:
        """Of each group its heading and its lines, as they are written into the page."""
        line = self._writer()
        for heading, rows in groupby(self.rows, self.group_of):
            yield self._group_head(heading), [line(row) for row in rows]

    def _writer(self) -> Callable[[Row], SafeString]:
        """What writes a row's line into the page."""
        attributes = [(column, column.attributes()) for column in self._with_row_head()]
        of, repeated = self.live_rows, self.repeated

        def write(row: Row) -> Line:
            line = f"{_css(self.row_css(row))}>{_cells(row, attributes)}</tr>"
            if of is None:
                return Line(f'<tr role="row"{line}')
            news = of.row_news(row)
            return Line(*digested(f'<tr role="row" id="{of.row_name(row)}"{news}{line}'))

        lines = None if repeated is None else Lines(repeated, is_live=of is not None)

        def into_page(row: Row) -> SafeString:
            line = write(row) if lines is None else lines.of(row, write)
            markup = _safe(line.markup)
            return markup if of is None else of.live.add(of.row_name(row), markup, line.digest)

        return into_page

    def _with_row_head(self) -> Sequence[Column[Row]]:
        """Where no column was said to name the row, the first does."""
        if any(column.is_row_head for column in self.columns):
            return self.columns
        first, *others = self.columns
        return [replace(first, is_row_head=True), *others]

    def _group_head(self, heading: str) -> SafeString:
        if not heading:
            return SafeString()
        return format_html(
            '<tr role="row" class="cards__group"><th role="rowheader" scope="rowgroup" '
            'colspan="{}">{}</th></tr>',
            len(self.columns),
            heading,
        )


def _cells(row: Row, columns: list[tuple[Column[Row], SafeString]]) -> SafeString:
    """The cells of a row; one goes on over the columns after it that have none for this row."""
    parts: list[str] = []
    span = 1
    for column, attributes in reversed(columns):
        content = column.cell(row)
        if content is None:
            span += 1
            continue
        wide = f' colspan="{span}"' if span > 1 else ""
        name = "th" if column.is_row_head else "td"
        parts.append(f"<{name}{attributes}{wide}>{conditional_escape(content)}</{name}>")
        span = 1
    return _safe("\n".join(reversed(parts)))


def _css(names: str) -> SafeString:
    return _safe(f' class="{names}"' if names else "")


def _safe(markup: str) -> SafeString:
    """Made of constants of the program and of texts that are escaped already."""
    return SafeString(markup)


def context_of(table: Table[Any]) -> dict[str, Table[Any]]:
    """What `_table.html` is rendered with."""
    return {"table": table}
