"""Signatures with an access key pair: algorithm SDK-HMAC-SHA256 (page api-sign-algorithm-002)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from snapshots.evs.config import KeyCredentials

ALGORITHM = "SDK-HMAC-SHA256"
# Only these are signed: anything else may be changed by a proxy on the way.
_SIGNED = frozenset({"content-type", "host", "x-project-id", "x-sdk-date", "x-security-token"})


def escaped(text: str) -> str:
    """Percent-encoded as the algorithm wants it: letters, digits and `-_.~` stay."""
    return quote(text, safe="-_.~")


def query_string(pairs: Iterable[tuple[str, str]]) -> str:
    """The query in its canonical form, which is also the form to send.

    Sorted before escaping: the other way round gives wrong signatures for some characters.
    """
    return "&".join(f"{escaped(name)}={escaped(value)}" for name, value in sorted(pairs))


def signed_headers(  # noqa: PLR0913 - all that a signature covers, by name
    credentials: KeyCredentials,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    at: datetime,
) -> dict[str, str]:
    """`headers` with those that a signature needs; the cloud accepts them 15 minutes around `at`.

    `headers` of these names are signed as given: Host, Content-Type, X-Project-Id.
    """
    signed = {
        "Host": host_of(url),
        **headers,
        "X-Sdk-Date": at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
    }
    if credentials.security_token:
        signed["X-Security-Token"] = credentials.security_token
    covered = {
        name.lower(): value.strip() for name, value in signed.items() if name.lower() in _SIGNED
    }
    names = ";".join(sorted(covered))
    request = canonical_request(method, url=url, covered=covered, body=body)
    signature = _signature(credentials, request=request, date=signed["X-Sdk-Date"])
    signed["Authorization"] = (
        f"{ALGORITHM} Access={credentials.access_key}, SignedHeaders={names}, Signature={signature}"
    )
    return signed


def canonical_request(
    method: str, *, url: str, covered: Mapping[str, str], body: bytes | None
) -> str:
    """The text whose digest is signed; `covered` has lower-case names and trimmed values."""
    parts = urlsplit(url)
    path = "/".join(escaped(unquote(segment)) for segment in parts.path.split("/"))
    lines = [
        method.upper(),
        path if path.endswith("/") else path + "/",  # only the signature sees this slash
        query_string(parse_qsl(parts.query, keep_blank_values=True)),
        *(f"{name}:{covered[name]}" for name in sorted(covered)),
        "",
        ";".join(sorted(covered)),
        hashlib.sha256(body or b"").hexdigest(),
    ]
    return "\n".join(lines)


def _signature(credentials: KeyCredentials, *, request: str, date: str) -> str:
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{digest}"
    return hmac.new(credentials.secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def host_of(url: str) -> str:
    """The Host header for `url`, without a port that goes without saying."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in {None, usual} else f"{host}:{parts.port}"
