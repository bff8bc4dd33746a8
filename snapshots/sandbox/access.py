"""Authenticates requests by a token (6.2) or by a signature with the demo access key (6.3)."""

from snapshots.sandbox import identity, signing
from snapshots.sandbox.errors import AuthFault, GatewayFault
from snapshots.sandbox.messages import Request
from snapshots.sandbox.records import Caller
from snapshots.sandbox.scenarios import ACCESS_KEY, PROJECT_ID, SECRET_KEY, USERS, Role
from snapshots.sandbox.state import State

_KEYS = {ACCESS_KEY: SECRET_KEY}


def caller_of(request: Request, state: State) -> Caller:
    """The user and project of a request.

    Raises AuthFault without a valid token; GatewayFault, 401 APIGW.0301, for a wrong signature.
    """
    if signing.is_signed(request):
        return _signer(request, state)
    text = request.headers.get("x-auth-token", "")
    token = state.token(text) if text else None
    if token is None:
        raise AuthFault(_reason(text, state))
    return identity.caller_of(token)


def _reason(text: str, state: State) -> str:
    if not text:
        return "x-auth-token not found"
    return "token expires" if state.was_token(text) else "decrypt token fail"


def _signer(request: Request, state: State) -> Caller:
    try:
        signature = signing.read(request)
        signing.check(request, signature, _KEYS, state.clock())
    except signing.BadSignatureError as problem:
        message = f"Incorrect IAM authentication information: {problem}"
        raise GatewayFault(401, "APIGW.0301", message) from None
    if request.headers.get("x-project-id", PROJECT_ID) != PROJECT_ID:
        raise GatewayFault(403, "APIGW.0302", "The project is not the access key's.")
    return Caller(USERS[0].id, PROJECT_ID, Role.MEMBER)
