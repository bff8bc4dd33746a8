"""When a page is there, with nothing in the browser's cache and a slow network; and what shifts.

Chromium plays slow 4G as Lighthouse names it: 150 ms, 1.6 Mbit/s down, 0.75 up.
"""

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
MOST_LCP_MS, MOST_SHIFT = 1000, 0.001  # a counter may get shorter
PAGES = {
    "/": "alice",
    "/snapshots/new/": "alice",
    "/requests/": "helen",
    "/snapshots/": "helen",
    "/volumes/": "helen",
    "/audit/": "audrey",
}
# Shifts are summed up for a second and a half after the page has become quiet.
_TOLD = """() => new Promise((resolve) => {
  let painted = 0, shifted = 0;
  const watch = (type, note) => new PerformanceObserver(
    (list) => list.getEntries().forEach(note)
  ).observe({ type, buffered: true });
  watch("largest-contentful-paint", (entry) => { painted = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) shifted += entry.value; });
  setTimeout(() => resolve([painted, shifted]), 1500);
})"""


def measure(folder: Path) -> list[Figure]:
    with running(folder) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        people = {name: Person(stack, name) for name in set(PAGES.values())}
        told = [
            figure
            for path, name in PAGES.items()
            for figure in _figures(browser, people[name], path)
        ]
        browser.close()
    return told


def _figures(browser: Browser, person: Person, path: str) -> Iterator[Figure]:
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
    yield Figure(f"{path}: largest paint on slow 4G", painted_ms, "ms", MOST_LCP_MS)
    yield Figure(f"{path}: shift of its layout", shifted, "", MOST_SHIFT)
