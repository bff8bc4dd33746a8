"""Secrets in what a cloud says: those we know, and whatever has the shape of a token or a key.

Pure functions on texts. What is struck out becomes `***`.
"""

import json
import re
from collections.abc import Iterable

MASK = "***"
LEAST_SECRET = 6  # characters; a shorter "secret" would strike out innocent words

PRIVATE_KEY = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^\"']*"
SIGNED_TOKEN = r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"  # noqa: S105 - a shape
CLOUD_TOKEN = r"\bgAAAA[\w-]{40,}=*|\bMII[\w+/-]{120,}=*"  # noqa: S105 - Keystone's Fernet, PKI
_SHAPES = re.compile(f"{PRIVATE_KEY}|{SIGNED_TOKEN}|{CLOUD_TOKEN}")
# Where the name says what the value is: `X-Auth-Token: x`, `Authorization: Bearer x`.
_NAMED = re.compile(
    r"(x-(?:auth|subject|security)-token\\?[\"']?\s*[:=]\s*\\?[\"']?"
    r"|authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?:bearer|basic)\s+)?)[^\s\"'\\,;<>&]+",
    re.IGNORECASE,
)

_SAME_IN_JSON = re.compile(r"[ !#-\[\]-~]*")  # ASCII but quotes and backslashes


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """The text without these secrets and without what looks like a token or a private key."""
    for secret in known:
        if len(secret) >= LEAST_SECRET:
            text = _without(text, secret)
    return _NAMED.sub(rf"\1{MASK}", _SHAPES.sub(MASK, text))


def _without(text: str, secret: str) -> str:
    text = text.replace(secret, MASK)
    if not _SAME_IN_JSON.fullmatch(secret):
        for plain in (True, False):  # as it stands inside a JSON body, written either way
            text = text.replace(json.dumps(secret, ensure_ascii=plain)[1:-1], MASK)
    return _without_beginning(text, secret) if text.endswith("…") else text


def _without_beginning(text: str, secret: str) -> str:
    """A text that was cut may end with the secret's beginning."""
    whole = text.removesuffix("…")
    for length in range(len(secret) - 1, LEAST_SECRET - 1, -1):
        if whole.endswith(secret[:length]):
            return f"{whole[:-length]}{MASK}…"
    return text
