"""Folding: the form in which texts are compared, so that a search finds every spelling of a word.

Case, accents, full-width forms and ligatures make no difference, nor does a dot on an i. Each
character folds by itself, whatever stands beside it: a part of a text folds to a part of what the
text folds to, and PostgreSQL can do the same from a table (`models/folded.py`).
"""

import json
import re
import unicodedata
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase

_VARIATION_SELECTORS = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
_DOTLESS = {"\u0131": "i", "\u0237": "j"}


def fold(text: str) -> str:
    """The text as a search compares it. Folding what is folded changes nothing."""
    return text.lower() if text.isascii() else text.translate(_FOLDS)


def fold_words(text: str) -> str:
    r"""The folded text with a blank for each character that stands between words.

    JSON may spell a letter as `\u00fc`: SQLite's column keeps it so, PostgreSQL's does not.
    """
    if "\\u" in text:
        text = re.sub(JSON_ESCAPES, lambda escapes: str(json.loads(f'"{escapes[0]}"')), text)
    return text.translate(_ASCII_WORDS if text.isascii() else _OF_WORDS)


# Read alike by Python and PostgreSQL. Halves of surrogate pairs and NUL are no characters.
JSON_ESCAPES = (
    r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u(?!0000)(?![dD][89a-fA-F])[0-9a-fA-F]{4})"
)


def fold_character(character: str) -> str:
    """What one character folds to: nothing, itself or others, none of which folds any further."""
    before, folded = "", character
    while folded != before:
        before = folded
        # A mark may fold to a letter (the Greek iota subscript), so marks go last.
        cased = unicodedata.normalize("NFKD", folded).casefold()
        folded = "".join(
            _DOTLESS.get(letter, letter) for letter in cased if not _is_dropped(letter)
        )
    return folded


def _is_dropped(character: str) -> bool:
    """Accents and other marks that combine, and what cannot be seen."""
    return (
        unicodedata.combining(character) != 0
        or unicodedata.category(character) == "Cf"
        or ord(character) in _VARIATION_SELECTORS
    )


def _stands_between_words(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category[0] in "PSZ" or category == "Cc"


def fold_character_of_words(character: str) -> str:
    """As `fold_character`, with blanks for punctuation, symbols and control characters.

    Codes that are not assigned stay: a later Unicode may call them letters.
    """
    return "".join(
        " "
        if unicodedata.category(letter)[0] in "PSZ" or unicodedata.category(letter) == "Cc"
        else letter
        for letter in fold_character(character)
    )


class _Table(dict[int, str]):
    """For `str.translate`; filled as characters come, since few of a million ever do."""

    def __init__(self, folded: Callable[[str], str]) -> None:
        super().__init__()
        self._folded = folded

    def __missing__(self, code: int) -> str:
        self[code] = self._folded(chr(code))
        return self[code]


_FOLDS = _Table(fold_character)
_OF_WORDS = _Table(fold_character_of_words)
ASCII_BETWEEN_WORDS = "".join(
    chr(code) for code in range(0x80) if fold_character_of_words(chr(code)) == " "
)
_ASCII_WORDS = str.maketrans(
    ascii_uppercase + ASCII_BETWEEN_WORDS, ascii_lowercase + " " * len(ASCII_BETWEEN_WORDS)
)


def pairs_beyond_ascii(folded: Callable[[str], str]) -> dict[str, str]:
    """Each character beyond ASCII that becomes something else, but for syllables of Hangul: those
    are ten thousand, and PostgreSQL takes them apart by itself.
    """
    codes = (code for code in range(0x80, 0x110000) if code not in _HANGUL_AND_SURROGATES)
    assigned = (chr(code) for code in codes if unicodedata.category(chr(code)) not in _NEVER_FOLDED)
    changed = ((letter, folded(letter)) for letter in assigned)
    return {letter: other for letter, other in changed if letter != other}


_NEVER_FOLDED = {"Cn", "Co"}  # not assigned; for private use
_HANGUL_AND_SURROGATES = frozenset((*range(0xAC00, 0xD7A4), *range(0xD800, 0xE000)))
