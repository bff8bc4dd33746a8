"""Rows of the trail, many at a time, as both databases read them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any

from django.core.management.color import no_style
from django.db import connection
from django.db.models import JSONField, Max, Model

from snapshots.models import Action, Anomaly, Answer, Exchange, Operation

NUMBERED: tuple[type[Model], ...] = (Exchange, Answer, Action, Anomaly)
# In this order, since a trigger looks at what was there before.
_MODELS: tuple[type[Model], ...] = (Operation, Exchange, Answer, Action, Anomaly)

Values = dict[
    str, Any
]  # by column: times in UTC and without zone, ids in hexadecimal, JSON as text


@lru_cache
def _defaults(model: type[Model]) -> Values:
    """Each column, and what is in it where nothing is told."""
    columns = model._meta.concrete_fields
    return {
        str(column.column): "{}" if isinstance(column, JSONField) else column.get_default()
        for column in columns
    }


@dataclass(slots=True)
class Rows:
    """Rows that are written together; those of the trail get their numbers in the order of time."""

    numbers: dict[type[Model], Iterator[int]]
    values: dict[type[Model], list[Values]] = field(
        default_factory=lambda: {model: [] for model in _MODELS}
    )
    answers: list[tuple[Values, Values]] = field(default_factory=list)  # each after its exchange
    before: int = 0  # exchanges written earlier

    @property
    def exchanges(self) -> int:
        return self.before + len(self.values[Exchange])

    def add(self, model: type[Model], **values: Any) -> Values:
        """Columns that are not told have their defaults. Raises `KeyError` for one there is not."""
        row = _defaults(model) | values
        if len(row) != len(_defaults(model)):
            raise KeyError(*(values.keys() - _defaults(model).keys()))
        self.values[model].append(row)
        return row

    def answer(self, exchange: Values, **values: Any) -> None:
        self.answers.append((exchange, self.add(Answer, **values)))

    def write(self) -> Counter[str]:
        """Insert everything; how many rows of each table."""
        for model in NUMBERED:
            if model is Answer:
                self._name_exchanges()
            self._number(model)
        for model, rows in self.values.items():
            _insert(model, rows)
        return Counter({_name(model): len(rows) for model, rows in self.values.items()})

    def _name_exchanges(self) -> None:
        for exchange, answer in self.answers:
            answer["exchange_id"] = exchange["seq"]

    def _number(self, model: type[Model]) -> None:
        rows = self.values[model]
        rows.sort(key=_at)
        for row, seq in zip(rows, self.numbers[model], strict=False):
            row["seq"] = seq


def _at(row: Values) -> datetime:
    at: datetime = row["at"]
    return at


def free_numbers() -> dict[type[Model], Iterator[int]]:
    """For each table of the trail the numbers after those there are."""
    return {model: count(_highest(model) + 1) for model in NUMBERED}


def _highest(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0


def go_on_after() -> None:
    """Rows that the portal makes get higher numbers than ours."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(NUMBERED)):
            cursor.execute(statement)


def _name(model: type[Model]) -> str:
    return str(model._meta.model_name)


def _insert(model: type[Model], rows: list[Values]) -> None:
    table, names = model._meta.db_table, ", ".join(_defaults(model))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = f"COPY {table} ({names}) FROM STDIN"
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(tuple(row.values()))
        elif rows:
            marks = ", ".join(["%s"] * len(rows[0]))
            sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            cursor.executemany(sql, [tuple(row.values()) for row in rows])
