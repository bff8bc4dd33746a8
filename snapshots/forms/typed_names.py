"""Naming a thing by typing, as a confirmation. Clouds keep names that no keyboard has."""

import unicodedata

from django.utils.translation import gettext as _

from snapshots.models.directions import isolated


def how_to_type(name: str, identifier: str) -> str:
    """What a person is asked for, in a sentence."""
    text = _text_to_type(name, identifier)
    if not name or text == unicodedata.normalize("NFC", name).strip():
        sentence = _("Type “{text}” to confirm.")
    elif text == identifier:
        sentence = _("Its name cannot be typed. Type its id “{text}” to confirm.")
    else:
        sentence = _("Type “{text}” to confirm, with one space for each line break or gap.")
    return sentence.format(text=isolated(text))


def is_typed(typed: str, name: str, identifier: str) -> bool:
    """Whether this names the thing. Characters that cannot be seen come along when a name is copied
    from the page.
    """
    seen = "".join(letter for letter in typed if unicodedata.category(letter) != "Cf")
    return _folded(seen) == _text_to_type(name, identifier)


def _text_to_type(name: str, identifier: str) -> str:
    """The name with its white space folded; the id for one with characters that cannot be typed."""
    text = _folded(name)
    return text if text and text.isprintable() else identifier


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
