"""Masking secrets in what a cloud says: our own, and texts that look like a token or a key.

Pure functions on texts. A secret is replaced by `***`.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"
LEAST_SECRET = 6  # characters; a shorter "secret" would strike out innocent words

PRIVATE_KEY = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^\"']*"
SIGNED_TOKEN = r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
CLOUD_TOKEN = r"\bgAAAA[\w-]{40,}=*|\bMII[\w+/-]{120,}=*"
_SHAPES = re.compile(f"{PRIVATE_KEY}|{SIGNED_TOKEN}|{CLOUD_TOKEN}")
# Where the name says what the value is: `X-Auth-Token: x`, `Authorization: Bearer x`.
_NAMED = re.compile(
    r"(x-(?:auth|subject|security)-token\\?[\"']?\s*[:=]\s*\\?[\"']?"
    r"|authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?:bearer|basic)\s+)?)[^\s\"'\\,;<>&]+",
    re.IGNORECASE,
)


# Every match of the two patterns above contains one of these. Searching for them first costs a
# hundredth of the patterns, and most answers, such as long lists of volumes, contain none.
_SHAPE_WORDS = ("-----BEGIN ", "eyJ", "gAAAA", "MII")
_NAME_WORDS = ("-token", "authorization")


def mentions(text: str, terms: Iterable[str]) -> bool:
    """Whether any of the terms, in lower case, stands in the text as a pattern that ignores case
    would match it: such a pattern takes four letters beyond ASCII for `i`, `s` and `k`.
    """
    folded = text.replace("\u0130", "i").replace("\u0131", "i").casefold()
    return any(term in folded for term in terms)


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets and without what looks like a token or a private key."""
    for secret in secrets:
        if len(secret) >= LEAST_SECRET:
            text = _without(text, secret)
    if any(word in text for word in _SHAPE_WORDS):
        text = _SHAPES.sub(MASK, text)
    return _NAMED.sub(rf"\1{MASK}", text) if mentions(text, _NAME_WORDS) else text


def _without(text: str, secret: str) -> str:
    for spelt in _spellings(secret):
        text = text.replace(spelt, MASK)
    return _without_beginning(text, secret) if text.endswith("…") else text


@lru_cache(maxsize=64)
def _spellings(secret: str) -> tuple[str, ...]:
    """The spellings in which a secret may come back: plain, in JSON (two ways), in an address, all
    in base64.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    in_json = {json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    in_address = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    in_address |= {_ESCAPED.sub(lambda escape: escape[0].lower(), spelt) for spelt in in_address}
    in_base64 = {encode(raw).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)}
    return (secret, *sorted((in_json | in_address | in_base64) - {secret}))


_ESCAPED = re.compile("%[0-9A-F]{2}")


def _without_beginning(text: str, secret: str) -> str:
    """Remove the beginning of the secret from the end of a text that was cut."""
    whole = text.removesuffix("…")
    for length in range(len(secret) - 1, LEAST_SECRET - 1, -1):
        if whole.endswith(secret[:length]):
            return f"{whole[:-length]}{MASK}…"
    return text
