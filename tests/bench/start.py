"""`./run bench --start`: how long a start takes, how much memory, and how the database grows.

Memory is PSS: pages that several processes share are divided among them.
"""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from tests.bench.figures import Figure
from tests.bench.portal import Person, until
from tests.bench.trail import children
from tests.e2e.stack import Stack, running

MOST_SECONDS, MOST_MB = 2.5, 60
PAGES = {
    "helen": ("/", "/requests/", "/snapshots/", "/volumes/", "/snapshots/new/"),
    "audrey": ("/audit/",),
}
FIRST_PAGE = "/accounts/login/"
# An idle portal reads by the clock. To wait for less than a day, it reads so much more often.
_FASTER = 5
_IDLE_SECONDS = 60
_USUAL = {"EVSPORTAL_INVENTORY_SECONDS": 30, "EVSPORTAL_SNAPSHOTS_SECONDS": 300}
_DAY_SECONDS = 24 * 3600

Tell = Callable[[str], object]


def measure(folder: Path, *, requests_made: int, tell: Tell) -> Iterator[Figure]:
    """The starts in a folder that is empty at first, then everything else."""
    tell("first start")
    yield Figure("first start to the first page, with all migrations", _start(folder), "s")
    tell("second start")
    begun = time.perf_counter()
    with running(folder, ready=FIRST_PAGE) as stack:
        yield Figure(
            "second start to the first page", time.perf_counter() - begun, "s", MOST_SECONDS
        )
        yield from _bytes(stack)
        until(lambda: "worker" in _processes(stack), seconds=60)
        time.sleep(5)  # the first readings
        yield from _memory(stack, "after the start")
        tell(f"{requests_made} requests of pages")
        yield from _asked(stack, requests_made)
        yield from _memory(stack, f"after {requests_made} requests")
    tell("an idle portal")
    yield _idle_day(folder)


def _start(folder: Path) -> float:
    begun = time.perf_counter()
    with running(folder, ready=FIRST_PAGE):
        return time.perf_counter() - begun


# --- memory --------------------------------------------------------------------------------------


def _memory(stack: Stack, when: str) -> Iterator[Figure]:
    processes = _processes(stack)
    web = [pss_mb(pid) for pid in processes["web"]]
    yield Figure(f"a web process, {when}", max(web), "MB", MOST_MB)
    yield Figure(f"all {len(web)} web processes, {when}", sum(web), "MB")
    (worker,) = processes["worker"]
    yield Figure(f"the worker, {when}", pss_mb(worker), "MB", MOST_MB)


def _processes(stack: Stack) -> dict[str, list[int]]:
    """The web server with those that answer, and the worker."""
    pids: dict[str, list[int]] = {}
    for pid in children(stack.pid):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"gunicorn" in arguments:
            pids["web"] = [pid, *children(pid)]
        elif b"worker" in arguments:
            pids["worker"] = [pid]
    return pids


def pss_mb(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) / 1024


def _asked(stack: Stack, count: int) -> Iterator[Figure]:
    people = {name: Person(stack, name) for name in PAGES}
    asked = [(people[name], path) for name, paths in PAGES.items() for path in paths]
    begun = time.perf_counter()
    for number in range(count):
        person, path = asked[number % len(asked)]
        person.get(path)
    yield Figure(
        "a page of these, by the clock", (time.perf_counter() - begun) * 1000 / count, "ms"
    )


# --- bytes ---------------------------------------------------------------------------------------


def _bytes(stack: Stack) -> Iterator[Figure]:
    page = requests.get(stack.url + FIRST_PAGE, timeout=60).text
    parts = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page)))
    yield Figure("the first page, compressed", _compressed(stack, FIRST_PAGE), "B")
    styles = sum(_compressed(stack, part) for part in parts)
    yield Figure(f"its {len(parts)} styles and scripts, compressed", styles, "B")


def _compressed(stack: Stack, path: str) -> int:
    headers = {"Accept-Encoding": "gzip"}
    with requests.get(stack.url + path, headers=headers, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        return len(answer.raw.read())


def _idle_day(folder: Path) -> Figure:
    """Reckoned from a minute in which the portal reads more often than it would."""
    faster = {name: f"{seconds / _FASTER:g}" for name, seconds in _USUAL.items()}
    with running(folder, **faster):
        time.sleep(10)  # what it does first
        before = _database_bytes(folder)
        time.sleep(_IDLE_SECONDS)
        grew = _database_bytes(folder) - before
    days = _IDLE_SECONDS * _FASTER / _DAY_SECONDS
    return Figure("an idle day lets the database grow by", grew / days / 1e6, "MB")


def _database_bytes(folder: Path) -> int:
    (path,) = folder.rglob("portal.sqlite3")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        pages, free, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    database.close()
    return int((pages - free) * size)
