"""Checks requests signed with an access key: SDK-HMAC-SHA256 (SIGN, api-sign-algorithm-002;
docs/evs-api.md, Sign-in).

Written from the description of the algorithm, not from a client, so that a client can be checked
against it.
"""

import hashlib
import hmac
import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from time import strptime
from urllib.parse import quote, unquote

from snapshots.sandbox.messages import Request

ALGORITHM = "SDK-HMAC-SHA256"
MOST_SKEW_SECONDS = 15 * 60
_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 Access=(?P<access>[^,]+), SignedHeaders=(?P<names>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class BadSignatureError(Exception):
    """The signature is refused; its message is the gateway's."""


@dataclass(frozen=True)
class Signature:
    access_key: str
    header_names: tuple[str, ...]
    signature: str


def is_signed(request: Request) -> bool:
    return request.headers.get("authorization", "").startswith(ALGORITHM)


def read(request: Request) -> Signature:
    """The parts of the `Authorization` header.

    Raises BadSignatureError when it is malformed.
    """
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if not match:
        raise BadSignatureError("authorization header is not readable")
    return Signature(match["access"], tuple(match["names"].split(";")), match["signature"])


def check(request: Request, signature: Signature, keys: Mapping[str, str], now: float) -> None:
    """Compare the signature with our own.

    Raises BadSignatureError for a wrong, too old or too new signature, and for an unknown access
    key.
    """
    secret_key = keys.get(signature.access_key)
    if secret_key is None:
        raise BadSignatureError(f"ak {signature.access_key} not exist")
    date = request.headers.get("x-sdk-date", "")
    if "x-sdk-date" not in signature.header_names or "host" not in signature.header_names:
        raise BadSignatureError("x-sdk-date and host must be signed")
    if abs(_seconds(date) - now) > MOST_SKEW_SECONDS:
        raise BadSignatureError("signature expired")
    canonical = canonical_request(request, signature.header_names)
    if not hmac.compare_digest(sign(canonical, date, secret_key), signature.signature):
        raise BadSignatureError(
            "verify aksk signature fail, canonicalRequest:" + canonical.replace("\n", "|")
        )


def sign(canonical: str, date: str, secret_key: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{digest}"
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_request(request: Request, names: tuple[str, ...]) -> str:
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    payload = (
        request.headers.get("x-sdk-content-sha256") or hashlib.sha256(request.body).hexdigest()
    )
    return "\n".join(
        (request.method, _path(request), _query(request), headers, ";".join(names), payload)
    )


def _path(request: Request) -> str:
    path = "/".join(_escape(unquote(part)) for part in request.raw_path.split("/"))
    return path if path.endswith("/") else path + "/"


def _query(request: Request) -> str:
    pairs = sorted((_escape(name), _escape(value)) for name, value in request.params)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _escape(text: str) -> str:
    return quote(text, safe="-_.~")


def _seconds(date: str) -> int:
    try:
        return timegm(strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise BadSignatureError("x-sdk-date is not readable") from None
