"""The newest entries that a search finds, in a time that does not grow with the trail.

The condition that promises the fewest rows leads: an index gives its rows, the newest first, and up
to so many of them are asked for all else. Left to themselves both databases look through the whole
trail whenever they guess wrong.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import Q, QuerySet

from snapshots.audit.search.qualifiers import RARE, Condition
from snapshots.audit.search.query import Search, hits_of, says, side_of
from snapshots.models import Entry

MOST_CANDIDATES, LEAST_CANDIDATES = 10_000, 100  # in all, and of one branch
MOST_HITS = 20_000  # rows that have the words, the newest first
MOST_BRANCHES = 200  # places an index is entered at
MOST_BRANCHES_WITH_WORDS = 4  # where each asks SQLite's index of words again
MOST_VALUES = 5_000  # different ones of a column that are looked through
_TABLE = '"snapshots_entry"'
_FIELDS = Entry._meta.concrete_fields
_COLUMNS = [*(str(field.column) for field in _FIELDS), "words"]

Cursor = tuple[datetime, int]  # the `at` and `seq` of an entry


@dataclass(frozen=True, slots=True)
class Newest:
    """Some entries, newest first, and after which one to go on; None: there are no more."""

    entries: list[Entry]
    older: Cursor | None = None
    is_cut: bool = False  # there may be more, but so many candidates were enough for once


def newest(
    entries: QuerySet[Entry], search: Search, *, before: Cursor | None = None, size: int = 50
) -> Newest:
    """At most `size` of these entries that match and are older than `before`."""
    nearest: Newest | None = None
    with suppress(EmptyResultSet):
        within = _where(_within(entries, search, before))
        for plan in _plans(search):
            page = _carried_out(plan, within, size)
            if not page.is_cut:
                return page
            # What is newer than where it was cut is whole: further back is more.
            nearest = min(nearest or page, page, key=_end_of)
    return nearest or Newest([])


def _end_of(cut: Newest) -> Cursor:
    return cut.older or (datetime.max.replace(tzinfo=UTC), 0)


def _within(entries: QuerySet[Entry], search: Search, before: Cursor | None) -> QuerySet[Entry]:
    entries = entries.filter(
        *(condition.matches for condition in search.conditions if condition.of_time)
    )
    if before is None:
        return entries
    at, seq = before
    return entries.filter(Q(at__lte=at) & (Q(at__lt=at) | Q(seq__lt=seq)))


def _carried_out(plan: "_Plan", within: "_Sql", size: int) -> Newest:
    entries: list[Entry] = []
    for entry in _asked(plan, within, size + 1):
        if not entry.kind:  # the end of what was looked at
            return Newest(entries, (entry.at, entry.seq), is_cut=True)
        if len(entries) == size:
            return Newest(entries, (entries[-1].at, entries[-1].seq))
        entries.append(entry)
    return Newest(entries)


def _asked(plan: "_Plan", within: "_Sql", size: int) -> Sequence[Entry]:
    """Matching entries, and among them for each branch that was not followed to its end a mark
    where that was: an entry of no kind.
    """
    parts = [part for branch in plan.branches for part in _parts(branch, plan, within, size)]
    if not parts:
        return []
    # The same row by two ways is one; a mark comes after the row that it is at.
    union = " UNION ".join(part.text for part in parts)
    order = "ORDER BY at DESC, seq DESC, mark"
    first = f"SELECT * FROM ({union}) AS every {order} LIMIT {size + len(plan.branches)}"
    sql = (
        f"SELECT newest.at, newest.seq, entry.row, "
        f"CASE mark WHEN 1 THEN '' ELSE entry.kind END AS kind "
        f"FROM ({first}) AS newest JOIN {_TABLE} AS entry ON entry.seq = newest.seq "
        f"ORDER BY newest.at DESC, newest.seq DESC, mark"
    )
    return list(Entry.objects.raw(sql, [value for part in parts for value in part.parameters]))


# --- what is asked of the database -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sql:
    """A piece of a statement. What was typed is in the parameters only."""

    text: str
    parameters: tuple[Any, ...] = ()

    def and_also(self, other: "_Sql") -> "_Sql":
        return _Sql(f"{self.text} AND {other.text}", self.parameters + other.parameters)


ALL = _Sql("1 = 1")


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where to enter indexes, and what is asked of the rows there."""

    branches: list[_Sql]
    rest: _Sql = ALL
    most: int = MOST_CANDIDATES  # candidates of each branch
    phrases: tuple[str, ...] = ()  # asked of them too, where one row alone cannot be asked


def _parts(branch: _Sql, plan: _Plan, within: _Sql, size: int) -> Iterator[_Sql]:
    """The rows of one branch, and its mark."""
    led = f"FROM {_TABLE} WHERE {branch.text} AND {within.text} ORDER BY at DESC, seq DESC"
    leading = (*branch.parameters, *within.parameters)
    rest = plan.rest
    if plan.phrases:
        rest = rest.and_also(_have(plan.phrases, led, leading, plan.most))
    if rest == ALL:
        yield _Sql(
            f"SELECT at, seq, 0 AS mark FROM (SELECT at, seq {led} LIMIT {size}) AS p", leading
        )
        return
    # The limit is a fence: candidates are taken in their order, and both databases stop when enough
    # of them have passed.
    asked = [name for name in _COLUMNS if name in {"at", "seq"} or f'"{name}"' in rest.text]
    columns = ", ".join(f'"{name}"' for name in asked)  # reading others would cost time
    candidates = f"(SELECT {columns} {led} LIMIT {plan.most}) AS {_TABLE}"
    passed = f"SELECT at, seq, 0 AS mark FROM {candidates} WHERE {rest.text} LIMIT {size}"
    yield _Sql(f"SELECT * FROM ({passed}) AS p", (*leading, *rest.parameters))
    rim = f"(SELECT at, seq {led} LIMIT 1 OFFSET {plan.most - 1}) AS rim"
    yield _Sql(f"SELECT at, seq, 1 FROM {rim}", leading)


def _have(phrases: tuple[str, ...], led: str, leading: tuple[Any, ...], most: int) -> _Sql:
    """That a candidate has the phrases: SQLite's index of words is asked once for all
    numbers between theirs, since a question for each takes far longer.
    """
    numbers, parameters = hits_of(phrases)
    least, greatest = (f"(SELECT {f}(seq) FROM (SELECT seq {led} LIMIT {most}))" for f in _ENDS)
    text = f"seq IN ({numbers} AND rowid BETWEEN {least} AND {greatest})"
    return _Sql(text, (*parameters, *leading, *leading))


_ENDS = ("min", "max")


def _where(entries: QuerySet[Entry]) -> _Sql:
    """Raises `EmptyResultSet` for what no row is."""
    query = entries.query
    try:
        text, parameters = query.where.as_sql(query.get_compiler(connection=connection), connection)
    except FullResultSet:
        return ALL
    return _Sql(f"({text})", tuple(parameters)) if text else ALL


# --- which index leads -----------------------------------------------------------------------


def _plans(search: Search) -> Iterator[_Plan]:
    """Ways to find it, the next one for where the one before looks at too many candidates. Raises
    `EmptyResultSet` where nothing can match.
    """
    conditions = [condition for condition in search.conditions if not condition.of_time]
    first = min(conditions, key=lambda condition: condition.rank, default=None)
    is_rare = first is not None and first.rank <= RARE
    by_words = bool(search.phrases) and (_is_postgres() or not _is_common(search.phrases))
    if is_rare or not by_words or _is_postgres():
        yield _by_column(search, conditions, first)
    if by_words:
        yield _by_words(search, conditions)


def _by_words(search: Search, conditions: list[Condition]) -> _Plan:
    rest = _that_are(*(condition.matches for condition in conditions), *side_of(search))
    if _is_postgres():
        return _Plan([_Sql(*says(search.phrases))], rest, MOST_HITS)
    numbers, parameters = hits_of(search.phrases)
    return _Plan([_Sql(f"seq IN ({numbers})", parameters)], rest, MOST_HITS + 1)


def _is_common(phrases: tuple[str, ...]) -> bool:
    """Whether they are in too many rows to take all: SQLite's index of words does not know which of
    them are the newest.
    """
    numbers, parameters = hits_of(phrases)
    with connection.cursor() as cursor:
        cursor.execute(f"{numbers} LIMIT 1 OFFSET {MOST_HITS}", parameters)
        return cursor.fetchone() is not None


def _by_column(search: Search, conditions: list[Condition], first: Condition | None) -> _Plan:
    sides = (False, True) if search.background is None else (search.background,)
    entered = _entered(first, search, sides) if first else None
    # Values are picked more loosely than the database compares (a volume's id by its beginning).
    is_exact = entered is not None and first is not None and not (first.way and first.way.picks)
    others = (
        [condition for condition in conditions if condition is not first]
        if is_exact
        else conditions
    )
    branches = entered
    if branches is None:
        branches = [_Sql('"background" = %s', (side,)) for side in sides]
    rest = _that_are(*(condition.matches for condition in others))
    if search.phrases and _is_postgres():
        rest = rest.and_also(_Sql(*says(search.phrases)))
    most = max(LEAST_CANDIDATES, MOST_CANDIDATES // max(1, len(branches)))
    return _Plan(branches, rest, most, phrases=() if _is_postgres() else search.phrases)


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _that_are(*asked: Q) -> _Sql:
    return _where(Entry.objects.filter(*asked))


def _entered(condition: Condition, search: Search, sides: Sequence[bool]) -> list[_Sql] | None:
    """The places where an index begins with what is asked; None: there is none, or too many."""
    way = condition.way
    if way is None:
        return None
    if way.whole:
        return [_that_are(condition.matches, *side_of(search))]
    if way.where:
        return [_Sql(f'{way.where} AND "background" = %s', (side,)) for side in sides]
    pairs = [(column, value) for column in way.columns for value in way.values]
    if way.picks is not None:
        there = list(_there_are(way.columns))
        if max(Counter(column for column, _ in there).values(), default=0) >= MOST_VALUES:
            return None  # there are more, and they were not looked through
        pairs = [(column, value) for column, value in there if way.picks(value)]
    most = MOST_BRANCHES  # SQLite joins 500 parts, two of each branch
    if search.phrases and not _is_postgres():
        most = MOST_BRANCHES_WITH_WORDS
    if len(pairs) * len(sides) > most:
        return None
    return [
        _Sql(f'"{column}" = %s AND "background" = %s', (value, side))
        for column, value in pairs
        for side in sides
    ]


def _there_are(columns: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The different values of these columns: each is found by one step in an index."""
    with connection.cursor() as cursor:
        cursor.execute(_values_sql(columns))
        for number, value in cursor.fetchall():
            yield columns[number], value


def _values_sql(columns: Sequence[str]) -> str:
    steps = ", ".join(
        f'v{number}(v) AS (SELECT min("{column}") FROM {_TABLE} UNION ALL SELECT '
        f'(SELECT min("{column}") FROM {_TABLE} WHERE "{column}" > v) FROM v{number} '
        f"WHERE v IS NOT NULL)"
        for number, column in enumerate(columns)
    )
    values = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {number} AS n, v FROM v{number} WHERE v IS NOT NULL "
        f"LIMIT {MOST_VALUES}) AS s{number}"
        for number in range(len(columns))
    )
    return f"WITH RECURSIVE {steps} {values}"
