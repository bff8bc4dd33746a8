"""A real OpenStack cloud in place of the sandbox: its own volumes, removed in the end.

Named in the environment as for the other live tests: EVSPORTAL_LIVE_AUTH_URL, _USERNAME, _PASSWORD,
_PROJECT, _DOMAIN, _REGION, _ENDPOINT. What the cloud holds is asked of Cinder itself, with an HTTP
client that is not the portal's.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.contract.contract_targets import LiveTarget, Reply, live_is_named
from tests.faults.facts import Made, MadeVolume
from tests.faults.portal import LONGER
from tests.faults.wire import Request

NAME = "live"
VOLUME_NAME = "evsportal fault run"
MOST_VOLUMES = 40
_PAGE = 200
_TRANSITIONAL = frozenset({"creating", "deleting"})
_STUCK = frozenset({"error_deleting"})
_WAIT_SECONDS = 300
_UNAUTHORIZED = 401


class LiveCloud:
    """Counts on the cloud's own side; deals only with volumes that it made itself."""

    name = NAME
    most_volumes = MOST_VOLUMES
    pace = LONGER
    control = None

    def __init__(self) -> None:
        if not live_is_named():
            sys.exit("--live: name a cloud with EVSPORTAL_LIVE_AUTH_URL and so on.")
        self._named = {name: os.environ.get(f"EVSPORTAL_LIVE_{name}", "") for name in _NAMES}
        self._target = LiveTarget()  # knows the endpoint, from the catalog if need be
        self._target.token("mine")
        self._volumes: list[str] = []
        self._routes = {
            "/identity": _Upstream(self._target.identity),
            "/volume": _Upstream(self._target.volume),
        }

    # --- for the proxy and the portal -----------------------------------------------------------

    def route(self, request: Request) -> tuple[Request, tuple[str, int]]:
        """Where a request goes: one port of the proxy stands for two of the cloud."""
        prefix = "/" + request.target.split("/", 2)[1]
        upstream = self._routes[prefix]
        target = upstream.path + request.target.removeprefix(prefix)
        return request.aimed_at(target, upstream.host), upstream.address

    def environ(self, proxy_url: str, folder: Path) -> dict[str, str]:
        """The portal's settings: a `clouds.yaml` that names the proxy in place of the cloud."""
        named, domain = self._named, self._named["DOMAIN"] or "Default"
        auth = {
            "auth_url": f"{proxy_url}/identity/v3",
            "username": named["USERNAME"],
            "password": named["PASSWORD"],
            "project_name": named["PROJECT"],
            "user_domain_name": domain,
            "project_domain_name": domain,
        }
        evs = {
            "dialect": "native-v3",
            "endpoint": f"{proxy_url}/volume/v3/{self._target.projects['mine']}",
            "calls_per_second": 50,
        }
        file = folder / "clouds.yaml"
        file.touch(mode=0o600)
        cloud = {"auth": auth, "region_name": named["REGION"], "evs": evs}
        file.write_text(yaml.safe_dump({"clouds": {NAME: cloud}}), encoding="utf-8")
        return {"EVSPORTAL_MODE": "cloud", "EVSPORTAL_CLOUDS": str(file)}

    # --- on the cloud's own side ----------------------------------------------------------------

    def add_volumes(self, count: int) -> list[str]:
        for _ in range(count):
            wanted = {"volume": {"size": 1, "name": VOLUME_NAME}}
            reply = self._ask("POST", "/volumes", wanted)
            if reply.status >= 300:
                raise RuntimeError(f"the cloud gives no volume: {reply}")
            self._volumes.append(reply.body["volume"]["id"])
        mine = set(self._volumes)
        _until(lambda: self._status_of_volumes(mine) <= {"available"}, "volumes to be available")
        return list(self._volumes)

    def snapshots(self) -> list[Made]:
        """What is on our volumes, when the cloud has finished what it began."""
        _until(
            lambda: not _TRANSITIONAL & {one.status for one in self._held()},
            "snapshots to be finished",
        )
        return self._held()

    def volumes(self) -> list[MadeVolume]:
        """None is made from a snapshot here: it would be left behind."""
        return []

    def requests(self) -> list[tuple[str, str]]:
        """A real cloud tells nobody; the proxy's count must do."""
        return []

    def expire_tokens(self) -> None:
        """Not ours to do here; sign-ins come with new workers."""

    def stop(self) -> None:
        """Remove what was made: the snapshots on our volumes, then the volumes."""
        for one in self._held():
            self._ask("DELETE", f"/snapshots/{one.id}")
        _until(lambda: {one.status for one in self._held()} <= _STUCK, "snapshots to be gone")
        left = self._held()
        for one in left:
            _say(f"{one.status}, only an administrator can remove it: snapshot {one.id}")
        mine = set(self._volumes) - {one.volume_id for one in left}
        for volume_id in mine:
            self._ask("DELETE", f"/volumes/{volume_id}")
        _until(lambda: not self._status_of_volumes(mine), "volumes to be gone")

    def _held(self) -> list[Made]:
        mine = set(self._volumes)
        return [
            Made(one["id"], one["volume_id"], one["status"], one["metadata"], one["name"] or "")
            for one in self._list("snapshots")
            if one["volume_id"] in mine
        ]

    def _status_of_volumes(self, wanted: set[str]) -> set[str]:
        return {one["status"] for one in self._list("volumes") if one["id"] in wanted}

    def _list(self, kind: str) -> Iterator[dict[str, Any]]:
        marker = ""
        while True:
            page = self._ask("GET", f"/{kind}/detail?limit={_PAGE}{marker}").body[kind]
            yield from page
            if len(page) < _PAGE:
                return
            marker = f"&marker={page[-1]['id']}"

    def _ask(self, method: str, path: str, body: Any = None) -> Reply:
        reply = self._target.ask("mine", method, path, body)
        if reply.status == _UNAUTHORIZED:
            self._target.tokens.clear()
            reply = self._target.ask("mine", method, path, body)
        return reply


_NAMES = ("USERNAME", "PASSWORD", "PROJECT", "DOMAIN", "REGION")


class _Upstream:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            sys.exit(f"--live: the proxy reads what it breaks, so it must be http: {url}")
        self.address = (parts.hostname, parts.port or 80)
        self.host = parts.netloc
        self.path = parts.path.rstrip("/")


def _say(line: str) -> None:
    print(f"faults: {line}", file=sys.stderr, flush=True)


def _until(is_so: Any, what: str) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"the cloud takes too long for {what}")
        time.sleep(0.5)
