"""How long after the cloud's "available" an open page says so: a real portal, a real browser.

What was asked for becomes available 1 to 9 seconds after its page was opened, at moments that the
seed draws; the simulated cloud's own table says when. Once each request comes by itself, once the
next follows at once, so that readings are as seldom as in the long run.
"""

import random
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench.figures import Figure
from tests.bench.portal import Person
from tests.e2e.browser import CHROMIUM, QUIET
from tests.e2e.stack import Stack, running
from tests.waiting import until

TIMES = 10
REST_SECONDS = 30.0  # then readings may follow quickly again: `rest_after` in operations/watch.py
SEED = 7
SOONEST_SECONDS, LATEST_SECONDS = 1.0, 9.0
GOAL_MS = 1000
# Looked at with each frame that the browser draws.
_NOTICED = "() => document.querySelector('main .badge--good') && Date.now() / 1000"


def measure(folder: Path) -> list[Figure]:
    drawn = random.Random(SEED)
    with running(folder) as stack, sync_playwright() as playwright:
        alice = Person(stack, "alice")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(base_url=stack.url)
        _sign_in(page)
        asked = cycle(alice.volumes())

        def lags(rest_seconds: float) -> Iterator[float]:
            for _ in range(TIMES):
                time.sleep(rest_seconds)
                yield _lag_ms(stack, page, alice.submit(next(asked))[1], drawn)

        measured = {"by itself": [*lags(REST_SECONDS)], "one after the other": [*lags(0)]}
        browser.close()
    return [*_figures(measured)]


def _figures(measured: dict[str, list[float]]) -> Iterator[Figure]:
    for how, lags in measured.items():
        name = f"from available in the cloud to the page, {how}"
        limit = GOAL_MS if how == "by itself" else None
        yield Figure(f"{name}, median", statistics.median(lags), "ms", limit)
        yield Figure(f"{name}, longest", max(lags), "ms")


def _sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.fill("#id_username", "alice")
    page.fill("#id_password", "demo")
    page.press("#id_password", "Enter")
    page.wait_for_url("**/")


def _lag_ms(stack: Stack, page: Page, address: str, drawn: random.Random) -> float:
    page.goto(address)
    with closing(sqlite3.connect(stack.folder / "sandbox/cloud.sqlite3", timeout=20)) as cloud:
        number = until(lambda: _pending(cloud))
        available_at = time.time() + drawn.uniform(SOONEST_SECONDS, LATEST_SECONDS)
        with cloud:
            change = "UPDATE transitions SET due_at = ? WHERE number = ?"
            cloud.execute(change, (available_at, number))
    noticed_at = page.wait_for_function(_NOTICED, polling="raf").json_value()
    assert noticed_at > available_at, "Something else on the page is good."
    return 1000 * (noticed_at - available_at)


def _pending(cloud: sqlite3.Connection) -> int | None:
    """The number of the only change of status to come."""
    rows = cloud.execute("SELECT number FROM transitions WHERE status = 'available'").fetchall()
    return rows[0][0] if rows else None
