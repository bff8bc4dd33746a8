"""The metadata rows of a form: `metadata-N-key` and `metadata-N-value`, N being any number of at
most nine digits, written plainly.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from snapshots.evs.limits import RowProblem
from snapshots.forms.problems import problem_text

HIGHEST = 999_999_999
_FIELD = re.compile(r"metadata-(0|[1-9][0-9]{0,8})-(key|value)")


@dataclass(slots=True)
class MetadataRow:
    """One row as typed, with what is wrong with it."""

    number: int | str
    key: str = ""
    value: str = ""
    key_errors: list[str] = field(default_factory=list)
    value_errors: list[str] = field(default_factory=list)

    @property
    def key_name(self) -> str:
        return f"metadata-{self.number}-key"

    @property
    def value_name(self) -> str:
        return f"metadata-{self.number}-value"


def read_rows(post: Mapping[str, str]) -> list[MetadataRow]:
    """The rows in the order of their numbers. Django bounds how many fields a post may have."""
    rows: dict[int, MetadataRow] = {}
    for name, text in post.items():
        if match := _FIELD.fullmatch(name):
            number = int(match[1])
            row = rows.setdefault(number, MetadataRow(number))
            setattr(row, match[2], text)
    return [rows[number] for number in sorted(rows)]


def unreadable_names(post: Mapping[str, str]) -> list[str]:
    """Names of fields that are meant for metadata and belong to no row: a damaged form."""
    return [name for name in post if name.startswith("metadata-") and not _FIELD.fullmatch(name)]


def rows_of(metadata: Mapping[str, str]) -> list[MetadataRow]:
    """The rows that say this metadata."""
    return [MetadataRow(number, *pair) for number, pair in enumerate(metadata.items())]


def with_row_added(rows: Sequence[MetadataRow]) -> list[MetadataRow]:
    """One blank row more, under a number of its own."""
    taken = {int(row.number) for row in rows}
    number = max(taken, default=-1) + 1
    if number > HIGHEST:
        number = next(free for free in count() if free not in taken)
    return [*rows, MetadataRow(number)]


def without_row(rows: Sequence[MetadataRow], number: str) -> list[MetadataRow]:
    """Without the row of that number; all of them when there is none."""
    return [row for row in rows if str(row.number) != number]


ROW_BUTTONS = ("add-row", "remove-row")  # they only show the form again


def rows_after_button(post: Mapping[str, str]) -> list[MetadataRow]:
    """The typed rows after the button: one blank row more, or one row less."""
    rows = read_rows(post)
    if "add-row" in post:
        return with_row_added(rows)
    return without_row(rows, post.get("remove-row", ""))


def note_problems(rows: Sequence[MetadataRow], problems: Iterable[RowProblem]) -> None:
    """Put each problem at its field."""
    for problem in problems:
        row = rows[problem.index]
        errors = row.key_errors if problem.field == "key" else row.value_errors
        errors.append(problem_text(problem.problem))
