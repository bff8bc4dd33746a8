"""Pictures of every page: `./run screenshots FOLDER [ADDRESS]`.

Each page is taken at 1280 and 320 pixels, light and dark. Without an address a portal in sandbox
mode is started, and ended afterwards; one at the address must run in sandbox mode. A few requests
are made first. `--language` takes the pages in another language. `--docs`: the pictures that README
and `docs/tour.md` name, as a window of 1280 x 800 shows them; of other languages with their suffix.
"""

import argparse
import contextlib
import functools
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.browser import CHROMIUM, QUIET
from tests.e2e.stack import running

Scheme = Literal["light", "dark"]
WIDTHS = (1280, 320)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LANGUAGES = ("en-GB", "tr", "zh-Hans", "ar")
ROOT = Path(__file__).parents[2]
_OF_DOCS = re.compile(r"screenshots/([\w-]+)\.png")
# Who sees the page, its name and its address, where that is all it takes.
PAGES = (
    ("", "login", "/accounts/login/"),
    ("", "404", "/no-such-page/"),
    ("alice", "home", "/"),
    ("alice", "status", "/status/"),
    ("alice", "preferences", "/preferences/"),
    ("alice", "password", "/accounts/password/"),
    ("alice", "sessions", "/accounts/sessions/"),
    ("alice", "second-factor", "/accounts/second-factor/settings/"),
    ("alice", "confirm", "/accounts/confirm/?next=/accounts/second-factor/settings/"),
    ("alice", "requests", "/requests/"),
    ("alice", "snapshots", "/snapshots/"),
    ("alice", "volumes", "/volumes/"),
    ("alice", "new", "/snapshots/new/"),
    ("helen", "home-helpdesk", "/"),
    ("helen", "new-helpdesk", "/snapshots/new/"),
    ("audrey", "audit", "/audit/"),
    ("audrey", "questions", "/audit/questions/"),
    ("audrey", "question", "/audit/questions/refused/"),
    ("root", "people", "/people/"),
    ("root", "person-new", "/people/new/"),
    ("root", "people-import", "/people/import/"),
    ("root", "groups", "/groups/"),
    ("root", "group-new", "/groups/new/"),
    ("root", "grants", "/grants/"),
    ("root", "grant-new", "/grants/new/"),
    ("root", "grant-rule", "/grants/new/rule/"),
    ("root", "grant-cloud", "/grants/new/cloud/"),
    ("root", "grant-import", "/grants/import/"),
)
Picture = Callable[[Page, str], None]


class Camera:
    """One kind of window, and where its pictures go."""

    def __init__(self, browser: Browser, address: str, folder: Path, language: str) -> None:
        self._browser, self._address, self._folder = browser, address, folder
        self._language = language
        self._width, self._scheme = WIDTHS[0], SCHEMES[0]

    def each_window(self) -> Iterator[None]:
        for self._width in WIDTHS:
            for self._scheme in SCHEMES:
                yield

    def page_of(self, name: str) -> Page:
        """A page of somebody who is signed in, or of a stranger: ""."""
        context = self._browser.new_context(
            base_url=self._address,
            viewport={"width": self._width, "height": 800},
            color_scheme=self._scheme,
            locale=self._language,
        )
        page = context.new_page()
        if name:
            page.goto("/accounts/login/")
            page.fill("#id_username", name)
            page.fill("#id_password", "demo")
            page.press("#id_password", "Enter")
            page.wait_for_url(f"{self._address}/")
        return page

    def whole(self, page: Page, name: str) -> None:
        path = self._folder / f"{name}-{self._width}-{self._scheme}.png"
        _settle(page).screenshot(path=path, full_page=True)

    def window(self, page: Page, name: str) -> None:
        """Only what the documentation shows."""
        named = name if self._language == LANGUAGES[0] else f"{name}-{self._language}"
        if named in _names_in_docs():
            _settle(page).screenshot(path=self._folder / f"{named}.png")


@functools.cache
def _names_in_docs() -> set[str]:
    texts = (path.read_text() for path in (ROOT / "README.md", ROOT / "docs/tour.md"))
    return {name for text in texts for name in _OF_DOCS.findall(text)}


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        address = options.address or stack.enter_context(_portal()).url
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        _ask_for_some(Camera(browser, address, options.folder, LANGUAGES[0]))
        for language in LANGUAGES if options.docs else [options.language]:
            camera = Camera(browser, address, options.folder, language)
            if options.docs:
                _take_all(camera, camera.window)
                continue
            for _window in camera.each_window():
                _take_all(camera, camera.whole)
        browser.close()


def _options() -> argparse.Namespace:
    title = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="./run screenshots", description=title)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "address", nargs="?", default="", help="of a portal; default: one of its own"
    )
    parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
    parser.add_argument("--docs", action="store_true", help="those of the documentation")
    return parser.parse_args()


@contextlib.contextmanager
def _portal():
    folder = tempfile.TemporaryDirectory(prefix="evsportal-pictures-")
    with folder as path, running(Path(path)) as portal:
        yield portal


def _ask_for_some(camera: Camera) -> None:
    """Snapshots of different volumes: some will be refused, or fail."""
    alice = camera.page_of("alice")
    for volume in _links_in(alice, "/volumes/", "volumes")[:8]:
        _ask(alice, volume, name="before-patch-day")
    helen = camera.page_of("helen")
    for volume in _links_in(helen, "/volumes/", "volumes")[:4]:
        _ask(helen, volume, ticket="CHG-1042", on_behalf_of="Deniz Öztürk", reason="Patch day")
    alice.goto("/requests/")
    alice.wait_for_selector(".badge--good", timeout=60_000)
    for page in (alice, helen):
        page.context.close()


def _ask(page: Page, volume: str, **fields: str) -> None:
    page.goto(f"/snapshots/new/?volume={volume.rstrip('/').rpartition('/')[2]}")
    for name, text in fields.items():
        if page.locator(f"#id_{name}").is_visible():
            page.fill(f"#id_{name}", text)
    if page.locator("#id_force").is_visible():
        page.check("#id_force")
    page.click(".form__end .button--main")
    page.wait_for_load_state()


def _links_in(page: Page, list_address: str, room: str) -> list[str]:
    """The addresses of what a list shows."""
    page.goto(list_address)
    links = page.locator(f"main a[href^='/{room}/sandbox/']")
    return list(dict.fromkeys(links.evaluate_all("all => all.map(one => one.pathname)")))


def _choose_volume_in_use(page: Page) -> None:
    options = page.get_by_role("listbox").get_by_role("option")
    options.filter(has=page.locator(".badge", has_text="in-use")).first.click()
    page.wait_for_selector("#id_force")


def _settle(page: Page) -> Page:
    page.wait_for_load_state("networkidle")
    return page


def _take_all(camera: Camera, picture: Picture) -> None:
    people = {name: camera.page_of(name) for name in ("", "alice", "helen", "audrey", "root")}
    for who, name, address in PAGES:
        people[who].goto(address)
        picture(people[who], name)
    _of_staff(people["alice"], picture)
    _of_helpdesk(people["helen"], picture)
    _of_auditor(people["audrey"], picture)
    _of_administrator(people["root"], picture)
    for page in people.values():
        page.context.close()


def _of_staff(page: Page, picture: Picture) -> None:
    page.goto("/requests/")
    links = [*_hrefs(page, "tr:has(.badge--good) .row__link"), *_hrefs(page, ".row__link")]
    for number, link in enumerate(list(dict.fromkeys(links))[:9]):
        page.goto(link)
        picture(page, f"detail-{number}")
    for room in ("snapshots", "volumes"):
        page.goto(_links_in(page, f"/{room}/", room)[0])
        picture(page, room.removesuffix("s"))
    page.goto("/snapshots/new/")
    _choose_volume_in_use(page)
    picture(page, "new-volume")
    page.click("summary")
    page.fill("#id_name", "Autobk_Snapshot_x")
    page.fill("#id_description", "ş" * 128)
    page.fill("#id_metadata-0-value", "no key")
    page.click(".form__end .button--main")
    picture(page, "new-problems")


def _hrefs(page: Page, links: str) -> list[str]:
    return page.locator(links).evaluate_all("all => all.map(one => one.href)")


def _of_helpdesk(page: Page, picture: Picture) -> None:
    page.goto("/snapshots/")
    boxes = page.locator("input[name=snapshot]")
    for number in range(min(3, boxes.count())):
        boxes.nth(number).check()
    ready = page.locator("tr:has(.badge--good) a[href^='/snapshots/sandbox/']").first
    address = ready.get_attribute("href")
    for kind in ("delete", "metadata"):
        page.click(f"#batch button[value={kind}]")
        picture(page, f"batch-{kind}")
        page.go_back()
    for kind in ("rename", "metadata", "delete", "rollback", "restore"):
        page.goto(f"{address}{kind}/")
        picture(page, f"change-{kind}")


def _of_auditor(page: Page, picture: Picture) -> None:
    page.goto("/audit/")
    for number, link in enumerate(_hrefs(page, ".row__link")[:2]):
        page.goto(link)
        picture(page, f"record-{number}")


def _of_administrator(page: Page, picture: Picture) -> None:
    page.goto("/people/")
    links = page.locator("main a[href^='/people/']")
    addresses = links.evaluate_all("all => all.map(one => one.pathname)")
    address = next(one for one in addresses if re.fullmatch(r"/people/\d+/", one))
    pages = {"person": "", "person-change": "change/", "person-access": "access/"}
    for name, path in pages.items():
        page.goto(address + path)
        picture(page, name)


if __name__ == "__main__":
    main()
