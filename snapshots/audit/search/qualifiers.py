"""The qualifiers of the auditors' query language: what each means, and which index leads there."""

import operator
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from snapshots.localized import listed
from snapshots.models import ActionCode, AnomalyKind, EntryKind, Purpose
from snapshots.models.finding import longest_of
from snapshots.models.folding import fold
from snapshots.models.ids import ids_starting

LONGEST_OF_NUMBER = 18  # digits that every database holds
_STATUS = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<number>[1-9]\d{2})")
_SIGNS: dict[str, tuple[str, Callable[[int, int], bool]]] = {
    ">=": ("gte", operator.ge),
    "<=": ("lte", operator.le),
    ">": ("gt", operator.gt),
    "<": ("lt", operator.lt),
}

# How many rows a condition leaves, from almost none to almost all. What a person types is rare in
# a trail of millions; what nearly every row says is the last thing to go by.
_ORDER = (
    *("cause", "operation", "ticket", "volume", "target", "code", "for", "status", "actor"),
    *("statuses", "what", "status-of-success", "cloud", "kind"),
)
_PEOPLE = ("actor", "for")  # qualifiers whose value is a person's name
RARE = _ORDER.index("for")  # up to here rarer than a word that is everywhere


class SearchError(ValueError):
    """The query cannot be answered; the message says why and what can."""


@dataclass(frozen=True, slots=True)
class Way:
    """The values that an index is entered by: `values`, or those there are that `picks` takes."""

    columns: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    picks: Callable[[Any], bool] | None = None
    whole: bool = False  # so few rows that all are taken, by the condition itself
    where: str = ""  # of an index of exactly these rows
    rank: str = ""  # in `_ORDER`, where that is not the qualifier's


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must be. Without a way, or left out by a minus, no index leads to it."""

    matches: Q
    way: Way | None = None
    rank: int = len(_ORDER)
    of_time: bool = False
    name: str = ""  # of a person, as it was typed

    def negated(self) -> "Condition":
        return Condition(~self.matches, of_time=self.of_time)


def condition_of(name: str, value: str) -> Condition:
    """Raises `SearchError` for what cannot be answered."""
    if name not in QUALIFIERS:
        names = listed([*QUALIFIERS, "background"])
        sentence = _("There is no “{name}:”. There are: {names}. Put text in quotes.")
        raise SearchError(sentence.format(name=name, names=names))
    if not value:
        raise SearchError(_("“{name}:” needs a value.").format(name=name))
    meaning = QUALIFIERS[name](value)
    if isinstance(meaning, Q):
        return Condition(meaning, of_time=name in _MOMENTS)
    matches, way = meaning
    person = value if name in _PEOPLE else ""
    return Condition(matches, way, _ORDER.index(way.rank or name), name=person)


Meaning = Q | tuple[Q, Way]


def _equal(column: str) -> Callable[[str], Meaning]:
    def meaning(value: str) -> Meaning:
        name = _folded(value, column)
        return Q(**{column: name}), Way((column,), (name,))

    return meaning


def _folded(name: str, column: str) -> str:
    """The name as this column of an entry holds it (`models/folding.py`)."""
    folded = fold(name)
    if not folded.strip():
        sentence = _("“{name}” has no letter or digit to search for.")
        raise SearchError(sentence.format(name=name))
    return folded[: longest_of(column)]


def _thing(kind: str) -> Callable[[str], Meaning]:
    """By the id or the beginning of it, or by the beginning of the name."""
    id_column, name_column = f"{kind}_id", f"{kind}_name"

    def meaning(value: str) -> Meaning:
        span = ids_starting(value)
        if span and span[0] == span[1]:
            return Q(**{id_column: str(span[0])}), Way((id_column,), (str(span[0]),))
        ids = {f"{id_column}__range": tuple(map(str, span))} if span else {id_column: value}
        name = _folded(value, name_column)
        way = Way((id_column, name_column), picks=lambda text: fold(text).startswith(name))
        return Q(**ids) | Q(**{f"{name_column}__startswith": name}), way

    return meaning


def _operation(value: str) -> Meaning:
    span = ids_starting(value)
    return Q(operation_id__range=span) if span else Q(pk__in=()), Way(whole=True)


def _cause(value: str) -> Meaning:
    try:
        cause = uuid.UUID(value)
    except ValueError:
        raise SearchError(_("cause: takes the whole id, as records show it.")) from None
    return Q(cause=cause), Way(whole=True)


def _actor_id(value: str) -> Meaning:
    if not (value.isascii() and value.isdecimal() and len(value) <= LONGEST_OF_NUMBER):
        raise SearchError(_("actor-id: takes the number of an account, as records show it."))
    return Q(actor_id=int(value)), Way(("actor_id",), (int(value),), rank="actor")


def _code(value: str) -> Meaning:
    either = tuple(sorted({value, value.upper()}))
    return Q(code__in=either), Way(("code",), either)


def _status(value: str) -> Meaning:
    if value == "none":
        unanswered = Q(kind=EntryKind.EXCHANGE, status__isnull=True)
        return unanswered, Way(where="kind = 'exchange' AND status IS NULL")
    if re.fullmatch(r"[1-5]xx", value):
        least = int(value[0]) * 100
        matches = Q(status__gte=least, status__lt=least + 100)
        return matches, _statuses(lambda status: least <= status < least + 100)
    match = _STATUS.fullmatch(value)
    if match is None:
        raise SearchError(_("status: takes 404, 4xx, >=400, <300 or none (no answer)."))
    number = int(match["number"])
    if match["sign"] is None:
        is_success = 200 <= number < 300
        way = Way(("status",), (number,), rank="status-of-success" if is_success else "")
        return Q(status=number), way
    lookup, compare = _SIGNS[match["sign"]]
    return Q(**{f"status__{lookup}": number}), _statuses(lambda status: compare(status, number))


def _statuses(picks: Callable[[int], bool]) -> Way:
    is_success = any(map(picks, range(200, 300)))
    return Way(("status",), picks=picks, rank="status-of-success" if is_success else "statuses")


def _kind(value: str) -> Meaning:
    if value not in EntryKind.values:
        kinds = listed(EntryKind.values)
        raise SearchError(_("kind: takes {kinds}.").format(kinds=kinds))
    return Q(kind=value), Way(("kind",), (value,))


def _what(value: str) -> Meaning:
    names = {*Purpose.values, *ActionCode.values, *AnomalyKind.values}
    matching = sorted(name for name in names if name == value or name.startswith(f"{value}:"))
    if not matching:
        sentence = _("what: does not know “{value}”; try create, session or operation:ask.")
        raise SearchError(sentence.format(value=value))
    return Q(what__in=matching), Way(("what",), tuple(matching))


def _day(name: str, value: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(value), time.min, tzinfo=UTC)
    except ValueError:
        sentence = _("{name}: takes a day (UTC), written 2026-10-01.")
        raise SearchError(sentence.format(name=name)) from None


def _next(name: str, value: str) -> datetime:
    try:
        return _day(name, value) + timedelta(days=1)
    except OverflowError:
        raise SearchError(_("{name}: takes an earlier day.").format(name=name)) from None


_MOMENTS: dict[str, Callable[[str], Meaning]] = {
    "since": lambda value: Q(at__gte=_day("since", value)),
    "until": lambda value: Q(at__lt=_next("until", value)),
    "before": lambda value: Q(at__lt=_day("before", value)),
    "after": lambda value: Q(at__gte=_next("after", value)),
    "on": lambda value: Q(at__gte=_day("on", value), at__lt=_next("on", value)),
}
QUALIFIERS: dict[str, Callable[[str], Meaning]] = {
    "actor": _equal("actor_name"),
    "actor-id": _actor_id,
    "for": _equal("on_behalf_of"),
    "ticket": _equal("ticket"),
    "volume": _thing("volume"),
    "target": _thing("target"),
    "operation": _operation,
    "cloud": _equal("cloud"),
    "status": _status,
    "code": _code,
    "kind": _kind,
    "what": _what,
    "cause": _cause,
    **_MOMENTS,
}
