"""Pages of a list in any order: each begins behind the last row of the page before."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import DateTimeField, Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from snapshots.selectors.pages import Page

Row = TypeVar("Row", bound=Model)
_LONGEST = 4000
_LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """A column that is never null, and its direction. Rows of equal value go by their key."""

    column: str
    is_descending: bool = False

    def of(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        sign = "-" if self.is_descending else ""
        return rows.order_by(f"{sign}{self.column}", f"{sign}pk")


def keyset_page(rows: QuerySet[Row], order: Order, *, after: str = "", size: int = 50) -> Page[Row]:
    """`after` is the `next` of the page before; nonsense starts at the top."""
    is_time = isinstance(rows.model._meta.get_field(order.column), DateTimeField)
    if (last := _read(after, is_time=is_time)) is not None:
        rows = rows.filter(_behind(order, *last))
    page = list(order.of(rows)[: size + 1])
    if len(page) <= size:
        return Page(page, None)
    last_row = page[size - 1]
    return Page(page[:size], _write(getattr(last_row, order.column), last_row.pk))


def _behind(order: Order, value: Any, key: int) -> Q:
    """The first condition bounds the index; the second leaves out the rows of the same value that
    were on the page before.
    """
    way = "lt" if order.is_descending else "gt"
    behind = Q(**{f"{order.column}__{way}": value}) | Q(**{f"pk__{way}": key})
    return Q(**{f"{order.column}__{way}e": value}) & behind


def _write(value: Any, key: int) -> str:
    """The value itself, since the row may have another by the time the next page is asked for."""
    text = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([text, key]).encode()).decode().rstrip("=")


def _read(cursor: str, *, is_time: bool) -> tuple[Any, int] | None:
    if not cursor or len(cursor) > _LONGEST or not cursor.isascii():
        return None
    try:
        text, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        text.encode()  # half a surrogate pair is no text for a database
        value = _time(text) if is_time else text
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError, binascii.Error):
        return None
    is_key = type(key) is int and 0 <= key <= _LARGEST_KEY
    return (value, key) if is_key and "\0" not in text else None


def _time(text: str) -> datetime:
    """In UTC, as a database makes it of every time: near the first and last year that overflows.

    Raises `ValueError` and `OverflowError`.
    """
    value = parse_datetime(text)
    if value is None or value.tzinfo is None:
        raise ValueError("A cursor holds a time with its zone.")
    return value.astimezone(UTC)
