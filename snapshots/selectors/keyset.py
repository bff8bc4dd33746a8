"""Pages of a list in any order: each begins behind the last row of the page before."""

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet, UUIDField
from django.utils.dateparse import parse_datetime

from snapshots.selectors.pages import Page

Row = TypeVar("Row", bound=Model)
Holds = type[str] | type[int] | type[datetime]
Key = int | uuid.UUID
_LONGEST = 4000
_LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """A column that is never null, or what the query names so, of texts, numbers or times, and its
    direction. Rows of equal value go by their key.
    """

    column: str
    is_descending: bool = False
    holds: Holds = str

    def of(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        sign = "-" if self.is_descending else ""
        return rows.order_by(f"{sign}{self.column}", f"{sign}pk")


def in_both_directions(orders: Mapping[str, Order]) -> dict[str, Order]:
    """The same and their reverses, which have a minus before the name."""
    reverses = {f"-{name}": replace(order, is_descending=True) for name, order in orders.items()}
    return {**orders, **reverses}


def keyset_page(rows: QuerySet[Row], order: Order, *, after: str = "", size: int = 50) -> Page[Row]:
    """`after` is the `next` of the page before; nonsense starts at the top."""
    has_uuids = isinstance(rows.model._meta.pk, UUIDField)
    if (last := _read(after, order.holds, has_uuids=has_uuids)) is not None:
        rows = rows.filter(_behind(order, *last))
    page = list(order.of(rows)[: size + 1])
    if len(page) <= size:
        return Page(page, None)
    last_row = page[size - 1]
    return Page(page[:size], _write(getattr(last_row, order.column), last_row.pk))


def _behind(order: Order, value: Any, key: Key) -> Q:
    """The first condition bounds the index; the second leaves out the rows of the same value that
    were on the page before.
    """
    way = "lt" if order.is_descending else "gt"
    behind = Q(**{f"{order.column}__{way}": value}) | Q(**{f"pk__{way}": key})
    return Q(**{f"{order.column}__{way}e": value}) & behind


def _write(value: Any, key: Key) -> str:
    """The value itself, since the row may have another by the time the next page is asked for."""
    content = [
        value.isoformat() if isinstance(value, datetime) else value,
        str(key) if isinstance(key, uuid.UUID) else key,
    ]
    # An escape would make twelve bytes of a character, and the cursor longer than it may be.
    text = json.dumps(content, ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, holds: Holds, *, has_uuids: bool) -> tuple[Any, Key] | None:
    if not cursor or len(cursor) > _LONGEST or not cursor.isascii():
        return None
    try:
        value, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return _value(value, holds), uuid.UUID(key) if has_uuids else _number(key)
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError, binascii.Error):
        return None


def _value(content: Any, holds: Holds) -> Any:
    """Raises `AttributeError`, `OverflowError` and `ValueError` for what no row has."""
    if holds is int:
        return _number(content, least=-1)
    content.encode()  # half a surrogate pair is no text for a database
    if "\0" in content:
        raise ValueError("A NUL is no text for a database.")
    return _time(content) if holds is datetime else content


def _number(content: Any, *, least: int = 0) -> int:
    if type(content) is not int or not least <= content <= _LARGEST_KEY:
        raise ValueError("Not a number that a row may have.")
    return content


def _time(text: str) -> datetime:
    """In UTC, as a database makes it of every time: near the first and last year that overflows.

    Raises `ValueError` and `OverflowError`.
    """
    value = parse_datetime(text)
    if value is None or value.tzinfo is None:
        raise ValueError("A cursor holds a time with its zone.")
    return value.astimezone(UTC)
