"""Measures the pages of snapshots with many of them, beside a portal with 1,000, and whole readings
of a cloud that holds many.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.bench.figures import Figure
from tests.bench.loaded import Loaded, load, server
from tests.bench.pages import Page
from tests.bench.trail import measured_pages
from tests.e2e.stack import ROOT

FEW = 1_000  # snapshots in the portal that the other is compared with
_EXCHANGES = 10_000  # in the trails of both
_READINGS = 3
_BUSY_SECONDS, _GREW_MB = 15, 50
_MOST_QUERIES_OF_SNAPSHOT = 14  # two of them for the rights to roll back and to restore

Tell = Callable[[str], object]


def measure(
    folder: Path, *, snapshots: int, database: str, times: int, tell: Tell
) -> Iterator[Figure]:
    """Load both portals, then everything there is to measure, as it comes."""
    place = server(database)
    tell(f"loading {FEW} and {snapshots} snapshots into {database}")
    few, many = (
        load(folder, exchanges=_EXCHANGES, snapshots=count, database=place)
        for count in (FEW, snapshots)
    )
    tell("pages")
    yield from measured_pages(_pages, many, few, times)
    tell("whole readings")
    yield from _whole_readings(folder, snapshots, place)


def _pages(told: dict[str, Any]) -> list[Page]:
    """`told`: values that are in the tables, from `within.sample_of_snapshots`."""
    asked: dict[str, list[dict[str, str]]] = {
        "the list": [{}],
        "next page": [{"after": told["next"]}],
        "next page, deep": [{"after": told["deep"]}],
        "volume": [{"q": one} for one in told["volume_names"]],
        "a part of names": [{"q": one[:6]} for one in told["names"]],
        "a name": [{"q": one} for one in told["names"]],
        "a part of an id": [{"q": one[:8]} for one in told["snapshots"]],
        "nothing found": [{"q": "nosuchnameanywhere"}],
        "status, rare": [{"status": "error"}],
        "made by": [{"made_by": one} for one in ("portal", "other", "system")],
        "owner": [{"owner": one} for one in told["owners"]],
        "ticket": [{"ticket": one} for one in told["tickets"]],
        "older than 90 days": [{"older": "90"}],
        "gone": [{"presence": "gone"}],
        "gone too": [{"presence": "all"}],
        "by name": [{"sort": "name"}],
        "by volume, backwards": [{"sort": "-volume"}],
        "several at once": [{"made_by": "other", "older": "90", "status": "available"}],
    }
    of_snapshot = [f"/snapshots/sandbox/{one}/" for one in told["snapshots"]]
    return [
        *(
            Page(f"snapshots, {name}", [_path(query) for query in queries], person="helen")
            for name, queries in asked.items()
        ),
        Page("snapshots, staff", ["/snapshots/"], person="alice"),
        Page("one snapshot", of_snapshot, person="helen", most_queries=_MOST_QUERIES_OF_SNAPSHOT),
        Page("one volume", [f"/volumes/sandbox/{one}/" for one in told["volumes"]], person="helen"),
    ]


def _path(query: dict[str, str]) -> str:
    return f"/snapshots/?{urlencode(query)}"


def _whole_readings(folder: Path, snapshots: int, place: str) -> Iterator[Figure]:
    """By a worker that knows nothing yet, then with nothing changed."""
    empty = load(folder, exchanges=FEW, database=place)
    with _cloud_of(snapshots) as url:
        reader = Loaded(
            empty.exchanges, 0, empty.folder, empty.settings | {"EVSPORTAL_SANDBOX_URL": url}
        )
        first, *others = reader.within("read_whole", str(_READINGS))["readings"]
    yield Figure(f"first reading of {first['rows']} snapshots, own CPU", first["busy_s"], "s")
    yield Figure("the same, by the clock", first["seconds"], "s")
    busy = min(one["busy_s"] for one in others)
    yield Figure("reading with nothing changed, own CPU", busy, "s", _BUSY_SECONDS)
    yield Figure("the same, by the clock", min(one["seconds"] for one in others), "s")
    grew = max(one["grew_mb"] for one in others)
    yield Figure("memory that took, at its peak", grew, "MB", _GREW_MB)


@contextmanager
def _cloud_of(snapshots: int) -> Iterator[str]:
    """A sandbox that holds so many; its address."""
    argv = [sys.executable, "-m", "tests.bench.cloud", str(snapshots)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
