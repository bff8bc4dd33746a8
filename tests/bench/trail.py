"""Measures a portal with a loaded audit trail, beside one with a trail of 10,000 exchanges.

Pages are asked for in turn of both portals, so that whatever else this machine does meanwhile slows
both. What counts is the time in the portal itself, as `timing` tells it with each answer.
"""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.loaded import Loaded, load, server
from tests.bench.pages import Page, pages
from tests.bench.portal import Person
from tests.bench.within import memory_mb, memory_now
from tests.e2e.stack import ROOT, Stack

SMALL = 10_000  # exchanges in the trail that the other is compared with
WARM_UP = 3
RECORD_MS, VERIFY_SECONDS, EXPORT_MB = 2, 30, 100
MILLION = 1_000_000
PATIENCE = 600  # seconds

Tell = Callable[[str], object]


def measure(
    folder: Path, *, exchanges: int, database: str, times: int, tell: Tell
) -> Iterator[Figure]:
    """Load both trails, then everything there is to measure, as it comes."""
    place = server(database)
    tell(f"loading {SMALL} and {exchanges} exchanges into {database}")
    few = load(folder, exchanges=SMALL, database=place)
    many = load(folder, exchanges=exchanges, database=place)
    yield Figure(f"loading {exchanges} exchanges", many.notes["load_s"], "s")
    tell("pages")
    yield from measured_pages(pages, many, few, times)
    tell("recording, verifying, exporting")
    yield from _recording(many)
    yield from _whole_trail(many)


# --- pages -----------------------------------------------------------------------------------


class Visitor:
    """Somebody who is signed in to a portal, and told what its answers took."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._person = Person(stack, name)

    def ask(self, path: str) -> tuple[float, int, int]:
        """Milliseconds in the portal, queries, and rows of tables shown."""
        answer = self._person.session.get(self._person.url + path, timeout=PATIENCE)
        answer.raise_for_status()
        told = re.findall(r"dur=([\d.]+)", answer.headers["Server-Timing"])
        return float(told[0]), int(told[1]), answer.text.count("<tr")


def measured_pages(
    pages_of: Callable[[dict[str, Any]], list[Page]], many: Loaded, few: Loaded, times: int
) -> Iterator[Figure]:
    """Each page of `many` beside the same of `few`; `pages_of` names them, by the samples."""
    with ExitStack() as open_portals:
        pairs = [
            (pages_of(one.notes["sample"]), open_portals.enter_context(one.served()))
            for one in (many, few)
        ]
        visitors: dict[tuple[Stack, str], Visitor] = {}
        for page, of_few in zip(*(some for some, _stack in pairs), strict=True):
            asked = []
            for one, (_some, stack) in zip((page, of_few), pairs, strict=True):
                who = (stack, one.person)
                visitors[who] = visitors.get(who) or Visitor(stack, one.person)
                asked.append((visitors[who], one))
            yield _page(asked[0], asked[1], times)


def _page(many: tuple[Visitor, Page], few: tuple[Visitor, Page], times: int) -> Figure:
    taken: list[list[float]] = [[], []]
    shown: list[list[int]] = [[], []]
    queries = 0
    for turn in range(-WARM_UP, times):
        for (visitor, page), milliseconds, rows in zip((many, few), taken, shown, strict=True):
            took, made, count = visitor.ask(page.paths[turn % len(page.paths)])
            if turn >= 0:
                milliseconds.append(took)
                rows.append(count)
                queries = max(queries, made)
    p50, few_p50 = (statistics.median(one) for one in taken)
    page = many[1]
    return Figure(
        name=page.name,
        value=p95(taken[0]),
        unit="ms",
        limit=page.limit_ms,
        p50=p50,
        few_p50=few_p50,
        rows=round(statistics.median(shown[0])),
        few_rows=round(statistics.median(shown[1])),
        queries=queries,
        most_queries=page.most_queries,
        is_level=page.is_level,
    )


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


# --- everything else -------------------------------------------------------------------------


def _recording(many: Loaded) -> Iterator[Figure]:
    told = many.within("record")
    limit = RECORD_MS if "DATABASE_URL" not in many.settings else None
    yield Figure("recording one exchange and its answer, median", told["p50_ms"], "ms", limit)
    yield Figure("the same, p95", told["p95_ms"], "ms")
    yield Figure("of it, before a request may leave", told["opened_ms"], "ms")
    yield Figure("the same, without waiting for the disk", told["busy_ms"], "ms")


def _whole_trail(many: Loaded) -> Iterator[Figure]:
    began = time.perf_counter()
    said = many.manage("audit_verify", "--key", str(many.key))
    seconds = time.perf_counter() - began
    rows = int(re.findall(r"Sound: (\d+) rows", said)[0])
    yield Figure("rows in the trail", rows, "")
    yield Figure("sealing all of them", many.notes["seal_s"], "s")
    yield Figure("verifying all of them", seconds, "s")
    share = MILLION / rows
    yield Figure("verifying 1,000,000 of them", seconds * share, "s", VERIFY_SECONDS)
    path = many.folder / "export.zip"
    path.unlink(missing_ok=True)
    told = many.within("export", str(path))
    yield Figure("exporting all as JSON Lines and CSV, by command", told["seconds"], "s")
    yield Figure("memory that took, at its peak", told["grew_mb"], "MB", EXPORT_MB)
    yield Figure("size of the export", path.stat().st_size / 1e6, "MB")
    yield Figure("verifying it by tools/verify_audit.py", _verified(path, many.key), "s")
    path.unlink()
    yield from _downloading(many)


def _verified(path: Path, key: Path) -> float:
    began = time.perf_counter()
    tool = [sys.executable, "tools/verify_audit.py", str(path), "--key", str(key)]
    subprocess.run(tool, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _downloading(many: Loaded) -> Iterator[Figure]:
    with many.served() as stack:
        audrey = Person(stack, "audrey")
        audrey.get("/audit/")
        servers = _servers(stack)
        before = {pid: memory_now(pid) for pid in servers}
        began = time.perf_counter()
        with audrey.session.get(
            f"{stack.url}/audit/export/?csv=1", stream=True, timeout=PATIENCE
        ) as answer:
            answer.raise_for_status()
            for _chunk in answer.iter_content(1 << 16):
                pass
        yield Figure("exporting the same from the page", time.perf_counter() - began, "s")
        grew = max(memory_mb(pid, "VmHWM") - before[pid] for pid in servers)
        yield Figure("memory that took, at its peak", grew, "MB", EXPORT_MB)


def _servers(stack: Stack) -> list[int]:
    """The processes that answer: children of gunicorn's first."""
    return [pid for one in children(stack.pid) for pid in children(one)]


def children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in found.split()]
