"""What every translation into Turkish keeps to."""

import re

import pytest

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
