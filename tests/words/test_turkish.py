"""What every translation into Turkish keeps to."""

import re

import pytest
from django.utils import translation
from django.utils.text import capfirst

from snapshots.audit.record.comparison import Verdict
from tools import words

# A word that was given up, and the word of the portal.
_ONE_WORD = [
    (r"\bbirim", "disk"),  # volume
    (r"\bsüz", "filtre"),  # filter
    (r"\bdenetle", "kontrol et"),  # check; “denetim” is an audit
    (r"\balışveriş", "istek ve yanıt"),  # exchange; else it is shopping
    (r"\baykırılık", "anomali"),
    (r"\bistek gönderil|\bbu istek (?!anla)", "talep"),  # what a person asked for
]


@pytest.fixture(scope="module")
def texts():
    strings = [message.string for message in words.read("tr") if message.id]
    return [text for each in strings for text in ([each] if isinstance(each, str) else each)]


def _with(texts, pattern):
    """Python folds “İ” to two characters and “I” to “i”: neither is Turkish."""
    lowered = ((text, text.replace("İ", "i").replace("I", "ı").lower()) for text in texts)
    return [text for text, low in lowered if re.search(pattern, low)]


@pytest.mark.parametrize(("given_up", "word"), _ONE_WORD)
def test_a_thing_has_one_word(texts, given_up, word):
    assert _with(texts, given_up) == []
    assert _with(texts, word)


# What reads well and says something else.
_MISLEADING = [
    r"\bdisk\w* (boşsa|.*\bboşalır|.*\bboş\.)",  # an empty disk, where one is free to be used
    r"her şey çalışmıyor",  # nothing works, where some of it does not
    r"kotadan sayıl",  # off the quota, where it takes room in it
]


@pytest.mark.parametrize("misleading", _MISLEADING)
def test_nothing_says_something_else(texts, misleading):
    assert _with(texts, misleading) == []


def test_no_hour_follows_a_time(texts):
    """`09 Kas 2026 14:30:05 UTC+03`, or 14:30 alone: what follows must suit both."""
    assert _with(texts, r"\{(since|time|at|seen)\} saat|%\((\w+_at|since|time|seen)\)s saat") == []


def test_what_is_too_long_is_named_in_a_sentence(texts):
    limits = [text for text in texts if "{what}" in text and "{most}" in text]
    assert [text for text in limits if not text.startswith("Girilen {what} ")] == []


@pytest.mark.parametrize("verdict", Verdict)
def test_verdict_begins_with_a_letter_that_python_raises_right(verdict):
    """Of “i” Python and Django make “I”."""
    with translation.override("tr"):
        raised = capfirst(str(verdict.label))
    assert not raised.startswith("I")
