"""Decides what the trail may store of an exchange: listed headers, bodies without secrets."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from snapshots.evs.secrets import MASK, mentions, without_secrets

LEFT_OUT = "(left out)"
KEPT_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "host",
        "location",
        "openstack-api-version",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "vary",
        "x-compute-request-id",
        "x-iam-trace-id",
        "x-language",
        "x-openstack-request-id",
        "x-project-id",
        "x-request-id",
        "x-sdk-date",
    }
)
TOKEN_HEADERS = frozenset({"authorization", "x-auth-token", "x-security-token", "x-subject-token"})
REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-openstack-request-id",
    "x-compute-request-id",
    "x-iam-trace-id",
)
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|admin_?pass|secret|token|authorization|credential|private_?key|access_?key|"
    r"api_?key|signature",
    re.IGNORECASE,
)
# One of these stands in whatever the pattern matches.
_SECRET_WORDS = (
    *("pass", "secret", "token", "authorization", "credential", "signature"),
    *("private_key", "privatekey", "access_key", "accesskey", "api_key", "apikey"),
)


@dataclass(frozen=True, slots=True)
class MaskedBody:
    """A body as stored, with length and digest of the original."""

    text: str
    size_bytes: int
    sha256: str
    cut: bool


def fingerprint(secret: str) -> str:
    """A short digest: two can be compared, neither tells the secret."""
    return "sha256:" + hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:12]


def mask_headers(headers: Mapping[str, str], *, secrets: Iterable[str] = ()) -> dict[str, str]:
    """Headers on the allow list; tokens as fingerprints; of any other, only that it was there."""
    return {
        name: _masked_header(name.lower(), str(value), secrets) for name, value in headers.items()
    }


def _masked_header(name: str, value: str, secrets: Iterable[str]) -> str:
    if name in TOKEN_HEADERS:
        return fingerprint(value)
    return storable(strike(value, secrets))[:2000] if name in KEPT_HEADERS else LEFT_OUT


def request_id_of(headers: Mapping[str, str]) -> str:
    """The cloud's own number for the request, to quote to its support; empty if it gave none."""
    lower = {name.lower(): value for name, value in headers.items()}
    return next((lower[name] for name in REQUEST_ID_HEADERS if lower.get(name)), "")


def strike(text: str, secrets: Iterable[str]) -> str:
    """The text without these known secrets, and without what has the shape of a token."""
    return without_secrets(text, secrets)


def mask_body(
    body: bytes | None, *, most_bytes: int, secrets: Iterable[str] = (), login: bool = False
) -> MaskedBody:
    """The body as it may be stored. A sign-in request keeps nothing but its length: not even a
    digest, from which a weak password could be guessed.
    """
    if not body:
        return MaskedBody("", 0, "", cut=False)
    if login:
        return MaskedBody(f"(sign-in, {len(body)} bytes, left out)", len(body), "", cut=False)
    text = strike(_without_secret_values(body.decode("utf-8", "replace")), secrets)
    stored = text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")
    return MaskedBody(
        storable(stored), len(body), hashlib.sha256(body).hexdigest(), cut=len(stored) < len(text)
    )


class StoredBody(Protocol):
    """An exchange or an answer."""

    body: str
    body_sha256: str


def has_original_body(side: StoredBody) -> bool:
    """Whether the body is stored as it was on the wire: nothing struck out, replaced or cut."""
    if not side.body:
        return True
    return hashlib.sha256(side.body.encode()).hexdigest() == side.body_sha256


def _without_secret_values(text: str) -> str:
    """The text as it came, unless it is JSON with secret values: then rewritten with masks."""
    if not mentions(text, _SECRET_WORDS):
        return text
    try:
        content = json.loads(text, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError):
        return _SECRET_PAIR.sub(rf"\1{MASK}", text)
    masked = _masked(content)
    return text if masked == content else json.dumps(masked, ensure_ascii=False)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises `ValueError` where a reader sees only one of several values."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is there twice")
    return content


# In text that is no JSON (HTML, a cut answer), or within a value of it: `password": "x`, `token=x`,
# `Authorization: Bearer x`. Bounded: names may follow each other without end, and from each of them
# on it is tried.
_SECRET_PAIR = re.compile(
    rf"((?:{_SECRET_KEY.pattern})[\w-]{{0,40}}[\"']?\s{{0,20}}[:=]\s{{0,20}}[\"']?"
    r"(?:(?:bearer|basic)\s{1,20})?)[^\s\"',;&<>]+",
    re.IGNORECASE,
)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked_at(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str):
        return _SECRET_PAIR.sub(rf"\1{MASK}", value)
    return value


def _masked_at(key: str, inner: Any) -> Any:
    """Also a list of secrets, and older tokens, whose `id` is the secret: `{"token": {"id"}}`."""
    if not _SECRET_KEY.search(key):
        return _masked(inner)
    if isinstance(inner, list):
        return [_masked_at(key, item) for item in inner]
    if isinstance(inner, dict):
        return {
            name: _hidden(item) if name == "id" else _masked(item) for name, item in inner.items()
        }
    return _hidden(inner)


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return MASK if isinstance(value, str | int | float) and value != "" else value


def storable(text: str) -> str:
    """PostgreSQL stores no NUL, and no table stores half a surrogate pair."""
    return text.replace("\x00", "\u2400").encode("utf-8", "replace").decode("utf-8")
