"""The clouds that the recordings are replayed against: our sandbox, or a live one named in the
environment.

Live: `EVSPORTAL_LIVE_AUTH_URL`, `..._USERNAME`, `..._PASSWORD`, `..._PROJECT`,
`..._DOMAIN` ("Default"), `..._REGION` (any), `..._ENDPOINT` (else from the catalog, without
the project). More people, each with `EVSPORTAL_LIVE_{WHO}_USERNAME`, `_PASSWORD` and
`_PROJECT`: `ADMIN` sets up states and quotas, `READER` may only look, `OTHER` has another
project, `SMALL` a small one, `NOBODY` no role. What needs somebody who is not named is not
asked, and said so.
"""

import http.client
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from snapshots.sandbox import ErrorStyle, SandboxOptions, SandboxServer
from snapshots.sandbox import scenarios as cloud
from snapshots.sandbox.scenarios import Trouble
from snapshots.sandbox.troubles import PlannedFault

PEOPLE = ("mine", "admin", "reader", "other", "small", "nobody")


@dataclass(frozen=True)
class Person:
    username: str
    password: str
    project: str | None


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            return self.content.decode("utf-8", "replace")


@dataclass
class Target:
    """A cloud under test."""

    name: str
    # Base address of the identity service, before `/v3`.
    identity: str
    volume: str
    domain: str
    people: dict[str, Person]
    tokens: dict[str, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    domain_id: str = ""
    can_fail_on_command = False

    def send(
        self,
        service: str,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        base = urlsplit(self.identity if service == "identity" else self.volume)
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=60)
        try:
            connection.request(method, base.path + path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    def login(self, who: str, *, scoped: bool = True) -> str:
        """A new token."""
        person = self.people[who]
        user = {
            "name": person.username,
            "password": person.password,
            "domain": {"name": self.domain},
        }
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
        if scoped:
            auth["scope"] = {"project": {"name": person.project, "domain": {"name": self.domain}}}
        reply = self.send(
            "identity",
            "POST",
            "/v3/auth/tokens",
            json.dumps({"auth": auth}).encode(),
            {"Content-Type": "application/json"},
        )
        assert reply.status == 201, reply
        if scoped:
            self.projects[who] = reply.body["token"]["project"]["id"]
            self.users[who] = reply.body["token"]["user"]["id"]
        self.domain_id = reply.body["token"]["user"]["domain"]["id"]
        return reply.headers["x-subject-token"]

    def token(self, who: str) -> str:
        if who not in self.tokens:
            self.tokens[who] = self.login(who)
        return self.tokens[who]

    def ask(self, who: str, method: str, path: str, body: Any = None, version: str = "") -> Reply:
        """A storage call for setting things up; `path` is below the project."""
        headers = {"X-Auth-Token": self.token(who), "Content-Type": "application/json"}
        if version:
            headers["OpenStack-API-Version"] = f"volume {version}"
        content = None if body is None else json.dumps(body).encode()
        return self.send("volume", method, f"/v3/{self.projects[who]}{path}", content, headers)

    def pause(self, seconds: float) -> None:
        """Lets the cloud's clock go on."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends what was started."""

    def wait(self, who: str, kind: str, ident: str, expected: str | None) -> None:
        """Until a `volumes` or `snapshots` item has a status; None: until it is gone."""
        for _ in range(300):
            reply = self.ask(who, "GET", f"/{kind}/{ident}")
            status = None if reply.status == 404 else reply.body[kind[:-1]]["status"]
            if status == expected:
                return
            self.pause(0.2)
        raise AssertionError(f"{kind} {ident} is {status}, not {expected}")


class SandboxTarget(Target):
    """A sandbox of its own, whose clock only the test moves."""

    can_fail_on_command = True

    def __init__(self) -> None:
        self.now = 1_795_449_600.25
        options = SandboxOptions(
            clock=lambda: self.now, errors=ErrorStyle.CINDER, snapshots_per_volume=0, seconds=4
        )
        self.server = SandboxServer(options).start()
        people = {
            "mine": Person(cloud.USERNAME, cloud.PASSWORD, cloud.PROJECT_NAME),
            "reader": Person(cloud.READER_USERNAME, cloud.READER_USERNAME, cloud.PROJECT_NAME),
            "other": Person(cloud.OTHER_USERNAME, cloud.OTHER_USERNAME, cloud.OTHER_PROJECT_NAME),
            "small": Person(cloud.SMALL_USERNAME, cloud.SMALL_USERNAME, cloud.SMALL_PROJECT_NAME),
            "admin": Person(cloud.ADMIN_USERNAME, cloud.ADMIN_USERNAME, cloud.ADMIN_PROJECT_NAME),
            "nobody": Person(cloud.ROLELESS_USERNAME, cloud.ROLELESS_USERNAME, None),
        }
        url = self.server.url
        super().__init__("sandbox", f"{url}/identity", f"{url}/volume", cloud.DOMAIN, people)

    def pause(self, seconds: float) -> None:
        self.now += max(seconds, 1.0)

    def close(self) -> None:
        self.server.stop()

    def fail_next(self, method: str, path: str) -> None:
        self.server.plan_fault(
            PlannedFault(method=method, path=path, trouble=Trouble.ENDS_IN_ERROR)
        )

    def expire_tokens(self) -> None:
        self.send("volume", "POST", "/_sandbox/tokens/expire")
        with self.server.sandbox.state.transaction():
            self.server.sandbox.state.change("UPDATE tokens SET expires_at = 0")
        self.tokens.clear()


class LiveTarget(Target):
    """A cloud named in the environment."""

    def __init__(self) -> None:
        people = {who: person for who in PEOPLE if (person := _person(who))}
        identity = os.environ["EVSPORTAL_LIVE_AUTH_URL"].rstrip("/").removesuffix("/v3")
        domain = os.environ.get("EVSPORTAL_LIVE_DOMAIN", "Default")
        super().__init__("live", identity, "", domain, people)
        self.volume = os.environ.get("EVSPORTAL_LIVE_ENDPOINT", "") or self._from_catalog()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _from_catalog(self) -> str:
        region = os.environ.get("EVSPORTAL_LIVE_REGION")
        reply = self.send(
            "identity", "GET", "/v3/auth/catalog", None, {"X-Auth-Token": self.token("mine")}
        )
        urls = [
            endpoint["url"]
            for service in reply.body["catalog"]
            if service["type"] in ("block-storage", "volumev3")
            for endpoint in service["endpoints"]
            if endpoint["interface"] == "public" and region in (None, endpoint["region"])
        ]
        return urls[0].partition("/v3")[0]


def _person(who: str) -> Person | None:
    prefix = "EVSPORTAL_LIVE_" + ("" if who == "mine" else f"{who.upper()}_")
    username = os.environ.get(f"{prefix}USERNAME")
    if not username:
        return None
    password = os.environ.get(f"{prefix}PASSWORD", "")
    return Person(username, password, os.environ.get(f"{prefix}PROJECT"))


def live_is_named() -> bool:
    return "EVSPORTAL_LIVE_AUTH_URL" in os.environ
