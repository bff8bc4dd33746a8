"""Which names people take for each other: by case, by letters that look alike, by what is unseen.

A small table of our own: Unicode's list of confusables has 6,000 lines, most of them for scripts
that nobody mixes, and makes no difference between a hint and a refusal.
"""

import re
import unicodedata

from django.utils.translation import gettext as _

from snapshots.localized import comma
from snapshots.models.folding import fold

# Letters as they look, each line a Latin letter and what passes for it.
_LOOKS = """
a АаΑαɑᴀ  b ВьΒʙ  c СсϹϲᴄ  d ԁđ  e ЕеΕεɛᴇ  f Ϝғ  g ɡց  h НһΗհħʜ  i ІіΙιɩɪ  j ЈјϳЈ  k КкΚκᴋ
l ӏӀłʟǀɭ  m МмΜᴍ  n ΝηոռɴП  o ОоΟοσօøѳᴏ  p РрΡρᴘ  q Ԛԛզ  r гʀᴦɾ  s ЅѕսЅꜱ  t ТтΤτŧᴛ  u υսᴜ
v Ѵѵνᴠ  w ԜԝωɯѡШᴡ  x ХхΧχ  y УуΥγүʏ  z ΖζᴢƵ
"""
_LATIN: dict[str, str] = {}
for _letter, _alike in re.findall(r"(\S) (\S+)", _LOOKS):
    for _other in _alike:
        _LATIN.setdefault(_other, _letter)
# Signs that are taken for a letter, once all is folded.
_AFTER_FOLDING = str.maketrans({"0": "o", "1": "l", "|": "l", "!": "l"})
_PAIRS = (("rn", "m"), ("vv", "w"))
# Letters of one word that come from two other alphabets were put together to deceive, or by
# mistake. By the first word of a letter's name.
_WITH_OTHERS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "MODIFIER"})
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def looks_of(name: str) -> frozenset[str]:
    """What a name may be read as. Two names with a reading in common look alike."""
    plain = unicodedata.normalize("NFKD", name.strip())
    plain = "".join(str(unicodedata.digit(letter, letter)) for letter in plain)
    # A capital I looks like an l and is an i in small letters; a Greek Eta looks like H or n.
    seen = "".join("l" if letter == "I" else _LATIN.get(letter, letter) for letter in plain)
    written = "".join(_LATIN.get(letter, letter) for letter in fold(plain))
    capitals = "".join(_LATIN.get(letter, letter) for letter in plain)
    return frozenset(_reading(text) for text in (seen, written, capitals))


def _reading(text: str) -> str:
    text = fold(text).translate(_AFTER_FOLDING)
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return " ".join(text.split())


def reads_as(name: str, own_names: tuple[str, ...]) -> str:
    """Which of these the name is read as, whatever stands between its letters; empty: none."""
    readings = {_letters(look) for look in looks_of(name)}
    return next((own for own in own_names if readings & set(map(_letters, looks_of(own)))), "")


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def unreadable_in(name: str) -> str:
    """What makes a name unreadable, in words that end a sentence; empty: nothing."""
    for character in name:
        if _is_unseen(character):
            label = unicodedata.name(character, "") or _("without a name")
            text = _("has a character that cannot be seen ({character})")
            return text.format(character=f"U+{ord(character):04X}{comma()}{label}")
    if name != name.strip():
        return _("begins or ends with a blank")
    if not _letters(fold(name)):
        return _("has no letter and no digit")
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFKC", name)):
        scripts = sorted({_script_of(letter) for letter in word} - _WITH_OTHERS)
        if len(scripts) > 1:
            text = _("mixes letters of two alphabets in one word ({scripts})")
            return text.format(scripts=" + ".join(scripts))
    return ""


def _is_unseen(character: str) -> bool:
    if character == " ":
        return False
    is_selector = unicodedata.name(character, "").startswith("VARIATION SELECTOR")
    is_blank = character in _BLANK_LETTERS or is_selector
    return is_blank or unicodedata.category(character) in _UNSEEN


def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]
