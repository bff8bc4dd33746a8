"""Measures a portal with few rows: its start, and a request on its way."""

import os
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import django
import requests

from tests.e2e.stack import Stack, running

VOLUMES = ("reports", "web-01-logs", "muğla-arşiv", "hr-confidential")
ROWS = 5000


def enter(folder: Path) -> None:
    """Make this process one of a portal with the settings of the environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evsportal.settings")
    os.environ.setdefault("EVSPORTAL_MODE", "sandbox")
    os.environ.setdefault("EVSPORTAL_VAR", str(folder))
    os.environ.setdefault("EVSPORTAL_SECRET_KEY", "only-for-the-bench-" + "x" * 40)
    django.setup()


class Person:
    """A signed-in browser without the browser."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.url = stack.url
        self.session = requests.Session()
        page = self.session.get(f"{self.url}/accounts/login/", timeout=120).text
        form = {"username": name, "password": "demo", **hidden(page)}
        self.session.post(f"{self.url}/accounts/login/", data=form, timeout=120).raise_for_status()

    def get(self, path: str) -> str:
        answer = self.session.get(self.url + path, timeout=120)
        answer.raise_for_status()
        return answer.text

    def volumes(self) -> list[str]:
        page = self.get("/snapshots/new/")
        options = re.findall(r'<option value="([0-9a-f-]{36})"[^>]*>([^<]+)', page)
        return [value for value, label in options if label.startswith(VOLUMES)]

    def submit(self, volume_id: str) -> tuple[float, str]:
        """Milliseconds until the redirect, and where it leads."""
        form = {"volume_id": volume_id, "name": "bench", **hidden(self.get("/snapshots/new/"))}
        begun = time.perf_counter()
        answer = self.session.post(
            f"{self.url}/snapshots/new/", data=form, timeout=120, allow_redirects=False
        )
        elapsed = (time.perf_counter() - begun) * 1000
        assert answer.status_code in {302, 303}, answer.text
        return elapsed, answer.headers["Location"]


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def median_ms(act: Callable[[], object], *, times: int = 30) -> float:
    def one() -> float:
        begun = time.perf_counter()
        act()
        return (time.perf_counter() - begun) * 1000

    return statistics.median(one() for _ in range(times))


def seconds_until_creating(alice: Person, volume_id: str) -> float:
    begun = time.perf_counter()
    _, page = alice.submit(volume_id)
    while not re.search(r'data-says="[^"]*: (creating|available)', alice.get(f"{page}status/")):
        assert time.perf_counter() - begun < 30
        time.sleep(0.02)
    return time.perf_counter() - begun


def measure(folder: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    with running(folder):
        pass  # the first start migrates, collects and seeds
    begun = time.perf_counter()
    with running(folder) as stack:
        figures["second start to ready, s"] = time.perf_counter() - begun
        alice, helen = Person(stack, "alice"), Person(stack, "helen")
        until(lambda: len(alice.volumes()) == len(VOLUMES))
        volumes = alice.volumes()
        figures["healthz, ms"] = median_ms(lambda: alice.get("/healthz"))
        figures["submit, ms"] = statistics.median(alice.submit(one)[0] for one in volumes * 5)
        waits = [seconds_until_creating(helen, one) for one in other_volumes(helen)]
        figures["submit to creating, s (median)"] = statistics.median(waits)
        figures["list of 50, few rows, ms"] = median_ms(lambda: helen.get("/requests/"))
        fill(stack)
        figures[f"list of 50, {ROWS} rows, ms"] = median_ms(lambda: helen.get("/requests/"))
    with running(folder, EVSPORTAL_SANDBOX_URL="http://127.0.0.1:9") as stack:
        alice = Person(stack, "alice")
        figures["submit, dead cloud, ms"] = statistics.median(
            alice.submit(one)[0] for one in volumes * 5
        )
    return figures


def other_volumes(person: Person) -> list[str]:
    """Volumes on which nothing is being made: one of each keeps the lines empty."""
    page = person.get("/snapshots/new/")
    options = re.findall(r'<option value="([0-9a-f-]{36})"[^>]*>([^<]+)', page)
    calm = [value for value, label in options if not label.startswith((*VOLUMES, "trouble"))]
    in_use = {value for value, label in options if "in-use" in label}
    return [one for one in calm if one not in in_use]


def fill(stack: Stack) -> None:
    stack.manage(
        "shell",
        "-c",
        "import uuid; from datetime import timedelta; from django.utils import timezone\n"
        "from django.contrib.auth.models import User; from snapshots.models import Operation\n"
        "now, alice = timezone.now(), User.objects.get(username='alice')\n"
        "Operation.objects.bulk_create([Operation(key=uuid.uuid4(), cloud='sandbox',\n"
        " volume_id=str(uuid.uuid4()), volume_name='v', name=f'old {n}', state='succeeded',\n"
        " requester=alice, requester_name='alice', asked_at=now - timedelta(minutes=n),\n"
        f" state_at=now, finished_at=now) for n in range(1, {ROWS})], batch_size=500)",
    )


def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < end, "The portal did not get there in time."
        time.sleep(0.1)


def ratios(figures: dict[str, float]) -> dict[str, float]:
    full = f"list of 50, {ROWS} rows, ms"
    return {
        "submit with a dead cloud / with a live one": figures["submit, dead cloud, ms"]
        / figures["submit, ms"],
        f"list with {ROWS} rows / with few": figures[full] / figures["list of 50, few rows, ms"],
        "submit / healthz": figures["submit, ms"] / figures["healthz, ms"],
    }
