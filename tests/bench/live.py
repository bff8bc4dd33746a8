"""What open pages cost: an unchanged question, a fragment, a page of 50 rows, by a bare view.

The busy time of the portal's own processes is taken, in turns, on the same server in the same run:
what else the machine does changes none of the ratios much.
"""

import re
import statistics
from contextlib import suppress
from html import unescape
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.portal import Person, fill
from tests.e2e.stack import Stack, running

ROUNDS, TIMES = 9, 60
GOALS = {"unchanged question": 0.6, "page of 50 rows": 0.15}
MOST_BYTES = 200


def measure(folder: Path) -> list[Figure]:
    with running(folder):
        pass  # the first start migrates, collects and seeds
    with running(folder, "--no-worker", "--no-sandbox", ready="/healthz") as stack:
        alice = Person(stack, "alice")
        fill(stack)
        asked = _questions(alice)
        spent: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(ROUNDS):
            for name, (path, headers, status) in asked.items():
                spent[name].append(_busy_ms(stack, alice, path, headers, status))
        bytes_of_unchanged = _bytes(alice, *asked["unchanged question"][:2])
    return [*_figures(spent), Figure("an unchanged answer", bytes_of_unchanged, "B", MOST_BYTES)]


def _questions(alice: Person) -> dict[str, tuple[str, dict[str, str], int]]:
    page = alice.get("/requests/")
    address = unescape(re.search(r'data-live="([^"]*)"', page)[1])
    version = re.search(r'data-version="([^"]*)"', page)[1]
    return {
        "bare view": ("/healthz", {}, 200),
        "unchanged question": (address, {"X-Version": version}, 204),
        "question answered in full": (address, {}, 200),
        "page of 50 rows": ("/requests/", {}, 200),
    }


def _busy_ms(stack: Stack, alice: Person, path: str, headers: dict[str, str], status: int) -> float:
    """Milliseconds that the portal's processes are busy with one of these."""
    _ask(alice, path, headers)
    before = busy_seconds(stack.pid)
    for _ in range(TIMES):
        answer = _ask(alice, path, headers)
        assert answer.status_code == status, answer.status_code
    return (busy_seconds(stack.pid) - before) * 1000 / TIMES


def _ask(alice: Person, path: str, headers: dict[str, str]):
    return alice.session.get(alice.url + path, headers=headers, timeout=120)


def _bytes(alice: Person, path: str, headers: dict[str, str]) -> int:
    answer = _ask(alice, path, headers)
    lines = [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
    return len(f"HTTP/1.1 204 {answer.reason}\r\n\r\n") + sum(map(len, lines)) + len(answer.content)


def busy_seconds(pid: int) -> float:
    """Of a process and all below it: of the threads that they have now, by the nanosecond."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    below = {pid}
    for _ in parents:
        more = {child for child, parent in parents.items() if parent in below} - below
        if not more:
            break
        below |= more
    return sum(map(_busy_nanoseconds, below)) / 1e9


def _busy_nanoseconds(pid: int) -> int:
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # it has ended
            total += int((thread / "schedstat").read_text().split()[0])
    return total


def _figures(spent: dict[str, list[float]]) -> list[Figure]:
    middle = {name: statistics.median(times) for name, times in spent.items()}
    told = [Figure(f"{name}, busy", ms, "ms") for name, ms in middle.items()]
    bare = middle["bare view"]
    for name, goal in GOALS.items():
        told.append(Figure(f"{name}, in bare views", middle[name] / bare, "", round(1 / goal, 2)))
    return told
