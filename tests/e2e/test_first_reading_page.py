"""A person who signs in before the worker has read anything need not do anything."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.e2e.stack import ROOT, Stack, open_browser

pytestmark = pytest.mark.browser
VOLUME = "db-primary-data"


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path).start("--no-worker", ready="/healthz")
    yield stack
    stack.stop()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("path", ["/volumes/", "/snapshots/new/"])
def test_waiting_page_fills_by_itself(path, javascript, stack, chromium):
    with open_browser(chromium, stack.url, javascript=javascript) as page:
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.goto(path)
        expect(page.get_by_role("heading", name="The volumes are being read")).to_be_visible()
        argv = [sys.executable, "manage.py", "worker"]
        environ = stack.environ | {"EVSPORTAL_SANDBOX_URL": f"http://127.0.0.1:{stack.port + 9}"}
        with subprocess.Popen(
            argv, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as worker:
            try:
                expect(page.locator("main")).to_contain_text(VOLUME, timeout=40_000)
            finally:
                worker.terminate()  # or the end of this block would wait for it
