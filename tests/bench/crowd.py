"""How long 1,000 open pages of 1,000 sessions wait for the answers to their questions.

Each page asks as often as the script of the pages does (`static/js/pace.js`), and a tenth of them
says now and then that somebody is there. Every ten seconds somebody asks for a snapshot, so that
some pages have something to show. A wait counts from when the question was due: what the asking
side needs, on the same machine, is in it.
"""

import heapq
import random
import re
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from pathlib import Path

import requests

from tests.bench.figures import Figure
from tests.bench.portal import Person
from tests.e2e.stack import Stack, running

PAGES_OF = {"bob": 980, "alice": 10, "helen": 10}  # helen sees everybody's requests
ATTENDED_SHARE = 0.1
SECONDS = 120.0
ASKED_EACH_SECONDS = 10.0
THREADS = 32
IDLE_SECONDS, SOON_SECONDS, FRESH_SECONDS = 30.0, 0.5, 12.0  # as in pace.js
ATTENDED_SECONDS = 20.0  # as in attended.js
MOST_P95_MS = 100
UNANSWERED = 0

_SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
for name, number in {pages!r}.items():
    for _ in range(number):
        browser = Client()
        browser.force_login(User.objects.get(username=name))
        for cookie in browser.cookies.values():
            print("session", name, cookie.key, cookie.value)
"""


@dataclass(slots=True)
class OpenPage:
    url: str
    cookie: str
    is_attended: bool
    address: str = ""
    version: str = ""
    changed_at: datetime | None = None
    is_soon: bool = False
    told_at: float = 0.0

    @property
    def pause_seconds(self) -> float:
        if self.changed_at is None:
            return IDLE_SECONDS
        quiet = (datetime.now(UTC) - self.changed_at).total_seconds()
        if quiet < FRESH_SECONDS or (self.is_soon and quiet < 2 * FRESH_SECONDS):
            return SOON_SECONDS
        return min(IDLE_SECONDS, quiet / 6)

    def open(self, client: requests.Session) -> None:
        answer = client.get(f"{self.url}/requests/", headers={"Cookie": self.cookie}, timeout=60)
        answer.raise_for_status()
        self.address = unescape(_attribute("live", answer.text))
        self._note(answer.text)

    def ask(self, client: requests.Session) -> int:
        """The status of the answer; `UNANSWERED`."""
        headers = {"X-Version": self.version, "HX-Request": "true", "Cookie": self.cookie}
        if self.is_attended and time.monotonic() - self.told_at > ATTENDED_SECONDS:
            self.told_at = time.monotonic()
            headers["X-Attended"] = "true"
        try:
            answer = client.get(self.url + self.address, headers=headers, timeout=60)
        except requests.RequestException:
            return UNANSWERED
        if answer.status_code == 200:
            self._note(answer.text)
        return answer.status_code

    def _note(self, text: str) -> None:
        self.version = _attribute("version", text) or self.version
        changed = _attribute("changed", text)
        self.changed_at = datetime.fromisoformat(changed) if changed else None
        self.is_soon = "data-soon" in text


@dataclass
class Crowd:
    """Pages by when they ask next, and what was waited."""

    due: list[tuple[float, int, OpenPage]]
    until: float
    waits_ms: dict[int, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: "count[int]" = field(default_factory=lambda: count(10_000))

    def ask_on(self) -> None:
        client = _client()
        while (turn := self._next()) is not None:
            at, page = turn
            time.sleep(max(0.0, at - time.monotonic()))
            status = page.ask(client)
            ended = time.monotonic()
            with self._lock:
                self.waits_ms.setdefault(status, []).append((ended - at) * 1000)
                heapq.heappush(self.due, (ended + page.pause_seconds, next(self._numbers), page))

    def _next(self) -> tuple[float, OpenPage] | None:
        with self._lock:
            if not self.due or self.due[0][0] > self.until:
                return None
            at, _number, page = heapq.heappop(self.due)
        return at, page


def measure(folder: Path) -> list[Figure]:
    drawn = random.Random(7)
    with running(folder) as stack:
        alice = Person(stack, "alice")
        pages = list(_opened(stack, drawn))
        begun = time.monotonic()
        due = [(begun + drawn.uniform(0, IDLE_SECONDS), *each) for each in enumerate(pages)]
        heapq.heapify(due)
        crowd = Crowd(due, begun + SECONDS)
        threads = [threading.Thread(target=crowd.ask_on) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        _ask_for_snapshots(alice, begun + SECONDS)
        for thread in threads:
            thread.join()
    return list(_figures(crowd.waits_ms))


def _opened(stack: Stack, drawn: random.Random) -> Iterator[OpenPage]:
    client = _client()
    for line in stack.manage("shell", "-c", _SIGN_IN.format(pages=PAGES_OF)).splitlines():
        if line.startswith("session "):
            _word, _name, key, value = line.split(" ", 3)
            page = OpenPage(stack.url, f"{key}={value}", drawn.random() < ATTENDED_SHARE)
            page.open(client)
            yield page


def _client() -> requests.Session:
    """Without cookies of its own: each page sends those of its session."""
    client = requests.Session()
    client.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _attribute(name: str, text: str) -> str:
    written = re.search(rf'data-{name}="([^"]*)"', text)
    return written[1] if written else ""


def _ask_for_snapshots(alice: Person, until: float) -> None:
    for volume in alice.volumes() * 9:
        if time.monotonic() + ASKED_EACH_SECONDS > until:
            return
        alice.submit(volume)
        time.sleep(ASKED_EACH_SECONDS)


def _figures(waits_ms: dict[int, list[float]]) -> Iterator[Figure]:
    everything = [wait for waits in waits_ms.values() for wait in waits]
    yield Figure("questions in a second", len(everything) / SECONDS, "")
    for status in (204, 200):
        yield Figure(f"answered {status}", len(waits_ms[status]), "")
        yield Figure(f"waited for {status}, p50", statistics.median(waits_ms[status]), "ms")
    others = sum(len(waits) for status, waits in waits_ms.items() if status not in {200, 204})
    yield Figure("not answered, or refused", others, "", 0)
    yield Figure("waited, p95", statistics.quantiles(everything, n=20)[-1], "ms", MOST_P95_MS)
