"""Hundreds of idle and slow connections leave the whole portal usable, without a proxy."""

import contextlib
import threading
import time

import pytest
import requests

from tests.front.conftest import HOST
from tests.front.web_client import Web, head, post

IDLE, SLOW = 200, 100
SECONDS = 15  # the longest that a page may take; the test machine may be very busy
STATIC = "/static/css/portal.css"
BEGINNINGS = {
    "headers": head("GET /accounts/login/ HTTP/1.1")[:-2] + b"X-Slow: ",
    "bodies": post("Content-Length: 900000"),
    "readers": head(f"GET {STATIC} HTTP/1.1", "X-Forwarded-Proto: https") * 40,
}


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


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_pages_answer_beside_idle_and_slow_clients(portal, kind):
    web = Web(portal.port)
    drop = b"" if kind == "readers" else b"a"
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST, "Connection": "close"}
    times = []
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(web.connect()) for _ in range(IDLE)]
        slow = stack.enter_context(slow_clients(web, BEGINNINGS[kind], drop))
        for path in ["/accounts/login/", STATIC, "/healthz"] * 5:
            began = time.monotonic()
            answer = requests.get(portal.url + path, headers=headers, timeout=SECONDS)
            times.append(time.monotonic() - began)
            assert answer.status_code == 200
        assert len(idle + slow) == IDLE + SLOW
    print(f"\n{IDLE} idle, {SLOW} slow {kind}: slowest page {max(times) * 1000:.0f} ms")
