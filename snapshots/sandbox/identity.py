"""The identity service: Keystone v3 as recorded (01-tokens), with IAM's words where the errors
are EVS's (6.2).
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from snapshots.sandbox.context import Context
from snapshots.sandbox.errors import UNAUTHORIZED, IdentityFault
from snapshots.sandbox.messages import Answer, Request, json_answer
from snapshots.sandbox.options import ErrorStyle
from snapshots.sandbox.records import Caller, Token
from snapshots.sandbox.scenarios import (
    DOMAIN,
    DOMAIN_ID,
    PROJECTS,
    REGION,
    USERS,
    Role,
    SeedProject,
    SeedUser,
)

NOT_A_TOKEN = "Could not recognize Fernet token"
CHALLENGE = (("WWW-Authenticate", 'Keystone uri="/identity/v3"'),)


def unauthorized(context: Context, message: str = UNAUTHORIZED) -> IdentityFault:
    if context.options.errors is ErrorStyle.EVS and message == UNAUTHORIZED:
        message = "The username or password is wrong."
    return IdentityFault(401, message, CHALLENGE)


def user_by_id(ident: str) -> SeedUser | None:
    return next((user for user in USERS if user.id == ident), None)


def role_of(user: SeedUser, project_id: str | None) -> Role | None:
    return dict(user.roles).get(project_id or "")


def caller_of(token: Token) -> Caller:
    user = user_by_id(token.user_id)
    return Caller(
        token.user_id, token.project_id, role_of(user, token.project_id) if user else None
    )


# --- what a token says ---


def token_content(token: Token, request: Request) -> dict[str, Any]:
    """A token's description; with the catalog unless `?nocatalog` is given."""
    user = user_by_id(token.user_id)
    name = user.name if user else ""
    domain = {"id": DOMAIN_ID, "name": DOMAIN}
    content: dict[str, Any] = {
        "methods": list(dict.fromkeys(token.method.split())),
        "user": {"domain": domain, "id": token.user_id, "name": name, "password_expires_at": None},
        "audit_ids": token.audit_id.split(),
        "expires_at": _when(token.expires_at),
        "issued_at": _when(token.issued_at),
    }
    project = next((p for p in PROJECTS if p.id == token.project_id), None)
    if project is None or user is None:
        return content
    content["project"] = {"domain": domain, "id": project.id, "name": project.name}
    content["is_domain"] = False
    content["roles"] = roles_content(role_of(user, project.id))
    if "nocatalog" not in request.last_params:
        content["catalog"] = catalog_content(project.id, request.base_url)
    return content


def roles_content(role: Role | None) -> list[dict[str, str]]:
    implied = {
        Role.ADMIN: (Role.ADMIN, Role.MEMBER, Role.READER),
        Role.MEMBER: (Role.MEMBER, Role.READER),
        Role.READER: (Role.READER,),
    }
    return (
        [{"id": _stable(f"role {r}"), "name": r.value} for r in implied.get(role, ())]
        if role
        else []
    )


def catalog_content(project_id: str, base_url: str) -> list[dict[str, Any]]:
    """Block storage, compute and identity; EVS's types are volumev2 and volumev3 (6.1)."""
    services = (
        ("volumev2", "evsv2", f"{base_url}/v2/{project_id}"),
        ("volumev3", "evs", f"{base_url}/v3/{project_id}"),
        ("block-storage", "cinder", f"{base_url}/v3/{project_id}"),
        ("compute", "nova", f"{base_url}/v2.1/{project_id}"),
        ("identity", "keystone", f"{base_url}/v3"),
    )
    return [
        {"endpoints": _endpoints(kind, url), "id": _stable(kind), "type": kind, "name": name}
        for kind, name, url in services
    ]


def _endpoints(kind: str, url: str) -> list[dict[str, str]]:
    return [
        {
            "id": _stable(f"{kind} {interface}"),
            "interface": interface,
            "region_id": REGION,
            "url": url,
            "region": REGION,
        }
        for interface in ("public", "admin", "internal")
    ]


def _stable(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _when(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


# --- the rest of /v3 ---


def _caller_token(request: Request, context: Context) -> Token:
    token = context.state.token(request.headers.get("x-auth-token", ""))
    if token is None:
        raise unauthorized(context)
    return token


def _subject(request: Request, context: Context) -> Token:
    token = context.state.token(request.headers.get("x-subject-token", ""))
    if token is None:
        raise IdentityFault(404, NOT_A_TOKEN)
    return token


def validate(request: Request, context: Context) -> Answer:
    _caller_token(request, context)
    token = _subject(request, context)
    content = {"token": token_content(token, request)}
    return json_answer(200, content, (("X-Subject-Token", token.token),))


def revoke(request: Request, context: Context) -> Answer:
    _caller_token(request, context)
    token = _subject(request, context)
    context.state.change("DELETE FROM tokens WHERE token = ?", (token.token,))
    return Answer(204)


def projects(request: Request, context: Context, caller: Caller | None = None) -> Answer:
    """`/v3/auth/projects`, and `/v3/projects?name=` as SDKs ask for a project's id (6.2)."""
    user_id = caller.user_id if caller else _caller_token(request, context).user_id
    user = user_by_id(user_id)
    name = request.last_params.get("name")
    mine = [p for p in PROJECTS if user and role_of(user, p.id)]
    contents = [_project_content(p, request) for p in mine if name in (None, p.name)]
    links = {"next": None, "self": f"{request.base_url}{request.raw_path}", "previous": None}
    return json_answer(200, {"projects": contents, "links": links})


def _project_content(project: SeedProject, request: Request) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "domain_id": DOMAIN_ID,
        "description": "",
        "enabled": True,
        "parent_id": DOMAIN_ID,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{request.base_url}/v3/projects/{project.id}"},
    }


def catalog(request: Request, context: Context) -> Answer:
    token = _caller_token(request, context)
    content = catalog_content(token.project_id or "", request.base_url)
    links = {"self": f"{request.base_url}{request.raw_path}"}
    return json_answer(200, {"catalog": content, "links": links})


def add_credential(request: Request, context: Context) -> Answer:
    """An application credential for the caller's project (recorded)."""
    token = _caller_token(request, context)
    given = json.loads(request.body)["application_credential"]
    ident, project_id = uuid.uuid4().hex, token.project_id or ""
    context.state.change(
        "INSERT INTO credentials VALUES (?, ?, ?, ?, ?)",
        (ident, token.user_id, project_id, given["name"], given["secret"]),
    )
    roles = [
        role | {"domain_id": None, "description": None, "options": {"immutable": True}}
        for role in roles_content(caller_of(token).role)
    ]
    content = {
        "id": ident,
        "name": given["name"],
        "description": None,
        "user_id": token.user_id,
        "project_id": project_id,
        "system": None,
        "expires_at": None,
        "unrestricted": None,
        "roles": roles,
        "secret": given["secret"],
        "links": {"self": f"{request.base_url}/v3/application_credentials/{ident}"},
    }
    return json_answer(201, {"application_credential": content})
