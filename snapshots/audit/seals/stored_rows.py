"""Reads rows of the trail as the database stores them, without Django's conversions.

Verifying reads each cell of millions of rows. Django would make an object of each id and time, only
for `canonical` to spell it again. SQLite stores ids, times and truth values as text and numbers. A
cell with another spelling than the portal's may mean the same to Django, but a search would miss
its row: such a cell has no value here.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Field, JSONField

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals.canonical import FIELDS

Reader = Callable[[Any], Any]

OTHERWISE = b"spelt otherwise"  # no canonical value is bytes
ROWS_AT_ONCE = 250  # in memory: a row may have two bodies of a MiB

_ID = re.compile("([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?")


def stored_rows(form: int, table: str, after: int, upto: int) -> Iterator[list[Any]]:
    """Rows in (after, upto] by number: the fields of this format, values as `canonical.plain` makes
    them, or `OTHERWISE`.
    """
    query = _query(form, table)
    while rows := _some(query.sql, after, upto):
        for values in rows:
            row = list(values)
            for place, read in query.readers:
                if row[place] is not None:
                    row[place] = read(row[place])
            yield row
        after = rows[-1][0]


def _some(sql: str, after: int, upto: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [after, upto])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


class _Query(NamedTuple):
    sql: str
    readers: list[tuple[int, Reader]]  # for the columns at these places


def _query(form: int, table: str) -> _Query:
    return _query_for(connection.vendor, form, table)


@lru_cache(maxsize=32)
def _query_for(vendor: str, form: int, table: str) -> _Query:
    meta = TRAIL[table]._meta
    fields = {field.attname: field for field in meta.concrete_fields}
    columns = [fields[name] for name in FIELDS[form][table]]
    cells = ", ".join(_cell(vendor, field) for field in columns)
    sql = (
        f"SELECT {cells} FROM {meta.db_table} WHERE seq > %s AND seq <= %s "
        f"ORDER BY seq LIMIT {ROWS_AT_ONCE}"
    )
    readers = ((place, _reader(vendor, field)) for place, field in enumerate(columns))
    return _Query(sql, [(place, read) for place, read in readers if read is not None])


def _cell(vendor: str, field: "Field[Any, Any]") -> str:
    if vendor == "sqlite":
        return f'+"{field.column}"'  # an expression has no declared type for Django to convert by
    return f'"{field.column}"::text' if _kind(field) == "uuid" else f'"{field.column}"'


def _reader(vendor: str, field: "Field[Any, Any]") -> Reader | None:
    if isinstance(field, JSONField):
        return _json
    readers = {"char(32)": _id, "datetime": _time, "bool": _truth} if vendor == "sqlite" else {}
    return readers.get(_kind(field))


def _kind(field: "Field[Any, Any]") -> str:
    return str(field.db_type(connection))


def _json(cell: Any) -> Any:
    return json.loads(cell) if isinstance(cell, str) else OTHERWISE


def _id(cell: Any) -> Any:
    parts = _ID.fullmatch(cell) if isinstance(cell, str) else None
    return "-".join(parts.groups()) if parts else OTHERWISE


def _time(cell: Any) -> Any:
    match = _TIME.fullmatch(cell) if isinstance(cell, str) else None
    if match is None or match[1] == ".000000":
        return OTHERWISE
    return f"{cell[:10]}T{cell[11:19]}{match[1] or '.000000'}Z"


def _truth(cell: Any) -> Any:
    return {0: False, 1: True}.get(cell, OTHERWISE)
