"""Texts in CSV that people and spreadsheets edit, and that are read again as they were written.

Writing puts a ' before a text that a spreadsheet would take for a formula, and before a text that
begins with a '. Reading removes one ' from the beginning of each text.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from snapshots.audit.archive.export import FORMULA, csv_line
from snapshots.localized import figure
from snapshots.models.directions import isolated

if TYPE_CHECKING:
    import _csv

MOST_ROWS = 2000
_DEFUSED = (*FORMULA, "'")
_DELIMITERS = ",;\t"  # the first one where a head has several as often
_SAID_BY_EXCEL = re.compile(r'"?sep=([,;\t])"?', re.IGNORECASE)  # in the line before the head
_BETWEEN_NAMES = re.compile(r"(?:[^;\\]|\\.)+")


def written_line(cells: Iterable[str]) -> bytes:
    return csv_line(f"'{text}" if text.startswith(_DEFUSED) else text for text in cells)


def written_names(names: Iterable[str]) -> str:
    """Names in one cell, apart by semicolons."""
    return ";".join(name.replace("\\", "\\\\").replace(";", "\\;") for name in names)


def read_names(cell: str) -> list[str]:
    parts = (part.strip() for part in _BETWEEN_NAMES.findall(cell))
    return [re.sub(r"\\(.)", r"\1", part) for part in parts if part]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not a head, with the number of its first line."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line."""

    line: int
    text: str

    def __str__(self) -> str:
        return _("Line {line}: {text}").format(line=self.line, text=self.text)


@dataclass(slots=True)
class Read:
    """A text, as far as it can be read."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_whole: bool = True  # else the rows behind the last problem are not known


def read_rows(text: str, columns: Sequence[str], *, most: int = MOST_ROWS) -> Read:
    """The rows below a head that names all of these columns, in any order, and no other."""
    text = text.removeprefix("\ufeff")
    delimiter = _delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    read = Read()
    try:
        _read(reader, columns, read, most)
    except csv.Error as error:
        read.problems.append(Problem(reader.line_num, str(error)))
        read.is_whole = False
    return read


def _delimiter_of(text: str) -> str:
    """By the first line that is not blank."""
    lines = (line.rstrip("\r\n") for line in io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip(_DELIMITERS + " ")), "")
    if said := _SAID_BY_EXCEL.fullmatch(first):
        return said[1]
    return max(_DELIMITERS, key=first.count)


def _read(reader: "_csv.Reader", columns: Sequence[str], read: Read, most: int) -> None:
    names: list[str] | None = None
    for line, cells in _lines(reader):
        texts = [cell.removeprefix("'") for cell in cells]
        if not any(texts) or (names is None and _is_above_head(texts, reader)):
            continue
        if names is None:
            names = [name.strip() for name in texts]
            read.problems += _problems_of_head(line, names, columns)
            if read.problems:
                return
        elif len(texts) != len(names):
            sentence = _("It has {count} cells, and the head has {expected}.")
            problem = sentence.format(count=len(texts), expected=len(names))
            read.problems.append(Problem(line, problem))
        elif len(read.rows) == most:
            sentence = _("At most {most} rows at once.")
            read.problems.append(Problem(line, sentence.format(most=figure(most))))
            read.rows.clear()  # nobody needs to hear what else is wrong
            return
        else:
            read.rows.append(Row(line, dict(zip(names, texts, strict=True))))
    if not read.rows and not read.problems:
        read.problems.append(Problem(1, _("There is no row below a head.")))


def _is_above_head(texts: Sequence[str], reader: "_csv.Reader") -> bool:
    line = reader.dialect.delimiter.join(texts)
    return not line.strip(_DELIMITERS + " ") or _SAID_BY_EXCEL.fullmatch(line) is not None


def _lines(reader: "_csv.Reader") -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line."""
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _problems_of_head(line: int, names: Sequence[str], columns: Sequence[str]) -> list[Problem]:
    missing = [name for name in columns if name not in names]
    odd = [name for name in names if name not in columns]
    texts = [_("The head lacks the column {name}.").format(name=name) for name in missing]
    texts += [_("There is no column {name}.").format(name=isolated(name[:80])) for name in odd]
    if len(set(names)) < len(names):
        texts.append(_("The head names a column twice."))
    return [Problem(line, text) for text in texts]
