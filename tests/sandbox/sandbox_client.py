"""A plain client for one sandbox, and a clock that only the test moves."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

from snapshots.sandbox import SandboxServer
from snapshots.sandbox import scenarios as cloud


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_795_449_600.25

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of an EVS or gateway error."""
        return self.body["error"]["code"] if "error" in self.body else self.body["error_code"]


@dataclass
class Client:
    """Asks one sandbox. Paths of storage calls are below the project."""

    server: SandboxServer
    username: str = cloud.USERNAME
    password: str = cloud.PASSWORD
    project_id: str = cloud.PROJECT_ID
    _token: str = field(default="", init=False)

    def send(self, method, path, body=None, headers=None, timeout=20) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        content = json.dumps(body) if isinstance(body, dict | list) else body
        try:
            connection.request(method, path, content, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    def login(self) -> str:
        user = {"name": self.username, "password": self.password, "domain": {"name": cloud.DOMAIN}}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": self.project_id}},
        }
        headers = {"Content-Type": "application/json"}
        reply = self.send("POST", "/v3/auth/tokens", {"auth": auth}, headers)
        assert reply.status == 201, reply
        return reply.headers["x-subject-token"]

    @property
    def token(self) -> str:
        if not self._token:
            self._token = self.login()
        return self._token

    def forget_token(self) -> None:
        self._token = ""

    def ask(self, method, path, body=None, version="v2", timeout=20) -> Reply:
        headers = {"X-Auth-Token": self.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.send(
            method, f"/{version}/{self.project_id}{path}", body, headers, timeout=timeout
        )

    def create(self, volume, version="v2", path="/snapshots", timeout=20, **more) -> Reply:
        volume_id = getattr(volume, "id", volume)
        body = {"snapshot": {"volume_id": volume_id, "name": "daily", **more}}
        return self.ask("POST", path, body, version, timeout)

    def snapshot(self, ident) -> Any:
        return self.ask("GET", f"/snapshots/{ident}").body["snapshot"]

    def status_of(self, ident) -> str | None:
        reply = self.ask("GET", f"/snapshots/{ident}")
        return reply.body["snapshot"]["status"] if reply.status == 200 else None

    def everything(self) -> list[Any]:
        """All snapshots, as the control route lists them."""
        return self.send("GET", "/_sandbox/snapshots").body["snapshots"]
