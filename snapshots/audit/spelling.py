"""Finds ids and times that SQLite holds in another spelling than the portal writes.

SQLite keeps them as text. Read by the portal such a cell means the same as before, so its leaf is
the same; but no search by that id or time finds the row any more. PostgreSQL has types for both.
"""

from collections.abc import Iterator
from functools import lru_cache

from django.db import connection
from django.db.models import Model

from snapshots.audit.horizon import TRAIL

_SECOND = "-".join(["[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2]) + " "
_SECOND += ":".join(["[0-9]" * 2] * 3)
_FRACTION = "." + "[0-9]" * 6


def respelt(table: str, after: int, upto: int) -> int | None:
    """The first such row in (after, upto], by its number."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute(_sql(table), [after, upto])
        found: int | None = cursor.fetchone()[0]
    return found


@lru_cache(maxsize=8)
def _sql(table: str) -> str:
    model = TRAIL[table]
    wrong = " OR ".join(_wrong(model))
    name = model._meta.db_table  # noqa: SLF001 - Django's public name for it
    first = f"SELECT min(seq) FROM {name} WHERE seq > %s AND seq <= %s"  # noqa: S608 - names of ours
    return f"{first} AND ({wrong})"


def _wrong(model: type[Model]) -> Iterator[str]:
    """What holds of a cell that is spelt otherwise; of an empty one nothing does."""
    for field in model._meta.concrete_fields:  # noqa: SLF001 - Django's public name for them
        cell, kind = f'"{field.column}"', field.db_type(connection)
        if kind == "char(32)":
            yield f"typeof({cell}) = 'blob' OR length({cell}) <> 32 OR {cell} GLOB '*[^0-9a-f]*'"
        elif kind == "datetime":
            second = f"{cell} GLOB '{_SECOND}'"
            exact = f"{cell} GLOB '{_SECOND}{_FRACTION}' AND substr({cell}, 20) <> '.000000'"
            yield f"typeof({cell}) <> 'text' OR NOT ({second} OR ({exact}))"
