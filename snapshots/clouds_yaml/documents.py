"""Reads YAML as it is written: each value with its line and with the type that YAML gives it.

A safe loader would turn `password: 0123` into 83 and drop the first of two equal keys. Here both
mistakes are visible and can be refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import yaml

from snapshots.clouds_yaml.files import read_text
from snapshots.clouds_yaml.mistakes import Location

_TAG = "tag:yaml.org,2002:"


class Kind(Enum):
    """The type that YAML gives an unquoted value."""

    TEXT = "a text"
    NUMBER = "a number"
    TRUTH = "true or false"
    TIME = "a date or time"
    NOTHING = "nothing"
    TAGGED = "a value with a tag of its own"


_KINDS = {
    f"{_TAG}str": Kind.TEXT,
    f"{_TAG}int": Kind.NUMBER,
    f"{_TAG}float": Kind.NUMBER,
    f"{_TAG}bool": Kind.TRUTH,
    f"{_TAG}timestamp": Kind.TIME,
    f"{_TAG}null": Kind.NOTHING,
}


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str = field(repr=False)  # it may be a secret
    kind: Kind
    location: Location


@dataclass(frozen=True, slots=True)
class Items:
    values: tuple["Value", ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Table:
    """`entries` by key, in the file's order. `repeated` are keys written twice, with their
    location; `odd_keys` are keys that are no text, as they are written; `bad_merges` are the
    locations of `<<` that names no table.
    """

    entries: Mapping[str, "Value"]
    key_locations: Mapping[str, Location]
    location: Location
    repeated: tuple[tuple[str, Location], ...] = ()
    odd_keys: tuple[tuple[str, Location], ...] = ()
    bad_merges: tuple[Location, ...] = ()


Value = Scalar | Items | Table


def load(path: Path) -> Value | None:
    """The only document of a file; None when it holds nothing but comments.

    Raises Unreadable.
    """
    try:
        text = read_text(path)
    except ValueError as error:
        raise Unreadable(f"the file {error}", location=Location(path)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        nodes = [node for node in nodes if not _is_nothing(node)]
        if len(nodes) > 1:
            line = nodes[1].start_mark.line + 1
            raise Unreadable(
                "a second document begins; join them to one", location=Location(path, line)
            )
        return _Reading(path).value(nodes[0]) if nodes else None
    except yaml.YAMLError as error:
        raise _unreadable(error, path=path, lines=text.splitlines()) from None
    except RecursionError:
        raise Unreadable("tables stand in tables too deeply", location=Location(path)) from None
    except (ValueError, OverflowError):  # the parser's own, from an escape beyond Unicode
        message = "this is not readable as YAML: `\\U` names no character; use single quotes (')"
        location = Location(path, _line_of_bad_escape(text.splitlines()))
        raise Unreadable(message, location=location) from None


class Unreadable(Exception):
    """A file that is not valid YAML: `message` leaves out the file's name, which `location` has."""

    def __init__(self, message: str, *, location: Location) -> None:
        super().__init__(message)
        self.message = message
        self.location = location


def _is_nothing(node: yaml.Node | None) -> bool:
    return node is None or (node.tag == f"{_TAG}null" and not isinstance(node, yaml.MappingNode))


class _Reading:
    """Turns the parser's nodes into values; a part shared through anchors is converted once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values: dict[int, Value] = {}
        self._open: set[int] = set()

    def value(self, node: yaml.Node) -> Value:
        if id(node) in self._open:  # an anchor within itself: a value of no kind we read
            return Scalar("", Kind.TAGGED, self._location(node))
        if id(node) not in self._values:
            self._open.add(id(node))
            self._values[id(node)] = self._read(node)
            self._open.discard(id(node))
        return self._values[id(node)]

    def _read(self, node: yaml.Node) -> Value:
        location = self._location(node)
        if isinstance(node, yaml.MappingNode):
            return self._table(node)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.value(item) for item in node.value), location)
        return Scalar(node.value, _KINDS.get(node.tag, Kind.TAGGED), location)

    def _table(self, node: yaml.MappingNode) -> Table:
        entries: dict[str, Value] = {}
        locations: dict[str, Location] = {}
        repeated: list[tuple[str, Location]] = []
        odd: list[tuple[str, Location]] = []
        merged: list[Table] = []
        bad: list[Location] = []
        for key, value in node.value:
            location = self._location(key)
            if key.tag == f"{_TAG}merge":
                parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
                tables = [self.value(part) for part in parts]
                merged += [table for table in tables if isinstance(table, Table)]
                bad += [table.location for table in tables if not isinstance(table, Table)]
            elif not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str":
                odd.append((str(key.value) if isinstance(key, yaml.ScalarNode) else "", location))
            elif key.value in entries:
                repeated.append((key.value, location))
            else:
                entries[key.value] = self.value(value)
                locations[key.value] = location
        for below in merged:  # what the table says itself wins, then the first of those merged in
            for name, inherited in below.entries.items():
                if name not in entries:
                    entries[name], locations[name] = inherited, below.key_locations[name]
            repeated += below.repeated
            odd += below.odd_keys
            bad += below.bad_merges
        location = self._location(node)
        # A repeated key that several merges bring in is reported once.
        twice, no_texts = tuple(dict.fromkeys(repeated)), tuple(dict.fromkeys(odd))
        return Table(entries, locations, location, twice, no_texts, tuple(dict.fromkeys(bad)))

    def _location(self, node: yaml.Node) -> Location:
        return Location(self._file, node.start_mark.line + 1)


# --- what the parser complains of --------------------------------------------------------------
# The parser's message may quote the line, and the line may hold a password.

_HINTS = (
    (r"undefined alias|alphabetic or numeric", "a text that begins with `*` or `&` needs quotes"),
    (r"unknown escape|escape sequence", "a text with a backslash needs single quotes ('), not \""),
    (
        r"mapping values are not allowed",
        "a text with a colon needs quotes, or the indentation is wrong",
    ),
    (r"'\\t' that cannot start", "a tab stands where only blanks may; write blanks"),
    (
        r"that cannot start any token",
        "a text that begins with `%`, `@` or a backquote needs quotes",
    ),
    (r"chomping or indentation", "a text that begins with `|` or `>` needs quotes"),
    (
        r"(sequence entries|mapping keys) are not allowed",
        "a text that begins with `-` or `?` needs quotes, or the indentation is wrong",
    ),
    (r"end of stream|quoted scalar", "a quote, bracket or brace is not closed"),
    (r"expected ',' or", "a bracket or brace is not closed, or a comma is missing"),
    (r"could not find expected ':'", "a key has no colon, or the indentation is wrong"),
    (
        r"expected <block end>|expected the node",
        "the indentation differs from the lines above, or a quote is left over",
    ),
    (r"duplicate anchor|tag", "a text that begins with `!` or `&` needs quotes"),
    (r"special characters are not allowed", "the file holds a control character; take it away"),
)


def _unreadable(error: yaml.YAMLError, *, path: Path, lines: list[str]) -> Unreadable:
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    if "quoted scalar" in str(getattr(error, "context", "")):
        marks.reverse()  # where the quote was opened
    mark = marks[0] or marks[1]
    number = mark.line + 1 if mark else 0
    if number and _is_indented_with_tab(lines, number):
        hint = "a tab stands in the indentation; write blanks"
    else:
        said = f"{getattr(error, 'context', '')} {getattr(error, 'problem', '')} {error}"
        hint = next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "")
    message = f"this is not readable as YAML{': ' if hint else ''}{hint}"
    return Unreadable(message, location=Location(path, number))


def _is_indented_with_tab(lines: list[str], number: int) -> bool:
    line = lines[number - 1] if number <= len(lines) else ""
    return "\t" in line[: len(line) - len(line.lstrip())]


def _line_of_bad_escape(lines: list[str]) -> int:
    escape = re.compile(r"\\U(?!0010|000)[0-9A-Fa-f]{8}")
    return next((number for number, line in enumerate(lines, 1) if escape.search(line)), 0)
