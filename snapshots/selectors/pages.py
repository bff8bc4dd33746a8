"""Lists in pages, and where a page ended."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows, newest first, and the cursor that asks for the next page."""

    rows: list[Row]
    next: str | None
    cut_at: datetime | None = None  # rows from before were not looked at: more may be there


def write_cursor(at: datetime, number: int) -> str:
    """The moment and the number of a page's last row."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{number}"


def read_cursor(text: str) -> tuple[datetime, int] | None:
    """What `write_cursor` wrote; None for nonsense."""
    at, _, seq = text.partition("-")
    if not (at.isdecimal() and seq.isdecimal() and len(at) < 18 and len(seq) < 19):
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(at)), int(seq)
    except OverflowError:
        return None
