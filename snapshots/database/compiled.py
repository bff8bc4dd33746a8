"""Queries that every page makes, compiled once for each process."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

_KEY = -7_030_265_705  # stands for the key while the query is compiled


class Compiled:
    """A query for the rows of one key. Django takes longer to write its text than a database to
    answer it, and the text never changes.

    The columns come as the database has them, so they have to be texts and numbers.
    """

    def __init__(self, rows_of: Callable[[int], QuerySet[Any, Any]]) -> None:
        self._rows_of = rows_of
        self._text: tuple[str, tuple[Any, ...]] | None = None

    def rows(self, key: int) -> list[tuple[Any, ...]]:
        """The columns of each row."""
        if self._text is None:
            self._text = self._rows_of(_KEY).query.sql_with_params()
        text, parameters = self._text
        with connection.cursor() as cursor:
            cursor.execute(text, [key if each == _KEY else each for each in parameters])
            return list(cursor.fetchall())
