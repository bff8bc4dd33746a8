"""When a page is there, with nothing in the browser's cache and a slow network; and what shifts.

Chromium plays slow 4G: 150 ms for each request, 1.6 Mbit/s down, 0.75 up. The processor is not
slowed. The middle of several openings counts.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.bench.figures import Figure
from tests.bench.portal import Person
from tests.e2e.browser import CHROMIUM, QUIET
from tests.e2e.stack import running

SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
TIMES = 5
MOST_LCP_MS, MOST_SHIFT = 1000, 0.001  # a counter may get shorter
PAGES = {
    "/": "alice",
    "/snapshots/new/": "alice",
    "/requests/": "helen",
    "/snapshots/": "helen",
    "/volumes/": "helen",
    "/audit/": "audrey",
}
# Shifts are summed up until a second after the last animation.
_TOLD = """async () => {
  await Promise.allSettled(document.getAnimations().map((each) => each.finished));
  return new Promise((resolve) => {
  let painted = 0, shifted = 0;
  const watch = (type, note) => new PerformanceObserver(
    (list) => list.getEntries().forEach(note)
  ).observe({ type, buffered: true });
  watch("largest-contentful-paint", (entry) => { painted = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) shifted += entry.value; });
  setTimeout(() => resolve([painted, shifted]), 1000);
  });
}"""


def measure(folder: Path) -> list[Figure]:
    with running(folder) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        people = {name: Person(stack, name) for name in set(PAGES.values())}
        figures_of_pages = [
            figure
            for path, name in PAGES.items()
            for figure in _figures(browser, people[name], path)
        ]
        browser.close()
    return figures_of_pages


def _figures(browser: Browser, person: Person, path: str) -> Iterator[Figure]:
    opened = [_opened(browser, person, path) for _ in range(TIMES)]
    painted_ms = statistics.median(painted for painted, _shifted in opened)
    yield Figure(f"{path}: largest paint on slow 4G", painted_ms, "ms", MOST_LCP_MS)
    most_shifted = max(shifted for _painted, shifted in opened)
    yield Figure(f"{path}: shift of its layout", most_shifted, "", MOST_SHIFT)


def _opened(browser: Browser, person: Person, path: str) -> tuple[float, float]:
    """Milliseconds until the largest paint, and how much shifted."""
    context = browser.new_context(base_url=person.url, viewport={"width": 1280, "height": 800})
    cookies = [{"name": each.name, "value": each.value} for each in person.session.cookies]
    context.add_cookies([cookie | {"url": person.url} for cookie in cookies])
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW_4G)
    page.goto(path, wait_until="networkidle")
    painted_ms, shifted = page.evaluate(_TOLD)
    context.close()
    return painted_ms, shifted
