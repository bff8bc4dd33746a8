"""Whether a token was signed by the provider, for this portal, for this sign-in.

OpenID Connect Core 1.0, 3.1.3.7, and Back-Channel Logout 1.0, 2.6. For a sign-in the keys are read
each time: a key that the provider took back opens nothing, and a new one is accepted at once. A
logout token may come from anybody, so there the keys that were read lately do.
"""

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings

from snapshots.sso.metadata import metadata
from snapshots.sso.refusals import SignInRefused
from snapshots.sso.transport import fetch_object

# Never "none", which is unsigned, and never HS...: there the public key would be the secret.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
LEEWAY_SECONDS = 60
KEYS_KEPT_SECONDS = 15.0  # a logout by a key that is newer waits so long: the provider repeats it
LONGEST_SUBJECT = 191  # what allauth's column holds; OpenID Connect allows 255
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not yet valid"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.MissingRequiredClaimError, "claim missing"),
    (jwt.InvalidAlgorithmError, "algorithm"),
    (jwt.InvalidSignatureError, "signature"),
)


def verify_id_token(token: object, *, nonce: object) -> dict[str, Any]:
    """The claims of an id_token. Raises `SignInRefused` with the reason."""
    claims = _verify(token, _read_keys, required=("iss", "aud", "sub", "exp", "iat"))
    _check_subject(claims.get("sub"))
    _check_authorized_party(claims)
    answered = claims.get("nonce")
    if not isinstance(answered, str) or not isinstance(nonce, str):
        raise SignInRefused("nonce", "missing")
    if not hmac.compare_digest(answered.encode(errors="surrogatepass"), nonce.encode()):
        raise SignInRefused("nonce", "of another sign-in")
    return claims


def verify_logout_token(token: object) -> str:
    """Whom the provider signed out. Raises `SignInRefused` with the reason."""
    required = ("iss", "aud", "exp", "iat", "sub", "jti", "events")
    claims = _verify(token, _latest_keys, required=required)
    _check_subject(claims.get("sub"))
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise SignInRefused("event")
    if "nonce" in claims:  # an id_token that is passed off as a logout token
        raise SignInRefused("nonce", "in a logout token")
    return str(claims["sub"])


def _verify(token: object, keys: Callable[[], Any], *, required: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(token, str) or not token:
        raise SignInRefused("token missing")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise SignInRefused("algorithm")
        return jwt.decode(
            token,
            key=_key_for(header, keys()),
            algorithms=ALGORITHMS,
            audience=settings.EVSPORTAL_OIDC_CLIENT_ID,
            issuer=settings.EVSPORTAL_OIDC_ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": list(required)},
        )
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        # The last three: PyJWT meets claims and keys of kinds that it does not expect.
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "token")
        raise SignInRefused(code, type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class _Keys:
    """`keys` of None: the provider did not answer."""

    until: float  # monotonic
    keys: Any


_latest: dict[str, _Keys] = {}
_reading = threading.Lock()


def _read_keys() -> Any:
    return fetch_object(metadata()["jwks_uri"]).get("keys")


def _latest_keys() -> Any:
    """Read at most once in some seconds, by one thread, however many tokens strangers send."""
    address = metadata()["jwks_uri"]
    with _reading:
        latest = _latest.get(address)
        if latest is None or latest.until < time.monotonic():
            try:
                keys = _read_keys()
            except SignInRefused:
                keys = None
            latest = _latest[address] = _Keys(time.monotonic() + KEYS_KEPT_SECONDS, keys)
    if latest.keys is None:
        raise SignInRefused("unreachable", "lately")
    return latest.keys


def forget() -> None:
    """For tests: the next token asks the provider."""
    _latest.clear()


def _key_for(header: dict[str, Any], keys: Any) -> jwt.PyJWK:
    """The key that the token names; without a name the only one, since guessing is no check."""
    usable = [
        key
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
    ]
    if "kid" in header:
        usable = [key for key in usable if key.get("kid") == header["kid"]]
    if len(usable) != 1:
        raise SignInRefused("key", f"{len(usable)} keys")
    return jwt.PyJWK(usable[0], algorithm=header["alg"])


def _check_subject(subject: object) -> None:
    if not isinstance(subject, str) or not subject.strip() or not _is_storable(subject):
        raise SignInRefused("subject", "missing")
    if len(subject) > LONGEST_SUBJECT:
        raise SignInRefused("subject", "too long")


def _is_storable(text: str) -> bool:
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:  # half of a character
        return False


def _check_authorized_party(claims: dict[str, Any]) -> None:
    """A token for several audiences must say that it was made for this one."""
    audience, party = claims.get("aud"), claims.get("azp")
    is_for_several = isinstance(audience, list) and len(audience) > 1
    if (party is not None or is_for_several) and party != settings.EVSPORTAL_OIDC_CLIENT_ID:
        raise SignInRefused("authorized party")
