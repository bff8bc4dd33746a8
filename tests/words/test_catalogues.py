"""The catalogues: complete, in step with the source, and safe to be filled in."""

import re

import pytest
from babel.messages.catalog import Message
from django.conf import settings

from tools import words

LANGUAGES = words.languages()
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
_TAG = re.compile(r"<[^>]+>")
# The number itself may be left out: "two hours ago" is one word in Arabic.
_NUMBERS = re.compile(r"count|number|total|fields|seconds|ahead")


@pytest.fixture(scope="module")
def source():
    return words.texts_of_source()


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def catalogue(language):
    return words.read(language)


def _translations(message: Message) -> list[tuple[str, str]]:
    """Each text with the one that it is a translation of."""
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    return [(message.id[1], string) for string in message.string]


def _all(catalogue):
    return [pair for message in catalogue if message.id for pair in _translations(message)]


def test_portal_speaks_the_four_languages():
    assert [code for code, _name in settings.LANGUAGES] == ["en-gb", "tr", "zh-hans", "ar"]


def test_catalogue_has_exactly_the_texts_of_the_source(catalogue, source):
    here = {message.id for message in catalogue}
    there = {message.id for message in source}
    assert sorted(map(str, here ^ there)) == []


def test_catalogue_is_written_as_the_tool_writes_it(language):
    path = words.po_path(language)
    assert path.read_bytes() == words.po_bytes(words.updated(language)), "python -m tools.words"


def test_compiled_catalogue_equals_its_text(language, catalogue):
    compiled = words.po_path(language).with_suffix(".mo")
    assert compiled.read_bytes() == words.mo_bytes(catalogue), "python -m tools.words"


def test_nothing_is_untranslated_fuzzy_or_obsolete(catalogue):
    blank = [text for text, translation in _all(catalogue) if not translation.strip()]
    fuzzy = [message.id for message in catalogue if message.id and message.fuzzy]
    assert (blank, fuzzy, list(catalogue.obsolete)) == ([], [], [])


def test_every_plural_form_is_there(language, catalogue):
    plural = [message for message in catalogue if isinstance(message.id, tuple)]
    forms = {"tr": 2, "zh-hans": 1, "ar": 6}[language]
    assert catalogue.num_plurals == forms
    assert [message.id for message in plural if len(message.string) != forms] == []


def test_placeholders_are_those_of_the_source(catalogue):
    wrong = []
    for message in catalogue:
        if not message.id:
            continue
        for text, translation in _translations(message):
            needed, given = (sorted(_PLACEHOLDER.findall(each)) for each in (text, translation))
            if isinstance(message.id, tuple):
                needed = [name for name in needed if name in given or not _NUMBERS.search(name)]
            if needed != given:
                wrong.append((text, translation))
    assert wrong == []


def test_html_tags_are_those_of_the_source(catalogue):
    wrong = [
        (text, translation)
        for text, translation in _all(catalogue)
        if sorted(_TAG.findall(text)) != sorted(_TAG.findall(translation))
    ]
    assert wrong == []


def test_lines_begin_and_end_as_in_the_source(catalogue):
    def rim(text):
        return text.startswith("\n"), text.endswith("\n"), text.count("\n")

    wrong = [text for text, translation in _all(catalogue) if rim(text) != rim(translation)]
    assert wrong == []


def test_sentences_end_as_in_the_source(catalogue):
    """A full stop that is missing, or that belongs to another script, shows a slip."""
    ends = {".": ".。", "?": "?？؟", ":": ":：", "…": "…"}
    wrong = [
        (text, translation)
        for text, translation in _all(catalogue)
        if (mark := text[-1:]) in ends and translation[-1:] not in ends[mark]
    ]
    assert wrong == []
