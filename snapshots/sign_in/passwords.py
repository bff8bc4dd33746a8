"""What a chosen password must not be: common, or made of the portal's own words.

Django's list of common passwords has hardly any of twelve characters. So what people make of a
common one, by digits and signs around it or by writing it twice, is refused as well.
"""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from snapshots.sign_in.names import folded_name

OWN_WORDS = (
    "evsportal",
    "evs",
    "snapshot",
    "snapshots",
    "portal",
    "huawei",
    "cloud",
    "huaweicloud",
)
# Joined to an own word these add little that is hard to guess.
_FILLERS = (
    "admin",
    "administrator",
    "password",
    "passwort",
    "parola",
    "sifre",
    "welcome",
    "letmein",
)
LONGEST_LOOKED_AT = 256
_LOOKS = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
)


class OwnWordsValidator:
    """Refuses passwords that are nothing but own words of the portal or of the company."""

    def validate(self, password: str, user: object = None) -> None:
        refused = {*OWN_WORDS, *_FILLERS, *map(folded_name, settings.EVSPORTAL_PASSWORD_WORDS)}
        if any(_is_made_of(refused, letters) for letters in _readings_of(password)):
            sentence = _("This password is made of words that others try first: choose another.")
            raise ValidationError(sentence, code="password_own_words")

    def get_help_text(self) -> str:
        return str(_("Your password can't be made of the portal's or the company's name."))


class CommonCoreValidator(CommonPasswordValidator):
    """Refuses common passwords with digits and signs around them, and those written twice."""

    def validate(self, password: str, user: Any = None) -> None:
        for letters in _readings_of(password):
            repeated = re.fullmatch(r"(.+?)\1+", letters)
            if {letters, repeated[1] if repeated else letters} & self.passwords:
                raise ValidationError(self.get_error_message(), code="password_too_common")
        if len(set(password)) < 5:  # "aaaaaaaaaaaa", "121212121212"
            raise ValidationError(self.get_error_message(), code="password_too_common")
        super().validate(password, user)


def _is_made_of(refused: set[str], letters: str) -> bool:
    """Whether the letters are refused words, one behind the other, and nothing else.

    Not by a pattern: words hold each other ("evsportal" is "evs" and "portal"), and a pattern tries
    each way to part them, which are more than a million in a password of 200 letters.
    """
    ends = {0}
    for start in range(len(letters)):
        if start in ends:
            ends |= {start + len(word) for word in refused if letters.startswith(word, start)}
    return bool(letters) and len(letters) in ends


def _readings_of(password: str) -> set[str]:
    """The letters alone: as typed, and with digits and signs read as the letters they look like.

    Of a password that nobody guesses, none: looking takes time with the square of the length.
    """
    if len(password) > LONGEST_LOOKED_AT:
        return set()
    folded = folded_name(password)
    ends = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    texts = (folded, ends, folded.translate(_LOOKS), ends.translate(_LOOKS))
    return {re.sub(r"[\W\d_]+", "", text) for text in texts}
