"""The Arabic catalogue: one word for one thing."""

import re
import unicodedata

import pytest

from tools import words

# English, and what its Arabic word has in each form: without vowel signs.
TERMS = {
    "volumes?|disks?": "قرص|أقراص",
    "snapshots?": "لقط",
    "quotas?": "حص",
    "requests?": "طلب",
    "answers?": "رد|إجابة عن",
    "grants?": "إذن|أذن|أذون|منح",
    "auditors?": "مدقق",
    "helpdesk": "مكتب المساعدة",
    "audit trail": "سجل التدقيق",
    "seals?": "خت",
    "exchanges?": "تبادل",
    "tickets?": "تذكر",
    "worker": "عملية المعالجة",
    "on behalf of": "نيابة",
}


def _plain(text):
    return "".join(letter for letter in text if not unicodedata.combining(letter))


@pytest.fixture(scope="module")
def texts():
    """Each text with its translation: of a plural, with that of many things."""
    return [
        (message.id, message.string)
        if isinstance(message.id, str)
        else (message.id[1], message.string[-1])
        for message in words.read("ar")
        if message.id
    ]


@pytest.mark.parametrize(("english", "arabic"), TERMS.items())
def test_thing_has_its_own_word(texts, english, arabic):
    assert [
        (text, translation)
        for text, translation in texts
        if re.search(rf"\b({english})\b", re.sub(r"%\(\w+\)s|\{\w+\}", "", text.lower()))
        and "qualifiers" not in text
        and not re.search(arabic, _plain(translation))
    ] == []


def test_quotation_marks_are_of_one_kind(texts):
    assert [translation for _, translation in texts if re.search("[«»„]", translation)] == []


def test_counted_noun_has_the_form_of_its_number():
    """Where a number has no plural forms of its own, no noun may follow it: “7 days” and “30 days”
    are two words in Arabic.
    """
    counted = re.compile(
        r"(?:\{(?:days|most|left|new|changed)\}|%\((?:days|most|new|changed)\)s)"
        r" (?:يوم|أيام|لقط|أقراص|قرص|طلب|جديدة)"
    )
    assert [
        string
        for message in words.read("ar")
        for string in (message.string if isinstance(message.id, tuple) else [message.string])
        if message.id and counted.search(_plain(string))
    ] == []


def test_syntax_is_read_from_left_to_right(texts):
    """Behind an Arabic letter `>=400` turns into `400=<`, and 2026-10-01 into 01-10-2026."""
    turned = re.compile(
        r"(?<!\u200e)(?:[<>]=?\d|\b\d{4}-\d\d-\d\d)|\w(?:-\*|/|:”)(?!\u200e)(?=\.| |$)"
    )
    assert [
        translation
        for _, translation in texts
        if turned.search(re.sub(r"<[^>]+>", "", translation))
    ] == []


def test_what_a_person_wrote_is_set_apart(texts):
    """Where the sentence of the template has no `<bdi>`, its translation has the marks."""
    bare = re.compile(r'(?<!["\u2068])%\((?:text|server|address)\)s(?![^<]*>)')
    assert [translation for _, translation in texts if bare.search(translation)] == []
