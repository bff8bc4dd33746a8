"""The auditors' query language: `actor:alice status:>=400 "free text"` over the trail's entries."""

import re
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from snapshots.audit.search.qualifiers import Condition, SearchError, condition_of
from snapshots.models import Entry
from snapshots.models.folding import fold_words

LONGEST = 1000
MOST_TERMS = 20
_TERM = re.compile(
    r'(?P<minus>-?)(?:(?P<name>[a-z]+(?:-[a-z]+)*):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))'
)
_BACKGROUND = {"yes": None, "no": False, "only": True}


@dataclass(frozen=True, slots=True)
class Search:
    """What a query asks for."""

    conditions: tuple[Condition, ...] = ()
    phrases: tuple[str, ...] = ()  # each a word or a phrase; all must be there
    background: bool | None = False  # None: whether or not somebody clicked

    @property
    def people(self) -> list[str]:
        """Names of people that were asked for, and single words, which may be some."""
        names = [condition.name for condition in self.conditions if condition.name]
        return [*names, *(phrase for phrase in self.phrases if " " not in phrase)]


def parse(text: str) -> Search:
    """Raises `SearchError` for what cannot be answered. Empty text asks for everything."""
    if len(text) > LONGEST:
        sentence = _("A query has at most {most} characters; this one has {count}.")
        raise SearchError(sentence.format(most=LONGEST, count=len(text)))
    if text.count('"') % 2:
        raise SearchError(_('A quotation mark is open: write "free text" with two of them.'))
    conditions: list[Condition] = []
    phrases: list[str] = []
    background: bool | None = False
    is_side_named = whole = False
    terms = list(_TERM.finditer(text))
    if len(terms) > MOST_TERMS:
        sentence = _("A query has at most {most} terms; this one has {count}.")
        raise SearchError(sentence.format(most=MOST_TERMS, count=len(terms)))
    for term in terms:
        name = term["name"]
        value = (term["quoted"] if term["bare"] is None else term["bare"]).replace("\x00", "")
        if name is None or name in _NO_NAMES:
            phrases.append(_phrase(term, value))
        elif name == "background":
            if term["minus"]:
                raise SearchError(_("background: takes yes, no or only, and no minus."))
            background, is_side_named = _background(value), True
        else:
            condition = condition_of(name, value)
            conditions.append(condition.negated() if term["minus"] else condition)
            whole = whole or (name in {"operation", "cause"} and not term["minus"])
    if whole and not is_side_named:
        background = None  # a search for an operation or a click is for all of it
    return Search(tuple(conditions), tuple(phrases), background)


def find(entries: QuerySet[Entry], search: Search) -> QuerySet[Entry]:
    """All entries that match, however long it takes, in no order yet."""
    matches = [condition.matches for condition in search.conditions]
    entries = entries.filter(*matches, *side_of(search))
    # What was typed is a parameter.
    if search.phrases:
        entries = entries.filter(seq__in=RawSQL(*hits_of(search.phrases)))  # noqa: S611 - no text
    return entries


def side_of(search: Search) -> list[Q]:
    """Whether somebody clicked for it, if that was asked."""
    return [] if search.background is None else [Q(background=search.background)]


def hits_of(phrases: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """What gives the numbers of all entries that have the phrases, and with what parameters."""
    if connection.vendor == "postgresql":
        matches, parameters = says(phrases)
        return f"SELECT seq FROM snapshots_entry WHERE {matches}", parameters
    # Quoted, nothing in it is syntax; phrases side by side must all be there.
    match = " ".join(f'"{fold_words(phrase)}"' for phrase in phrases)
    return "SELECT rowid FROM snapshots_entry_words WHERE snapshots_entry_words MATCH %s", (match,)


def says(phrases: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """What asks a row for the phrases, in PostgreSQL, and with what parameters."""
    has = '"snapshots_entry"."words" @@ phraseto_tsquery(\'simple\', %s)'
    return " AND ".join([has] * len(phrases)), tuple(map(fold_words, phrases))


# What looks like a qualifier but is text: addresses.
_NO_NAMES = {"http", "https"}


def _phrase(term: re.Match[str], value: str) -> str:
    if term["minus"] and value:
        raise SearchError(_('Free text cannot be left out with "-": only qualifiers can.'))
    return f"{term['name']}:{value}" if term["name"] else term["minus"] + value


def _background(value: str) -> bool | None:
    if value not in _BACKGROUND:
        raise SearchError(_("background: takes yes, no or only."))
    return _BACKGROUND[value]
