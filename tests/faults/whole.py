"""The whole portal as `./run` starts it, seen from outside: clicks over HTTP, processes, files."""

import os
import re
import shutil
import signal
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.e2e.stack import Stack
from tests.faults.facts import FINAL, Facts, Made, Row, Told
from tests.waiting import until

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_OPERATION = re.compile(r"/requests/([0-9a-f-]{36})/")


@dataclass
class Person:
    """alice with a browser: what is not acknowledged is clicked again, with the same form."""

    url: str
    acknowledged: dict[str, set[str]] = field(default_factory=dict)  # form to operations

    def __post_init__(self) -> None:
        self._browser = requests.Session()

    def sign_in(self) -> None:
        self._send("/accounts/login/", username="alice", password="demo")
        assert "sessionid" in self._browser.cookies

    def told(self) -> set[str]:
        """The operations that were acknowledged."""
        return set().union(*list(self.acknowledged.values()))

    def click(self, volume_id: str) -> None:
        key = str(uuid.uuid4())
        until(lambda: self._ask(key, volume_id), seconds=60)

    def reads(self, path: str) -> requests.Response:
        return self._browser.get(self.url + path, timeout=20)

    def asks(self, volume_id: str) -> requests.Response:
        """Once, whatever the answer."""
        key = str(uuid.uuid4())
        return self._send(f"/snapshots/new/?key={key}", key=key, volume_id=volume_id)

    def _ask(self, key: str, volume_id: str) -> bool:
        try:
            page = self._send(f"/snapshots/new/?key={key}", key=key, volume_id=volume_id)
        except requests.RequestException:
            return False
        told = _OPERATION.search(page.url)
        if page.ok and told:
            self.acknowledged.setdefault(key, set()).add(told[1])
        return bool(page.ok and told)

    def _send(self, path: str, **typed: str) -> requests.Response:
        form = self._browser.get(self.url + path, timeout=10)
        if _OPERATION.search(form.url):
            return form  # it was recorded the first time
        token = _TOKEN.search(form.text)
        if token is None:
            raise requests.ConnectionError(f"no form: {form.status_code}")
        fields = {"csrfmiddlewaretoken": token[1], **typed}
        return self._browser.post(form.url, fields, timeout=10)


@dataclass
class House:
    """A started portal: strikes its processes, reads its database, asks its sandbox directly."""

    stack: Stack

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.stack.port + 9}/_sandbox"

    @property
    def parent(self) -> int:
        return self.stack._process.pid

    def add_volumes(self, count: int) -> list[str]:
        """Volumes that alice may use, and that the portal has read."""
        wanted = {"count": count, "name": "load"}
        # The web server answers before the sandbox does where all start on a busy machine.
        until(self._has_a_sandbox, seconds=20)
        ids = requests.post(f"{self.sandbox_url}/volumes", json=wanted, timeout=5).json()["ids"]
        with self.books() as books, books:
            books.execute(
                "insert into snapshots_volumegrant (cloud, scope, volume_id, user_id)"
                " select 'sandbox', 'cloud', '', id from auth_user where username = 'alice'"
            )
        until(lambda: self._knows(ids), seconds=20)
        return list(ids)

    def _has_a_sandbox(self) -> bool:
        try:
            return requests.get(f"{self.sandbox_url}/", timeout=5).status_code < 500
        except requests.RequestException:
            return False

    def _knows(self, ids: list[str]) -> bool:
        with self.books() as books:
            return set(ids) <= {
                row[0] for row in books.execute("select volume_id from snapshots_volume")
            }

    def are_settled(self) -> bool:
        with self.books() as books:
            return all(one.state in FINAL for one in operations_of(books))

    @property
    def database(self) -> Path:
        return self.stack.folder / "sandbox" / "portal.sqlite3"

    @contextmanager
    def books(self) -> Iterator[sqlite3.Connection]:
        books = sqlite3.connect(self.database, timeout=20)
        try:
            yield books
        finally:
            books.close()

    def processes(self) -> dict[int, str]:
        """What the parent has started, and what these have: pid to command line."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(stat.parent.name))
        return {pid: _command(pid) for pid in _below(self.parent, children)}

    def web(self) -> list[int]:
        """The web server's processes, the one that started the others first."""
        return sorted(pid for pid, command in self.processes().items() if "gunicorn" in command)

    def requests(self) -> Counter[tuple[str, str]]:
        """Method and path of what reached the sandbox since it was started."""
        shown = requests.get(f"{self.sandbox_url}/requests", timeout=5).json()["requests"]
        return Counter((one["method"], one["path"]) for one in shown)

    def facts(self, person: Person) -> Facts:
        """For the judge."""
        held = requests.get(f"{self.sandbox_url}/snapshots", timeout=5).json()["snapshots"]
        with self.books() as books:
            return Facts(
                operations=operations_of(books),
                snapshots=[
                    Made(one["id"], one["volume_id"], one["status"], one["metadata"])
                    for one in held
                    if one["metadata"].get("evsportal-operation")
                ],
                acknowledged=person.acknowledged,
                sent=[],
                rows=rows_of(books),
                at_cloud=list(self.requests().elements()),
            )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All that writes stands still, at whatever point it was."""
        pids = [pid for pid, command in self.processes().items() if "sandbox" not in command]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def copy_database(self, folder: Path) -> Path:
        """As a power cut would leave it: what was written so far, and a torn frame at the end."""
        folder.mkdir()
        for name in ("portal.sqlite3", "portal.sqlite3-wal"):
            shutil.copyfile(self.database.with_name(name), folder / name)
        with (folder / "portal.sqlite3-wal").open("ab") as wal:
            wal.write(os.urandom(1000))
        return folder / "portal.sqlite3"


@contextmanager
def clicking(person: Person, volume_ids: list[str], times: int) -> Iterator[threading.Thread]:
    """The person asks for a snapshot of each of the volumes so many times, while the block runs;
    it ends when all is acknowledged.
    """

    def click() -> None:
        for _ in range(times):
            for volume_id in volume_ids:
                person.click(volume_id)

    thread = threading.Thread(target=click, daemon=True)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def rows_of(books: sqlite3.Connection) -> list[Row]:
    """The exchanges of a portal's database."""
    found = books.execute("select method, url, operation_id, purpose from snapshots_exchange")
    return [
        Row(
            at=0,
            method=method,
            target=_path(url),
            operation=operation or "",
            is_marked=purpose == "create",
        )
        for method, url, operation, purpose in found
    ]


def operations_of(books: sqlite3.Connection) -> list[Told]:
    found = books.execute(
        "select o.id, o.state, o.volume_id, s.snapshot_id from snapshots_operation o"
        " left join snapshots_snapshot s on s.operation_id = o.id"
    )
    return [
        Told(str(uuid.UUID(str(key))), "", state, volume_id, snapshot_id)
        for key, state, volume_id, snapshot_id in found
    ]


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3].partition("?")[0]


def _below(pid: int, children: dict[int, list[int]]) -> list[int]:
    found = []
    for child in children.get(pid, []):
        found += [child, *_below(child, children)]
    return found


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
