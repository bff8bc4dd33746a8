"""The sign-in request of each kind of credentials, and what its answer says.

Bodies as Keystone v3 documents them (POST /v3/auth/tokens) and IAM repeats them (iam_30_0001).
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from snapshots.evs.answers import http_date, read_object, request_id_of
from snapshots.evs.clock import Clock
from snapshots.evs.config import (
    ApplicationCredentials,
    CloudConfig,
    IdentityCredentials,
    KeyCredentials,
    PasswordCredentials,
    TokenCredentials,
)
from snapshots.evs.errors import (
    EvsError,
    LoginFailed,
    NoSuchApi,
    Refused,
    Throttled,
    UnreadableAnswer,
)
from snapshots.evs.types import moment
from snapshots.evs.wire import CloudAnswer, Outgoing

_RENEW_BEFORE_SECONDS = 60.0
_RENEW_BEFORE_SHARE = 0.05
_UNKNOWN_LIFETIME_SECONDS = 600.0
_REFUSED = "The cloud refused our sign-in"
_REFUSED_TOKEN = (
    f"{_REFUSED} with a token, which the portal cannot renew: if it has expired, write a fresh one"
    " into the cloud's `auth`, or use a password or an application credential. The cloud said"
)


def login_request(credentials: IdentityCredentials) -> Outgoing:
    """The request that asks the identity service for a token."""
    root = credentials.auth_url.rstrip("/")
    return Outgoing(
        purpose="login",
        method="POST",
        url=f"{root if root.endswith('/v3') else root + '/v3'}/auth/tokens",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=json.dumps({"auth": _auth(credentials)}).encode(),
        sensitive=True,
    )


def _auth(credentials: IdentityCredentials) -> dict[str, object]:
    if isinstance(credentials, ApplicationCredentials):
        # Bound to one project: Keystone refuses a scope beside it.
        return {"identity": _identity("application_credential", _application(credentials))}
    if isinstance(credentials, TokenCredentials):
        identity = _identity("token", {"id": credentials.token})
    else:
        user = {**_user(credentials), "password": credentials.password}
        identity = _identity("password", {"user": user})
    return {"identity": identity, "scope": {"project": _project(credentials)}}


def _identity(method: str, proof: Mapping[str, object]) -> dict[str, object]:
    return {"methods": [method], method: dict(proof)}


def _application(credentials: ApplicationCredentials) -> dict[str, object]:
    if credentials.id:
        return {"id": credentials.id, "secret": credentials.secret}
    return {
        "name": credentials.name,
        "secret": credentials.secret,
        "user": _user(credentials),
    }


def _user(credentials: PasswordCredentials | ApplicationCredentials) -> dict[str, object]:
    if credentials.user_id:
        return {"id": credentials.user_id}
    domain = _reference(credentials.user_domain_id, credentials.user_domain_name)
    return {"name": credentials.username, **_with_domain(domain)}


def _project(credentials: PasswordCredentials | TokenCredentials) -> dict[str, object]:
    if credentials.project_id:
        return {"id": credentials.project_id}
    domain = _reference(credentials.project_domain_id, credentials.project_domain_name)
    if not domain and isinstance(credentials, PasswordCredentials):
        domain = _reference(credentials.user_domain_id, credentials.user_domain_name)
    return {"name": credentials.project_name, **_with_domain(domain)}


def _reference(identity: str, name: str) -> dict[str, str]:
    if identity:
        return {"id": identity}
    return {"name": name} if name else {}


def _with_domain(domain: dict[str, str]) -> dict[str, object]:
    return {"domain": domain} if domain else {}


# --- what the answer says ---------------------------------------------------------------------


def login_error(error: EvsError, credentials: IdentityCredentials) -> EvsError:
    """LoginFailed for a refusal of the credentials; other errors as they are."""
    if isinstance(error, Throttled | NoSuchApi) or not isinstance(error, Refused):
        return error
    refusal = _REFUSED_TOKEN if isinstance(credentials, TokenCredentials) else _REFUSED
    return LoginFailed(
        f"{refusal}: {error.message}",
        status=error.status,
        code=error.code,
        request_id=error.request_id,
    )


def token_in(answer: CloudAnswer) -> dict[str, object]:
    """The token's description; UnreadableAnswer when there is none, or no token."""
    try:
        token = read_object(answer.body).get("token")
    except ValueError:
        token = None
    if not isinstance(token, dict) or not answer.headers.get("x-subject-token"):
        raise UnreadableAnswer(
            "The answer to our sign-in holds no token.",
            status=answer.status,
            request_id=request_id_of(answer.headers, None),
        )
    return token


def project_in(token: Mapping[str, object], *, key: str) -> str:
    """The project's `id` or `name`; "" when the token does not have it."""
    project = token.get("project")
    text = project.get(key) if isinstance(project, dict) else None
    return text if isinstance(text, str) else ""


def usable_seconds(token: Mapping[str, object], *, answer: CloudAnswer, clock: Clock) -> float:
    """How long to use the token: it is renewed 60 s, or a twentieth of its life, before its end.

    When the cloud gives both times, only these are compared.
    """
    ends = moment(token.get("expires_at"))
    begins = (
        moment(token.get("issued_at")) or http_date(answer.headers.get("date", "")) or clock.now()
    )
    life = ends - begins if ends else timedelta(0)
    seconds = life.total_seconds() if life > timedelta(0) else _UNKNOWN_LIFETIME_SECONDS
    return seconds - min(_RENEW_BEFORE_SECONDS, seconds * _RENEW_BEFORE_SHARE)


# --- what must never be shown -----------------------------------------------------------------


def secrets_in(config: CloudConfig) -> tuple[str, ...]:
    """Every secret of a cloud's configuration, in each form in which the cloud may repeat it."""
    proxy = config.proxy
    secrets = [*_secrets_of(config)]
    if proxy and proxy.password:
        # Basic authorisation sends both in base64; `secrets` knows a text's base64 form.
        secrets += [proxy.password, f"{proxy.username}:{proxy.password}"]
    return tuple(filter(None, secrets))


def _secrets_of(config: CloudConfig) -> tuple[str | None, ...]:
    auth = config.auth
    if isinstance(auth, PasswordCredentials):
        return (auth.password,)
    if isinstance(auth, ApplicationCredentials):
        return (auth.secret,)
    if isinstance(auth, TokenCredentials):
        return (auth.token,)
    return _secrets_of_keys(auth)


def _secrets_of_keys(auth: KeyCredentials) -> tuple[str | None, ...]:
    return (auth.access_key, auth.secret_key, auth.security_token)
