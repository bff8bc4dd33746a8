"""Signing in to the identity service: a token for a password, a token or an application credential
(iam_30_0001; recorded, and seen on Keystone 30).

As IAM does and Keystone does not, it accepts a project without its domain, and takes the user's.
"""

import base64
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snapshots.sandbox.context import Context
from snapshots.sandbox.errors import MALFORMED, IdentityFault
from snapshots.sandbox.identity import (
    CHALLENGE,
    NOT_A_TOKEN,
    role_of,
    token_content,
    unauthorized,
    user_by_id,
)
from snapshots.sandbox.messages import Answer, Json, Request, json_answer
from snapshots.sandbox.records import Token
from snapshots.sandbox.scenarios import (
    DOMAIN,
    DOMAIN_ID,
    PROJECTS,
    USERS,
    SeedProject,
    SeedUser,
)

_CLIENT_ERROR = f"{MALFORMED} The client is assumed to be in error."
_EXPIRED = "Failed to validate token"
_DELEGATED = (
    "You are not authorized to perform the requested action: Using a delegated token to create"
    " another token is not allowed.."
)
_NO_SCOPE = (
    "Error authenticating with application credential: Application credentials cannot request a"
    " scope."
)
_TOKEN_BYTES = 1200  # IAM's tokens are several kB long (6.2)


class UnsupportedMethodFault(IdentityFault):
    """Names the supported methods (recorded)."""

    def __init__(self, methods: tuple[str, ...]) -> None:
        super().__init__(401, "Attempted to authenticate with an unsupported method.", CHALLENGE)
        self.more = {"identity": {"methods": list(methods)}}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Who signs in, and what the way of signing in settles beforehand."""

    user: SeedUser
    parent: Token | None = None
    # The application credential's row: it belongs to one project.
    credential: Json | None = None


Way = Callable[[Json, Context], Proof]


def issue(request: Request, context: Context) -> Answer:
    """A token for a password, a token or an application credential (iam_30_0001; recorded)."""
    auth = _auth_member(request)
    identity = auth["identity"]
    method = (identity.get("methods") or [""])[0]
    ways: dict[str, Way] = {
        "password": _by_password,
        "token": _by_token,
        "application_credential": _by_credential,
    }
    if method not in ways:
        raise UnsupportedMethodFault(tuple(ways))
    proof = ways[method](identity.get(method) or {}, context)
    project_id = _project_id(auth.get("scope"), proof, context)
    token = _new_token(proof, project_id, method, context)
    context.state.add_token(token)
    content = {"token": token_content(token, request)}
    if proof.credential:
        content["token"]["application_credential"] = {
            "id": proof.credential["id"],
            "name": proof.credential["name"],
            "restricted": True,
        }
    return json_answer(201, content, (("X-Subject-Token", token.token),))


def _project_id(scope: Json, proof: Proof, context: Context) -> str | None:
    if proof.credential is None:
        return _scope(scope, proof.user, context)
    if scope:
        raise IdentityFault(401, _NO_SCOPE, CHALLENGE)
    return str(proof.credential["project_id"])


def _auth_member(request: Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise IdentityFault(
            400, f"Expecting to find application/json in Content-Type header. {_CLIENT_ERROR}"
        )
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise IdentityFault(
            400, f"Expecting to find valid JSON in request body. {_CLIENT_ERROR}"
        ) from None
    if not isinstance(body, dict) or not isinstance(body.get("auth"), dict):
        raise IdentityFault(400, f"Expecting to find auth in request body. {_CLIENT_ERROR}")
    auth: dict[str, Any] = body["auth"]
    if not isinstance(auth.get("identity"), dict):
        raise IdentityFault(400, "'identity' is a required property")
    return auth


def _by_password(given: Json, context: Context) -> Proof:
    asked = given.get("user") or {}
    user = _user(asked)
    if user is None or not _same(str(asked.get("password", "")), user.password):
        raise unauthorized(context)
    return Proof(user=user)


def _user(asked: Json) -> SeedUser | None:
    if "id" in asked:
        return user_by_id(str(asked["id"]))
    if "domain" not in asked:
        raise IdentityFault(400, f"Expecting to find domain in user. {_CLIENT_ERROR}")
    name = str(asked.get("name", "")).lower()
    if not _is_our_domain(asked["domain"]):
        return None
    return next((user for user in USERS if user.name.lower() == name), None)


def _by_token(given: Json, context: Context) -> Proof:
    text = str(given.get("id", ""))
    token = context.state.token(text)
    user = user_by_id(token.user_id) if token else None
    if user is None or token is None:
        raise IdentityFault(404, _EXPIRED if context.state.was_token(text) else NOT_A_TOKEN)
    if "application_credential" in token.method:
        raise IdentityFault(403, _DELEGATED)
    return Proof(user=user, parent=token)


def _by_credential(given: Json, context: Context) -> Proof:
    credential = _credential_by_id(given, context) if "id" in given else _named(given, context)
    user = user_by_id(credential["user_id"]) if credential else None
    if user is None or credential is None:
        raise unauthorized(context)
    if not _same(str(given.get("secret", "")), credential["secret"]):
        raise unauthorized(context)
    return Proof(user=user, credential=credential)


def _credential_by_id(given: Json, context: Context) -> Json:
    rows = context.state.rows("SELECT * FROM credentials WHERE id = ?", (str(given["id"]),))
    if not rows:
        raise IdentityFault(404, f"Could not find Application Credential: {given['id']}.")
    return dict(rows[0])


def _named(given: Json, context: Context) -> Json | None:
    if "user" not in given:
        asked = "Expecting to find user in application credential."
        raise IdentityFault(400, f"{asked} {_CLIENT_ERROR}")
    user = _user(given["user"])
    rows = context.state.rows(
        "SELECT * FROM credentials WHERE name = ? AND user_id = ?",
        (str(given.get("name", "")), user.id if user else ""),
    )
    return dict(rows[0]) if rows else None


def _is_our_domain(domain: Json) -> bool:
    if "id" in domain:
        return bool(domain["id"] == DOMAIN_ID)
    return str(domain.get("name", "")).lower() == DOMAIN.lower()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _scope(scope: Json, user: SeedUser, context: Context) -> str | None:
    if not scope:
        return None
    asked = scope.get("project")
    project = _project(asked) if asked else None
    if project is None or role_of(user, project.id) is None:
        raise unauthorized(context)
    return project.id


def _project(asked: Json) -> SeedProject | None:
    if "id" in asked:
        return next((project for project in PROJECTS if project.id == asked["id"]), None)
    if "domain" in asked and not _is_our_domain(asked["domain"]):
        return None
    return next((project for project in PROJECTS if project.name == asked.get("name")), None)


def _new_token(proof: Proof, project_id: str | None, method: str, context: Context) -> Token:
    now = float(int(context.state.clock()))
    text = "MII" + base64.urlsafe_b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=")
    audit_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    expires_at = context.state.clock() + context.options.token_seconds
    parent = proof.parent
    if parent:  # a token made of another ends with it, and tells of it (recorded)
        method, audit_id = f"{method} {parent.method}", f"{audit_id} {parent.audit_id}"
        expires_at = parent.expires_at
    return Token(text, proof.user.id, project_id, method, audit_id, now, expires_at)
