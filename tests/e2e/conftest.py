"""A real Chromium: without network beyond this machine, and strict about what a page does."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import handlers
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client, override_settings
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from pytest_django.live_server_helper import LiveServer

from snapshots import clouds
from snapshots.templatetags import once
from tests import factories as scene
from tests.e2e.browser import HEADLESS, QUIET

# What htmx logs of a request that a newer one replaced, or that ended with its page.
ABORTED = ("htmx:sendAbort", "htmx:afterRequest")


@dataclass
class Watch:
    """What a page did that it must not do."""

    origin: str
    expected: list[str] = field(default_factory=list)  # console errors this test provokes
    wrongs: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.wrongs.append(f"script error: {error}"))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and not any(part in text for part in (*ABORTED, *self.expected)):
            self.wrongs.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith(self.origin):
            self.wrongs.append(f"request elsewhere: {url}")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=HEADLESS, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def collected_files(tmp_path_factory) -> dict[str, object]:
    """Settings by which static files are served as to people, so that browsers keep them."""
    storage = "evsportal.static_files.StaticFilesStorage"
    files = {
        "STATIC_ROOT": tmp_path_factory.mktemp("collected") / "static",
        "STORAGES": settings.STORAGES | {"staticfiles": {"BACKEND": storage}},
    }
    with override_settings(**files):
        call_command("collectstatic", interactive=False, verbosity=0)
        sheet = Path(files["STATIC_ROOT"], "css/portal.css")  # only error pages name it so
        # In one file here too: axe would look for its parts in a wrong place.
        hashed_name = Path(staticfiles_storage.stored_name("css/portal.css")).name
        shutil.copy(sheet.with_name(hashed_name), sheet)
        for compressed in sheet.parent.glob("portal.css.*"):
            compressed.unlink()
    return files


@pytest.fixture(scope="session")
def live_server(collected_files) -> Iterator[LiveServer]:
    """As pytest-django starts it, but for files. The portal itself serves the static ones; without
    a MEDIA_URL Django's handler of media would answer first, with any file of the working folder.
    """
    with override_settings(**collected_files), pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(handlers, "StaticFilesHandler", lambda media: media.application)
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def portal(live_server, collected_files, settings) -> Iterator[str]:
    """The portal's address. The worker was seen a moment ago."""
    for name, value in collected_files.items():
        setattr(settings, name, value)
    settings.EVSPORTAL_MODE = "sandbox"
    clouds.forget()
    once._rendered.clear()  # it holds addresses of static files
    scene.healthy_portal()
    yield live_server.url
    once._rendered.clear()


@pytest.fixture
def watch(portal) -> Iterator[Watch]:
    watch = Watch(portal)
    yield watch
    assert watch.wrongs == []


@pytest.fixture
def open_context(chromium, portal, watch):
    """Opens a browser context: `open_context(javascript=False)`, `(width=320, dark=True)`."""
    opened: list[BrowserContext] = []

    def open_context(
        *,
        width: int = 1280,
        dark: bool = False,
        forced: bool = False,
        language: str = "en-GB",
        javascript: bool = True,
        zone: str = "UTC",
    ) -> BrowserContext:
        context = chromium.new_context(
            base_url=portal,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            reduced_motion="reduce",
            forced_colors="active" if forced else "none",
            locale=language,
            timezone_id=zone,
        )
        context.set_default_timeout(5000)
        context.on("page", watch.follow)
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


@pytest.fixture
def sign_in(portal):
    """Signs somebody into a context by cookie: the sign-in page has tests of its own."""

    def sign_in(context: BrowserContext, name: str) -> User:
        person = scene.person(name)
        client = Client()
        client.force_login(person)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": portal}])
        return person

    return sign_in


@pytest.fixture
def alice(open_context, sign_in):
    """Alice's page in a context of the kind the test asks for, and ten volumes of hers."""

    def open_page(path="/", **kind):
        context = open_context(**kind)
        person = sign_in(context, "alice")
        page = context.new_page()
        page.person = person
        page.volume = scene.volume(granted_to=person)
        page.busy = scene.volume("db-data", granted_to=person, status="in-use")
        for number in range(8):
            scene.volume(f"spare-{number}", granted_to=person)
        page.goto(path)
        return page

    return open_page
