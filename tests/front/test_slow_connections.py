"""Hundreds of idle and slow connections leave the whole portal usable, without a proxy."""

import contextlib
import re
import threading
import time

import pytest
import requests

from tests.front.conftest import HOST
from tests.front.web_client import Web, head, post

IDLE, SLOW = 200, 100
SECONDS = 15  # the longest that a page may take; the test machine may be very busy
KINDS = ("headers", "bodies", "readers")


def beginning_of(kind, style):
    """What such a client sends first."""
    return {
        "headers": head("GET /accounts/login/ HTTP/1.1")[:-2] + b"X-Slow: ",
        "bodies": post("Content-Length: 900000"),
        "readers": head(f"GET {style} HTTP/1.1", "X-Forwarded-Proto: https") * 40,
    }[kind]


@contextlib.contextmanager
def slow_clients(web, beginning, drop):
    """Clients that send a byte each second, and read nothing."""
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(web.connect()) for _ in range(SLOW)]
        for connection in connections:
            connection.sendall(beginning)

        def drip():
            while not over.wait(1):
                for connection in connections:
                    with contextlib.suppress(OSError):
                        connection.send(drop)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield connections
        finally:
            over.set()
            dripping.join()


@pytest.mark.parametrize("kind", KINDS)
def test_pages_answer_beside_idle_and_slow_clients(portal, kind):
    web = Web(portal.port)
    drop = b"" if kind == "readers" else b"a"
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST, "Connection": "close"}
    page = requests.get(f"{portal.url}/accounts/login/", headers=headers, timeout=SECONDS).text
    style = re.search(r'href="(/static/css/portal[^"]*)"', page)[1]
    times = []
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(web.connect()) for _ in range(IDLE)]
        slow = stack.enter_context(slow_clients(web, beginning_of(kind, style), drop))
        for path in ["/accounts/login/", style, "/healthz"] * 5:
            began = time.monotonic()
            answer = requests.get(portal.url + path, headers=headers, timeout=SECONDS)
            times.append(time.monotonic() - began)
            assert answer.status_code == 200
        assert len(idle + slow) == IDLE + SLOW
    print(f"\n{IDLE} idle, {SLOW} slow {kind}: slowest page {max(times) * 1000:.0f} ms")
