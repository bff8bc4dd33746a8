"""The simulated cloud as a process of its own, and what it tells when it is asked directly."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tests.faults.facts import MARKER, Made, MadeVolume
from tests.faults.portal import SHORT, Pace
from tests.faults.processes import ROOT, end, end_with_parent
from tests.faults.wire import Request

ENOUGH = 10**9


class Cloud(Protocol):
    """What stands behind the proxy, and tells what it holds when asked directly."""

    name: str  # as the portal calls it
    most_volumes: int
    pace: Pace
    # Changes what is there without the portal; None: the cloud is not ours alone.
    control: Callable[..., Any] | None

    def route(self, request: Request) -> tuple[Request, tuple[str, int]]: ...

    def environ(self, proxy_url: str, folder: Path) -> dict[str, str]: ...

    def add_volumes(self, count: int) -> list[str]: ...

    def snapshots(self) -> list[Made]: ...

    def volumes(self) -> list[MadeVolume]: ...

    def requests(self) -> list[tuple[str, str]]: ...

    def expire_tokens(self) -> None: ...

    def stop(self) -> None: ...


class SandboxCloud:
    """Without limits of its own, and with snapshots that are ready at once."""

    name = "sandbox"
    most_volumes = 1000
    pace = SHORT

    def __init__(self, folder: Path, *, size_gb: int = 250) -> None:
        """`size_gb` of its volumes: with 250 it works for half a second on a rollback, so that
        readings a fifth of a second apart can see it at work.
        """
        self._size_gb = size_gb
        with (folder / "sandbox.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.cloud"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.port = int(self._process.stdout.readline())
        self.address = ("127.0.0.1", self.port)
        self.pid = self._process.pid

    def route(self, request: Request) -> tuple[Request, tuple[str, int]]:
        return request, self.address

    def environ(self, proxy_url: str, folder: Path) -> dict[str, str]:
        """The portal's settings."""
        return {"EVSPORTAL_MODE": "sandbox", "EVSPORTAL_SANDBOX_URL": proxy_url}

    def stop(self) -> None:
        end(self._process)

    def add_volumes(self, count: int) -> list[str]:
        volumes = {"count": count, "name": "load", "size_gb": self._size_gb}
        return self.control("POST", "volumes", volumes)["ids"]

    def snapshots(self) -> list[Made]:
        snapshots = self.control("GET", "snapshots")["snapshots"]
        return [
            Made(one["id"], one["volume_id"], one["status"], one["metadata"], one["name"])
            for one in snapshots
        ]

    def volumes(self) -> list[MadeVolume]:
        volumes = self.control("GET", "volumes")["volumes"]
        return [MadeVolume(one["id"], one["metadata"].get(MARKER, "")) for one in volumes]

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of each request that reached the cloud."""
        requests = self.control("GET", "requests")["requests"]
        return [(one["method"], one["path"]) for one in requests]

    def expire_tokens(self) -> None:
        self.control("POST", "tokens/expire")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """What the sandbox answers to its own routes; for a refusal `{"error": ...}`."""
        url = f"http://127.0.0.1:{self.port}/_sandbox/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            return json.load(refusal)


def main() -> None:
    from snapshots.sandbox import SandboxOptions, SandboxServer

    end_with_parent()
    options = SandboxOptions(
        seconds=0,
        snapshots_per_volume=0,
        quota_snapshots=ENOUGH,
        quota_gigabytes=ENOUGH,
        quota_volumes=ENOUGH,
    )
    with SandboxServer(options) as server:
        print(server.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
