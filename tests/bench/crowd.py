"""How long 1,000 open pages wait for the answers to their questions, on this machine.

Each page asks as often as the script of the pages would (`static/js/pace.js`). Meanwhile somebody
asks for a snapshot every ten seconds, so that some pages have something to show. A wait counts from
when the question was due: also what the asking side needs is in it.
"""

import heapq
import random
import re
import statistics
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from itertools import count
from pathlib import Path

from requests.adapters import HTTPAdapter

from tests.bench.figures import Figure
from tests.bench.portal import Person
from tests.e2e.stack import running

PAGES_OF = {"bob": 980, "alice": 10, "helen": 10}  # helen sees everybody's requests
SECONDS = 60.0
ASKED_EACH_SECONDS = 10.0
THREADS = 32
IDLE_SECONDS, SOON_SECONDS, FRESH_SECONDS = 30.0, 0.5, 12.0  # as in pace.js
MOST_P95_MS = 100


@dataclass(slots=True)
class OpenPage:
    person: Person
    address: str
    version: str
    changed_at: datetime | None = None

    @property
    def pause_seconds(self) -> float:
        if self.changed_at is None:
            return IDLE_SECONDS
        quiet = (datetime.now(UTC) - self.changed_at).total_seconds()
        return SOON_SECONDS if quiet < FRESH_SECONDS else min(IDLE_SECONDS, quiet / 6)

    def ask(self) -> int:
        """The status of the answer."""
        headers = {"X-Version": self.version, "HX-Request": "true"}
        answer = self.person.session.get(
            self.person.url + self.address, headers=headers, timeout=60
        )
        if answer.status_code == 200:
            self._note(answer.text)
        return answer.status_code

    def _note(self, text: str) -> None:
        self.version = _attribute("version", text) or self.version
        changed = _attribute("changed", text)
        self.changed_at = datetime.fromisoformat(changed) if changed else None


@dataclass
class Crowd:
    """Pages by when they ask next, and what was waited."""

    due: list[tuple[float, int, OpenPage]]
    until: float
    waits_ms: dict[int, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: count = field(default_factory=lambda: count(10_000))

    def ask_on(self) -> None:
        while (turn := self._next()) is not None:
            at, page = turn
            time.sleep(max(0.0, at - time.monotonic()))
            status = page.ask()
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
        people = {name: Person(stack, name) for name in PAGES_OF}
        for person in people.values():
            person.session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        begun = time.monotonic()
        pages = [
            (begun + drawn.uniform(0, IDLE_SECONDS), number, page)
            for number, page in enumerate(_opened(people))
        ]
        heapq.heapify(pages)
        crowd = Crowd(pages, begun + SECONDS)
        threads = [threading.Thread(target=crowd.ask_on) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        _ask_for_snapshots(people["alice"], begun + SECONDS)
        for thread in threads:
            thread.join()
    return _figures(crowd.waits_ms)


def _opened(people: dict[str, Person]) -> list[OpenPage]:
    opened = []
    for name, number in PAGES_OF.items():
        page = people[name].get("/requests/")
        address = unescape(_attribute("live", page))
        opened += [
            OpenPage(people[name], address, _attribute("version", page)) for _ in range(number)
        ]
    return opened


def _attribute(name: str, text: str) -> str:
    written = re.search(rf'data-{name}="([^"]*)"', text)
    return written[1] if written else ""


def _ask_for_snapshots(alice: Person, until: float) -> None:
    for volume in alice.volumes():
        if time.monotonic() + ASKED_EACH_SECONDS > until:
            return
        alice.submit(volume)
        time.sleep(ASKED_EACH_SECONDS)


def _figures(waits_ms: dict[int, list[float]]) -> list[Figure]:
    everything = [wait for waits in waits_ms.values() for wait in waits]
    told = [Figure("questions in a second", len(everything) / SECONDS, "")]
    for status, waits in sorted(waits_ms.items()):
        told.append(Figure(f"answered {status}", len(waits), ""))
        told.append(Figure(f"waited for {status}, p50", statistics.median(waits), "ms"))
    slow = statistics.quantiles(everything, n=20)[-1]
    return [*told, Figure("waited, p95", slow, "ms", MOST_P95_MS)]
