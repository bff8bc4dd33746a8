"""How each value of SQLite is spelt in PostgreSQL, and what both are compared by.

SQLite keeps anything in any column: a value that is not of its column's kind is refused, never
bent. Only texts outside of the audit trail are changed: PostgreSQL stores no NUL, so they get its
picture, as the recorder of the trail does it.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Field, Model

from snapshots.audit.database.guards import GUARDED
from snapshots.audit.record.redaction import storable
from snapshots.management.move.errors import UnfitError

Convert = Callable[[Any], Any]

_ID = re.compile("[0-9a-f]{32}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?")
_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
# Escapes that JSON has and PostgreSQL's jsonb refuses: NUL, and halves of surrogate pairs.
_JSON_SUSPECTS = re.compile(r"\\u(0000|[dD][89a-fA-F])")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, of the same name in both databases."""

    name: str
    write: Convert  # SQLite's value as COPY takes it; raises `UnfitError`
    compare: Convert | None  # what was written, and what `sql` reads, by what they are compared
    sql: str  # reads it in PostgreSQL, spelt as `write` spells it


@dataclass(frozen=True, slots=True)
class Table:
    """A table in the order of its primary key, which is text, a number or an id."""

    name: str
    columns: tuple[Column, ...]
    key: str  # the column
    key_at: int  # its place among the columns
    key_sql: str  # PostgreSQL's order by it is SQLite's

    @property
    def names(self) -> str:
        return ", ".join(f'"{column.name}"' for column in self.columns)


def table_of(model: type[Model], changed: Counter[str]) -> Table:
    """For the PostgreSQL that Django is connected to. `changed` counts, by table, the texts that
    are not written as they were.
    """
    meta = model._meta
    fields = list(meta.concrete_fields)
    repaired = _repairs(meta.db_table, changed, is_kept=model in GUARDED)
    columns = tuple(_column(field, repaired) for field in fields)
    key, kind = str(meta.pk.column), _kind(meta.pk)
    return Table(
        name=meta.db_table,
        columns=columns,
        key=key,
        key_at=fields.index(meta.pk),
        key_sql=f'"{key}"' + (' COLLATE "C"' if kind.startswith("varchar") else ""),
    )


def _column(field: "Field[Any, Any]", repaired: Convert) -> Column:
    name, kind = str(field.column), _kind(field)
    sql = _READ_AS.get(kind, "{}").format(f'"{name}"')
    if kind == "jsonb":
        write = _json(repaired)
    elif kind == "text" or kind.startswith("varchar"):
        # A key with another text would be in another place of the order.
        repaired = _refuse_text if field.primary_key else repaired
        write = _text(field.max_length if kind != "text" else None, repaired)
    elif kind in _INTEGERS:
        write = _integer(_INTEGERS[kind])
    elif kind in _WRITE:
        write = _WRITE[kind]
    else:
        raise TypeError(f"{field}: no rule for columns of {kind}.")
    compare = _COMPARE.get(kind)
    return Column(name, _or_null(write), _or_null(compare) if compare else None, sql)


def _kind(field: "Field[Any, Any]") -> str:
    return str(field.db_type(connection))


def _or_null(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


# --- texts -----------------------------------------------------------------------------------


def _repairs(table: str, changed: Counter[str], *, is_kept: bool) -> Convert:
    """What becomes of a text that PostgreSQL does not store."""

    def repaired(text: str) -> str:
        changed[table] += 1
        return storable(text)

    return _refuse_text if is_kept else repaired


def _refuse_text(_text: str) -> str:
    raise UnfitError("a text with a NUL character, which PostgreSQL does not store")


def _text(longest: int | None, repaired: Convert) -> Convert:
    def write(value: Any) -> str:
        text: str = _of(str, value)
        if "\0" in text:
            text = repaired(text)
        if longest is not None and len(text) > longest:
            raise UnfitError(f"a text of {len(text):,} characters where {longest} are the most")
        return text

    return write


def _json(repaired: Convert) -> Convert:
    def write(value: Any) -> str:
        text: str = _of(str, value)
        try:
            content = json.loads(text, parse_constant=_refuse_constant)
        except ValueError:
            raise UnfitError("a text that is no JSON") from None
        if not _JSON_SUSPECTS.search(text):
            return text
        # Pairs of surrogates are one character, and fine.
        return json.dumps(_repaired_within(content, repaired), ensure_ascii=False)

    return write


def _refuse_constant(_name: str) -> Any:
    raise ValueError


def _repaired_within(content: Any, repaired: Convert) -> Any:
    if isinstance(content, str):
        return content if storable(content) == content else repaired(content)
    if isinstance(content, list):
        return [_repaired_within(item, repaired) for item in content]
    if isinstance(content, dict):
        items = content.items()
        return {
            _repaired_within(name, repaired): _repaired_within(item, repaired)
            for name, item in items
        }
    return content


# --- all other values ------------------------------------------------------------------------


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise UnfitError(f"a value of {type(value).__name__} where {kind.__name__} belongs")
    return value


def _integer(bound: int) -> Convert:
    def write(value: Any) -> int:
        number: int = _of(int, value)
        if not -bound <= number < bound:
            raise UnfitError(f"a number beyond {bound - 1:,}")
        return number

    return write


def _truth(value: Any) -> bool:
    if value not in {0, 1}:
        raise UnfitError("a truth value that is neither 0 nor 1")
    return bool(value)


def _id(value: Any) -> str:
    if not (isinstance(value, str) and _ID.fullmatch(value)):
        raise UnfitError("an id that is not spelt as 32 hexadecimal digits")
    return value


def _time(value: Any) -> str:
    text = value if isinstance(value, str) and _TIME.fullmatch(value) else ""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise UnfitError("a time that cannot be read") from None
    return f"{text}+00"


def _moment(text: str) -> str:
    """With six decimals and without a zone."""
    text = text.removesuffix("+00")
    return text if len(text) > len("2026-03-01 09:00:00") else f"{text}.000000"


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(_of(str, value)).isoformat()
    except ValueError:
        raise UnfitError("a day that cannot be read") from None


def _number(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise UnfitError(f"a value of {type(value).__name__} where a number belongs")


def _bytes(value: Any) -> bytes:
    content: bytes = _of(bytes, value)
    return content


_WRITE: dict[str, Convert] = {
    "boolean": _truth,
    "bytea": _bytes,
    "date": _date,
    "double precision": _number,
    "timestamp with time zone": _time,
    "uuid": _id,
}
_COMPARE: dict[str, Convert] = {
    "bytea": bytes,
    "jsonb": json.loads,
    "timestamp with time zone": _moment,
}
_READ_AS = {
    "date": "{}::text",
    "jsonb": "{}::text",
    "timestamp with time zone": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    "uuid": "replace({}::text, '-', '')",
}
