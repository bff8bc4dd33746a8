"""The auditors' query language: `actor:alice status:>=400 "free text"` over the trail's entries."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from snapshots.models import ActionCode, AnomalyKind, Entry, EntryKind, Purpose

LONGEST = 1000
MOST_TERMS = 20
MOST_TEXT_HITS = 20_000  # of free text the newest so many, so that a common word stays quick
LEAST_OF_ID = 6
_TERM = re.compile(r'(?P<minus>-?)(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))')
_STATUS = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<number>[1-9]\d{2})")
_SIGNS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt", None: "exact"}


class SearchError(ValueError):
    """The query cannot be answered; the message says why and what can."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a query asks for."""

    conditions: tuple[Q, ...] = ()
    words: tuple[str, ...] = ()  # each a word or a phrase; all must be there
    background: bool = False


def parse(text: str) -> Search:
    """Raises `SearchError` for what cannot be answered. Empty text asks for everything."""
    if len(text) > LONGEST:
        raise SearchError(f"A query has at most {LONGEST} characters; this one has {len(text)}.")
    if text.count('"') % 2:
        raise SearchError('A quotation mark is open: write "free text" with two of them.')
    conditions: list[Q] = []
    words: list[str] = []
    background = False
    terms = list(_TERM.finditer(text))
    if len(terms) > MOST_TERMS:
        raise SearchError(f"A query has at most {MOST_TERMS} terms; this one has {len(terms)}.")
    for term in terms:
        name = term["name"]
        value = (term["quoted"] if term["bare"] is None else term["bare"]).replace("\x00", "")
        if name is None or name in _NO_NAMES:
            words.append(_word(term, value))
        elif name == "background":
            background = _background(value, conditions)
        else:
            wanted = _condition(name, value)
            conditions.append(~wanted if term["minus"] else wanted)
            # Whoever names an operation or a click wants all of it.
            background |= name in {"operation", "cause"}
    return Search(tuple(conditions), tuple(words), background)


def find(entries: QuerySet[Entry], search: Search) -> QuerySet[Entry]:
    """The entries that match, in no order yet."""
    if not search.background:
        entries = entries.filter(background=False)
    for condition in search.conditions:
        entries = entries.filter(condition)
    return _with_words(entries, search.words) if search.words else entries


def _with_words(entries: QuerySet[Entry], words: tuple[str, ...]) -> QuerySet[Entry]:
    if connection.vendor == "postgresql":
        matches = " AND ".join(["words @@ phraseto_tsquery('simple', %s)"] * len(words))
        parameters: tuple[object, ...] = words
    else:
        # Quoted, nothing in it is syntax; phrases side by side must all be there.
        matches = "snapshots_entry_words MATCH %s"
        parameters = (" ".join(f'"{word}"' for word in words),)
    source, number = (
        ("snapshots_entry", "seq")
        if connection.vendor == "postgresql"
        else ("snapshots_entry_words", "rowid")
    )
    newest = RawSQL(  # noqa: S611 - words of ours; what was typed is a parameter
        f"SELECT {number} FROM {source} WHERE {matches} "  # noqa: S608
        f"ORDER BY {number} DESC LIMIT {MOST_TEXT_HITS}",
        parameters,
    )
    return entries.filter(seq__in=newest)


# What looks like a qualifier but is text: addresses.
_NO_NAMES = {"http", "https"}


def _word(term: re.Match[str], value: str) -> str:
    if term["minus"] and term["name"] is None and term["bare"] is None:
        raise SearchError('Free text cannot be left out with "-": only qualifiers can.')
    return f"{term['name']}:{value}" if term["name"] else term["minus"] + value


def _background(value: str, conditions: list[Q]) -> bool:
    if value not in {"yes", "no", "only"}:
        raise SearchError("background: takes yes, no or only.")
    if value == "only":
        conditions.append(Q(background=True))
    return value != "no"


def _condition(name: str, value: str) -> Q:
    if name not in _QUALIFIERS:
        known = ", ".join([*_QUALIFIERS, "background"])
        raise SearchError(f"There is no “{name}:”. There are: {known}. Put text in quotes.")
    if not value:
        raise SearchError(f"“{name}:” needs a value.")
    return _QUALIFIERS[name](value)


def _equal(column: str) -> Callable[[str], Q]:
    return lambda value: Q(**{column: value})


def _volume(value: str) -> Q:
    span = _ids_starting(value)
    by_id = Q(volume_id__range=(str(span[0]), str(span[1]))) if span else Q(volume_id=value)
    return by_id | Q(volume_name__istartswith=value)


def _operation(value: str) -> Q:
    span = _ids_starting(value)
    return Q(operation_id__range=span) if span else Q(pk__in=())


def _ids_starting(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    digits = text.replace("-", "")
    whole = str(uuid.UUID(int=0))
    fits = all((a == "-") == (b == "-") for a, b in zip(text, whole, strict=False))
    is_hex = re.fullmatch(r"[0-9a-fA-F]+", digits) is not None
    if not (is_hex and fits and LEAST_OF_ID <= len(text) <= len(whole)):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def _cause(value: str) -> Q:
    try:
        return Q(cause=uuid.UUID(value))
    except ValueError:
        raise SearchError("cause: takes the whole id, as records show it.") from None


def _code(value: str) -> Q:
    return Q(code__in={value, value.upper()})


def _status(value: str) -> Q:
    if value == "none":
        return Q(kind=EntryKind.EXCHANGE, status__isnull=True)
    if re.fullmatch(r"[1-5]xx", value):
        least = int(value[0]) * 100
        return Q(status__gte=least, status__lt=least + 100)
    told = _STATUS.fullmatch(value)
    if told is None:
        raise SearchError("status: takes 404, 4xx, >=400, <300 or none (no answer).")
    return Q(**{f"status__{_SIGNS[told['sign']]}": int(told["number"])})


def _kind(value: str) -> Q:
    if value not in EntryKind.values:
        raise SearchError(f"kind: takes {', '.join(EntryKind.values)}.")
    return Q(kind=value)


def _what(value: str) -> Q:
    known = {*Purpose.values, *ActionCode.values, *AnomalyKind.values}
    wanted = sorted(one for one in known if one == value or one.startswith(f"{value}:"))
    if not wanted:
        raise SearchError(f"what: does not know “{value}”; try create, session or operation:ask.")
    return Q(what__in=wanted)


def _day(name: str, value: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(value), time.min, tzinfo=UTC)
    except ValueError:
        raise SearchError(f"{name}: takes a day (UTC), written 2026-10-01.") from None


def _next(name: str, value: str) -> datetime:
    try:
        return _day(name, value) + timedelta(days=1)
    except OverflowError:
        raise SearchError(f"{name}: takes an earlier day.") from None


_QUALIFIERS: dict[str, Callable[[str], Q]] = {
    "actor": _equal("actor_name"),
    "for": _equal("on_behalf_of"),
    "ticket": _equal("ticket"),
    "volume": _volume,
    "operation": _operation,
    "cloud": _equal("cloud"),
    "status": _status,
    "code": _code,
    "kind": _kind,
    "what": _what,
    "cause": _cause,
    "since": lambda value: Q(at__gte=_day("since", value)),
    "until": lambda value: Q(at__lt=_next("until", value)),
    "before": lambda value: Q(at__lt=_day("before", value)),
    "after": lambda value: Q(at__gte=_next("after", value)),
    "on": lambda value: Q(at__gte=_day("on", value), at__lt=_next("on", value)),
}
