"""Names of any direction of writing within a sentence: `<bdi>`, for texts without markup."""

import unicodedata

from django.utils.translation import get_language_bidi

_ISOLATE, _END = "\u2068", "\u2069"  # the direction within is that of its own first letter
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_CONTROLS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def isolated(text: str) -> str:
    """The text without marks that turn what follows round, and apart from the sentence where either
    is written from right to left.
    """
    directions = map(unicodedata.bidirectional, text)
    letters = [pair for pair in zip(text, directions, strict=True) if pair[1] not in _CONTROLS]
    plain = "".join(letter for letter, _direction in letters)
    is_turned = get_language_bidi() or any(pair[1] in _RIGHT_TO_LEFT for pair in letters)
    return f"{_ISOLATE}{plain}{_END}" if plain and is_turned else plain
