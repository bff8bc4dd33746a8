"""The same calls by a thread pool of plain `requests`: no queue, no record, no promise."""

import json
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from snapshots.sandbox_account import DOMAIN, PASSWORD, PROJECT_NAME, USERNAME


@dataclass(frozen=True)
class PlainCall:
    """A call that the portal made, as its audit trail has it."""

    method: str
    url: str
    body: str


class PlainClient:
    """Signed in to the sandbox."""

    def __init__(self, cloud_url: str) -> None:
        user = {"name": USERNAME, "password": PASSWORD, "domain": {"name": DOMAIN}}
        project = {"name": PROJECT_NAME, "domain": {"name": DOMAIN}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": project}}}
        answer = requests.post(f"{cloud_url}/v3/auth/tokens", json=body, timeout=60)
        answer.raise_for_status()
        token = answer.headers["X-Subject-Token"]
        self._headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        self._own = threading.local()

    def make(self, call: PlainCall) -> None:
        """A change on a new connection, as the portal sends it; a reading on a kept one."""
        ask = requests.request
        if call.method == "GET":
            if not hasattr(self._own, "session"):
                self._own.session = requests.Session()
            ask = self._own.session.request
        body = call.body or None
        answer = ask(call.method, call.url, data=body, headers=self._headers, timeout=60)
        answer.raise_for_status()
        json.loads(answer.content)

    def seconds_of(self, calls: Sequence[PlainCall], *, threads: int) -> float:
        with ThreadPoolExecutor(threads) as pool:
            begun = time.perf_counter()
            list(pool.map(self.make, calls))
            return time.perf_counter() - begun

    def half_within(self, calls: Sequence[PlainCall], *, at_once: bool) -> float:
        """Seconds from the wish to the answer, of half of the calls; one after the other, or all
        wished for at one moment.
        """
        with ThreadPoolExecutor(len(calls) if at_once else 1) as pool:
            begun = time.perf_counter()

            def seconds(call: PlainCall) -> float:
                start = begun if at_once else time.perf_counter()
                self.make(call)
                return time.perf_counter() - start

            return statistics.median(pool.map(seconds, calls))
