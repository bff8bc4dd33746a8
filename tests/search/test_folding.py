"""The one folding that every search uses: what it makes alike, and what it must keep."""

import unicodedata

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from snapshots.models.folding import fold, fold_words

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)

# Each spelling of a line is found by each other.
ALIKE = [
    ("über", "Über", "ÜBER", "u\u0308ber", "uber", "ｕｂｅｒ"),
    ("muğla", "MUĞLA", "mugla", "MUGLA", "Mug\u0306la"),
    ("ılıca", "ILICA", "İLİCA", "ilica", "i\u0307lica"),
    ("straße", "STRASSE", "Strasse", "STRAẞE"),
    ("ёлка", "ЁЛКА", "Елка", "е\u0308лка"),
    ("ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ", "οδυσσεύς", "οδυσσευσ"),
    ("ᾳδης", "ΑΙΔΗΣ"),
    ("ｗｅｂ－０１", "web-01", "WEB-01"),
    ("oﬃce", "OFFICE", "oﬀice"),
    ("Ⅻ", "xii", "XII"),
    ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ("we\u200db-\u00ad01", "web-01", "\u202eweb-01"),
    ("ǆep", "ǅep", "ǄEP", "džep"),
    ("Ａｌｐｈａ²", "alpha2"),
]
DIFFERENT = [("web", "wab"), ("köln", "koeln"), ("ø", "o"), ("и", "н"), ("कि", "का"), ("1", "l")]


@pytest.mark.parametrize("spellings", ALIKE, ids=ascii)
def test_all_spellings_of_a_word_fold_alike(spellings):
    assert len({fold(one) for one in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=ascii)
def test_different_words_stay_different(one, other):
    assert fold(one) != fold(other)


@given(TEXTS, TEXTS)
def test_folding_twice_or_in_parts_changes_nothing(one, other):
    assert fold(fold(one)) == fold(one)
    assert fold(one + other) == fold(one) + fold(other)
    assert fold_words(fold_words(one)) == fold_words(one)


@given(TEXTS)
def test_case_and_normal_form_never_matter(text):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    for other in (text.upper(), text.lower(), text.casefold(), text.title(), *forms):
        assert fold(other) == fold(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://x.example/v3/web_01?a=B", "https x example v3 web 01 a b"),
        ('{"name": "\\u00fcber \\ud83c\\udf89 x"}', "name uber x"),
        ("“quoted”—Müller’s\u00a0disk", "quoted muller s disk"),
        (r"half \ud83d pair \u0000", "half ud83d pair u0000"),
        ("कि→한국", "कि 한국"),
    ],
)
def test_words_are_what_stands_between_signs(text, words):
    assert unicodedata.normalize("NFC", " ".join(fold_words(text).split())) == words


@pytest.mark.django_db
def test_the_database_folds_every_character_as_python_does():
    """In one go: a character that differs would be found on one database only."""
    codes = (code for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000)
    assigned = [chr(one) for one in codes if unicodedata.category(chr(one)) not in {"Cn", "Co"}]
    blocks = ["|".join(assigned[n : n + 500]) for n in range(0, len(assigned), 500)]
    blocks += [r"\u00fc\u00FC \ud83c\udf89\u00e9 \ud83d \u0000 \u12", "Ab-C_d", ""]
    with connection.cursor() as cursor:
        for block in blocks:
            cursor.execute("SELECT evsportal_fold(%s), evsportal_words(%s)", [block, block])
            assert cursor.fetchone() == (fold(block), fold_words(block))
