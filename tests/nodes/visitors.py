"""People with browsers of their own before nginx: they ask by forms, look at what becomes of it,
and press again where a page failed. Each request of theirs that fails is counted.
"""

import html
import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests

from tests.faults.facts import INTENT, TOUCH
from tests.start.web_person import Form

KINDS = {"create": 5, "rename": 3, "metadata": 3, "delete": 2, "rollback": 2, "restore": 2}
_CHANGES_SHARE = 0.65  # of the requests of somebody who has a snapshot
_WITHOUT_FRESH_SNAPSHOT = 0.5  # of the rollbacks
_MOST_PRESSES = 40
_MOST_CORRECTIONS = 2  # somebody else has changed it, or a rollback has the volume
_PRESS_AGAIN_SECONDS = 0.5
_POLLS = 2
_PAUSE_SECONDS = 0.2
_REQUEST = re.compile(r"/requests/([0-9a-f-]{36})/")
_SNAPSHOT = re.compile(r'"/snapshots/sandbox/([0-9a-f-]{36})/"')
_CHANGE = re.compile(r'"/snapshots/sandbox/[0-9a-f-]{36}/([a-z]+)/')
_VERSION = re.compile(r'data-version="([^"]+)"')
_TO_TYPE = re.compile(r"Type “(.+?)” to confirm")


@dataclass(frozen=True)
class Failure:
    """A request of a person without an answer, or with one of 500 and above."""

    began: float
    ended: float
    text: str


@dataclass
class Notes:
    """What all of them did, and what they were answered."""

    seconds: list[float] = field(default_factory=list)  # each answer took
    failures: list[Failure] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)  # requests that were recorded, by kind
    acknowledged: dict[str, set[str]] = field(default_factory=dict)  # form to operations
    pressed_again: int = 0
    came_again: int = 0  # forms with something to look at once more
    not_possible: int = 0


@dataclass(frozen=True)
class Page:
    path: str
    text: str


class Visitor:
    """A person with a browser."""

    def __init__(self, address: str, volume_ids: list[str], seed: str, notes: Notes) -> None:
        self._address, self._volume_ids, self._notes = address, volume_ids, notes
        self._random = random.Random(seed)
        self._browser = requests.Session()
        self._browser.trust_env = False
        self._being_made: list[str] = []  # requests for snapshots that were not seen yet
        self._snapshots: list[str] = []

    def sign_in(self, name: str, password: str) -> None:
        page = self._read("/accounts/login/")
        fields = _fields(page, "") | {"username": name, "password": password}
        self._send("POST", page.path, data=fields)
        assert "sessionid" in self._browser.cookies

    def work(self, is_over: threading.Event) -> None:
        while not is_over.wait(self._random.uniform(0, _PAUSE_SECONDS)):
            self._look_for_snapshot()
            if self._snapshots and self._random.random() < _CHANGES_SHARE:
                self._change(self._random.choice(self._snapshots))
            else:
                self._create()

    def _look_for_snapshot(self) -> None:
        """Whether the eldest of the requests has made its snapshot."""
        if not self._being_made:
            return
        operation = self._being_made.pop(0)
        page = self._read(f"/requests/{operation}/")
        if page and (link := _SNAPSHOT.search(page.text)):
            self._snapshots.append(link[1])
        else:
            self._being_made.append(operation)

    def _create(self) -> None:
        key = self._key()
        content = {
            "volume_id": self._random.choice(self._volume_ids),
            "name": f"nodes {key[:8]}",
            "metadata-0-key": INTENT,
            "metadata-0-value": key,
        }
        if operation := self._ask("create", "/snapshots/new/", key, content):
            self._being_made.append(operation)

    def _change(self, snapshot_id: str) -> None:
        """Ask for one of the changes that the snapshot's page offers."""
        address = f"/snapshots/sandbox/{snapshot_id}/"
        page = self._read(address)
        offered = sorted(set(_CHANGE.findall(page.text)) & KINDS.keys()) if page else []
        if not offered:
            return
        kind = self._random.choices(offered, [KINDS[each] for each in offered])[0]
        key = self._key()
        content = {
            "rename": {"name": f"renamed {key[:8]}", "description": key},
            "restore": {"name": f"restored {key[:8]}"},
        }.get(kind, {})
        if self._ask(kind, f"{address}{kind}/", key, content) and kind == "delete":
            self._snapshots.remove(snapshot_id)

    def _ask(self, kind: str, path: str, key: str, content: dict[str, str]) -> str:
        """The operation that the form has become; "" where it is not possible now."""
        corrections = 0
        for press in range(_MOST_PRESSES):
            if press:
                time.sleep(_PRESS_AGAIN_SECONDS)
            page = self._read(f"{path}?key={key}")
            if page and page.path.startswith(path):
                fields = _fields(page, path) | content | self._typed(kind, page, key)
                answer = self._send("POST", f"{path}?key={key}", data=fields)
                if answer is not None and not answer.is_redirect:
                    self._notes.came_again += 1
                    corrections += 1
                    if corrections > _MOST_CORRECTIONS:
                        break
                    continue
                page = self._follow(answer) if answer is not None else None
            if page is None:  # the next press finds out whether it was recorded
                self._notes.pressed_again += 1
            elif operation := _REQUEST.match(page.path):
                self._acknowledge(kind, key, operation[1])
                self._poll(page)
                return operation[1]
            else:
                break
        self._notes.not_possible += 1
        return ""

    def _typed(self, kind: str, page: Page, key: str) -> dict[str, str | list[str]]:
        """What depends on the page."""
        typed: dict[str, str | list[str]] = {}
        if name := _TO_TYPE.search(html.unescape(page.text)):
            typed["typed_name"] = name[1]
        if kind == "rollback" and self._random.random() < _WITHOUT_FRESH_SNAPSHOT:
            typed["fresh_snapshot"] = []
        if kind == "metadata":
            number = next(_rows_of_touch(page), 90)
            typed |= {f"metadata-{number}-key": TOUCH, f"metadata-{number}-value": key}
        return typed

    def _acknowledge(self, kind: str, key: str, operation: str) -> None:
        self._notes.acknowledged.setdefault(key, set()).add(operation)
        self._notes.asked[kind] += 1

    def _poll(self, page: Page) -> None:
        """As the open page of a request does it."""
        if version := _VERSION.search(page.text):
            for _ in range(_POLLS):
                time.sleep(_PAUSE_SECONDS)
                self._send("GET", f"{page.path}status/", headers={"X-Version": version[1]})

    def _key(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    # --- requests --------------------------------------------------------------------------------

    def _read(self, path: str) -> Page | None:
        """The page, wherever it leads; None where a request failed."""
        answer = self._send("GET", path)
        return self._follow(answer) if answer is not None else None

    def _follow(self, answer: requests.Response) -> Page | None:
        for _ in range(5):
            if not answer.is_redirect:
                return Page(urlsplit(answer.url).path, answer.text)
            path = urljoin(answer.url, answer.headers["Location"]).removeprefix(self._address)
            if path.startswith("/accounts/"):
                self._fail(time.time(), f"{answer.url} leads to {path}")
                return None
            following = self._send("GET", path)
            if following is None:
                return None
            answer = following
        self._fail(time.time(), f"{answer.url} leads nowhere")
        return None

    def _send(self, method: str, path: str, **content: object) -> requests.Response | None:
        """The answer to one request; None where it failed."""
        began = time.time()
        try:
            answer = self._browser.request(
                method, self._address + path, timeout=60, allow_redirects=False, **content
            )
        except requests.RequestException as error:
            self._fail(began, f"{method} {path}: {type(error).__name__}: {error}")
            return None
        self._notes.seconds.append(time.time() - began)
        if answer.status_code >= 500:
            self._fail(began, f"{method} {path}: {answer.status_code}")
            return None
        return answer

    def _fail(self, began: float, text: str) -> None:
        self._notes.failures.append(Failure(began, time.time(), text))


class Visitors:
    """All of them at work, from `start` to `stop`."""

    def __init__(self, address: str, volume_ids: list[str], *, seed: int, count: int) -> None:
        self.notes = Notes()
        self._is_over = threading.Event()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="visitor")
        self._visitors = [
            Visitor(address, volume_ids, f"{seed}/visitor {number}", self.notes)
            for number in range(count)
        ]

    def start(self, name: str, password: str) -> None:
        for visitor in self._visitors:  # one after the other: few passwords are hashed at a time
            visitor.sign_in(name, password)
        self._working = [self._pool.submit(each.work, self._is_over) for each in self._visitors]

    def stop(self) -> None:
        """Raises what ended the work of one of them before its time."""
        self._is_over.set()
        for working in getattr(self, "_working", []):
            working.result(120)

    @property
    def asked(self) -> int:
        return sum(self.notes.asked.values())

    @property
    def are_at_work(self) -> bool:
        return not any(working.done() for working in self._working)


def _fields(page: Page, action: str) -> dict[str, str | list[str]]:
    form = Form(action)
    form.feed(page.text)
    return dict(form.fields)


def _rows_of_touch(page: Page) -> Iterator[str]:
    """The numbers of the rows that hold what an earlier change wrote."""
    form = Form("/metadata/")
    form.feed(page.text)
    for name, values in form.fields.items():
        if values == [TOUCH]:
            yield name.split("-")[1]
