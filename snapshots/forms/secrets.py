"""What looks like a key, a token or a password: told before it is sent and kept for good.

A guess, and both mistakes are cheap: what is warned of wrongly is sent with a tick, and the trail
masks what it knows for secret anyway. Nothing here keeps, logs or repeats what was typed.
"""

import math
import re
from collections import Counter
from itertools import pairwise

from django.utils.translation import gettext_noop

from snapshots.evs.secrets import CLOUD_TOKEN, PRIVATE_KEY, SIGNED_TOKEN

LONGEST_READ = 4000  # of a text; longer ones are refused for their length
LEAST_RANDOM = 32  # characters; a shorter one may well be an id
LEAST_CHANGES = 0.2  # of neighbours; chance gives 0.3 and more, names 0.1
LEAST_BITS = 3.3  # in each character, so that a pattern repeated is none
_LEAST_VALUE = 4

_PRIVATE_KEY = re.compile(PRIVATE_KEY, re.IGNORECASE)
_KNOWN_SHAPES = {
    gettext_noop("a signed token (JWT)"): re.compile(SIGNED_TOKEN),
    gettext_noop("a token of the cloud"): re.compile(CLOUD_TOKEN),
    gettext_noop("an access key"): re.compile(
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
        r"|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}|\b[sr]k_live_[A-Za-z0-9]{16,}"
    ),
    gettext_noop("a request's authorization"): re.compile(
        r"\bauthorization\s*[:=]\s*\S+|\bx-(?:auth|subject|security)-token\s*[:=]\s*\S+"
        r"|\b(?:bearer|basic)\s+(?=\S*[0-9A-Z=+/])[\w.~+/=-]{16,}|\bSDK-HMAC-SHA256\b",
        re.IGNORECASE,
    ),
    gettext_noop("a password in an address"): re.compile(
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]*:[^\s/@]+@"
    ),
}
_WORD = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|(?:api|access|secret|private)"
    r"[ _.-]?key|passwort|kennwort|parola|şifre|sifre"
)
_PAIR = re.compile(
    rf"(?:{_WORD}|\b[as]k)[\"']?\s*(?P<sign>[:=])\s*[\"']?(?P<value>[^\s\"',;]+)"
    r"(?P<rest>[^\n]*)",
    re.IGNORECASE,
)
_SECRET_KEY = re.compile(rf"(?:{_WORD})s?$", re.IGNORECASE)
# What people write in place of a value.
_NO_VALUE = re.compile(
    r"[*•x.…-]+|<.*|\$?\{.*|yes|no|none|true|false|null|n/a|unchanged|rotated|changed|expired",
    re.IGNORECASE,
)
_ID = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?:vol|snap|i|ami)-[0-9a-f]{8,17}\b",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[+/=_-]")
_RUN = re.compile(rf"[A-Za-z0-9+/=_-]{{{LEAST_RANDOM},}}")
# Digests and ids of projects and servers: MD5 and ids, SHA-1, SHA-224 to SHA-512.
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def looks_secret(text: str, *, key: str = "") -> str:
    """What the text looks like, in English and to be translated; blank for nothing of the kind.
    `key` is its name, where it has one: a metadata key.
    """
    text = text[:LONGEST_READ]
    if _PRIVATE_KEY.search(text):
        return gettext_noop("a private key")
    for name, shape in _KNOWN_SHAPES.items():
        if shape.search(text):
            return name
    if any(_tells_value(pair) for pair in _PAIR.finditer(text)) or _is_named(key, text.strip()):
        return gettext_noop("a password or a key")
    if any(_is_random(run) for run in _RUN.findall(_ID.sub(" ", text))):
        return gettext_noop("a key or a token")
    return ""


def recordable(query: str) -> str:
    """The query for the trail: searching for a leaked password must not record it again."""
    looks = looks_secret(query)
    return f"(left out: it looked like {looks})" if looks else query


def _tells_value(pair: re.Match[str]) -> bool:
    """`password=x` does; after a colon a plain word is prose, unless it stands alone at the end."""
    value = pair["value"]
    if len(value) < _LEAST_VALUE or _NO_VALUE.fullmatch(value):
        return False
    return pair["sign"] == "=" or not value.isalpha() or not pair["rest"].strip(" .\"'")


def _is_named(key: str, value: str) -> bool:
    """The pair `db_password` = `x`, typed into two fields."""
    if not _SECRET_KEY.search(key[:LONGEST_READ].strip()):
        return False
    return len(value) >= _LEAST_VALUE and _NO_VALUE.fullmatch(value) is None


def _is_random(run: str) -> bool:
    """Whether letters and digits are mixed as chance does it, and nobody who gives names.

    Names are words and numbers with separators between: within them the kind of character seldom
    changes, but for a capital that begins a word.
    """
    letters = _SEPARATOR.sub("", run)
    separators = len(run) - len(letters)
    if len(letters) < LEAST_RANDOM - 4 or separators > len(run) / 8:
        return False
    if _HEX.fullmatch(run) and len(run) in _DIGEST_LENGTHS:
        return False
    pairs = [(_kind(left), _kind(right)) for left, right in pairwise(letters)]
    changes = sum(left != right and (left, right) != ("A", "a") for left, right in pairs)
    return changes / len(pairs) >= LEAST_CHANGES and _bits(letters) >= LEAST_BITS


def _kind(char: str) -> str:
    return "0" if char.isdigit() else "A" if char.isupper() else "a"


def _bits(text: str) -> float:
    """Of information in each character, were they drawn by their own frequency."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
