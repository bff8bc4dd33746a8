"""The whole portal as `./run` starts it: parent, web, worker and sandbox as processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.ports import free_ports
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180  # a first start takes seconds, on a machine with other work minutes


class Stack:
    """`manage serve` on free ports, with files of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = two_free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EVSPORTAL_", "DATABASE_URL"))
        }
        self.environ = kept | {
            "DJANGO_SETTINGS_MODULE": "evsportal.settings",
            "EVSPORTAL_VAR": str(folder),
            "EVSPORTAL_MODE": "sandbox",
            "EVSPORTAL_SECRET_KEY": "only-for-tests-" + "x" * 40,
            "PORT": str(self.port),
            **_engine(),
            **settings,
        }
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def manage(self, *args: str, **settings: str) -> str:
        """Run a management command; its output."""
        return subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=ROOT,
            env=self.environ | settings,
            check=True,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        ).stdout

    def start(self, *args: str, ready: str = "/readyz") -> "Stack":
        """Start `manage serve` with these arguments; returns when `ready` answers well, with
        `/readyz` when a worker is there too.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *args],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until(lambda: self._answers_well(ready))
        return self

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def line_of(self, text: str) -> str:
        """The only line of the log with the text, waited for: it is written after the answer."""
        (line,) = until(lambda: [line for line in self.log().split("\n")[:-1] if text in line])
        return line

    def _answers_well(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return path != "/readyz" or json.load(answer)["worker"] == "ok"
        except OSError:
            return False

    def _wait_until(self, condition) -> None:
        end = time.monotonic() + START_SECONDS
        while not condition():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError(f"The portal did not start:\n{self.log()}")
            time.sleep(0.1)


@contextlib.contextmanager
def running(folder: Path, *args: str, ready: str = "/readyz", **settings: str):
    """A portal for as long as the block lasts."""
    stack = Stack(folder, **settings).start(*args, ready=ready)
    try:
        yield stack
    finally:
        stack.stop()


@contextlib.contextmanager
def open_browser(chromium, url: str, *, javascript: bool = True):
    """A page of a fresh browser that fails on script errors and on requests elsewhere."""
    context = chromium.new_context(
        base_url=url, java_script_enabled=javascript, locale="en-GB", timezone_id="UTC"
    )
    context.set_default_timeout(10_000)
    wrongs: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.on(
        "request",
        lambda request: wrongs.append(request.url) if not request.url.startswith(url) else None,
    )
    try:
        yield page
    finally:
        context.close()
    assert wrongs == [], wrongs


def _engine() -> dict[str, str]:
    if os.environ.get("TESTS_ENGINE") != "celery":
        return {}
    from tests.rabbitmq import shared_url  # it needs Celery's packages

    return {"EVSPORTAL_ENGINE": "celery", "EVSPORTAL_BROKER_URL": shared_url()}


def two_free_ports() -> int:
    """A port that is free, and so is the one nine above it, where the sandbox will listen."""
    return free_ports(apart=(0, 9))[0]
