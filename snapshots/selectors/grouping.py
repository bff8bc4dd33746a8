"""What counts are grouped by, so that a database enters the index of the condition.

SQLite would rather read a whole table in the order of the groups than sort a few rows.
"""

from typing import Any

from django.db.models import CharField, Func


class Plain(Func):
    """A column of text, without its index."""

    template = "%(expressions)s"
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


class DayInUtc(Func):
    """The day of a moment as text. Not Django's `TruncDate`, which SQLite asks Python for."""

    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="substr(%(expressions)s, 1, 10)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        return self.as_sql(compiler, connection, template=template, **context)
