"""What each page costs without web server and socket: the busy time of one thread, in turns with a
bare view, so that other work on the machine changes no ratio much.

`measure` loads a portal; within its process, `python -m tests.bench.calls` makes the calls.
"""

import io
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure

EXCHANGES, SNAPSHOTS, ROUNDS = 3000, 2000, 30
SMALL_CALLS = 20  # of a call that takes less than the clock is good for
# What a page may take in bare views. With web server and socket, which are the same for both, it is
# a smaller multiple: `./run bench --live`.
SMALL = {"bare view": None, "question, nothing changed": 1 / 0.6}
PAGES = {
    "question, in full": ("helen", "/requests/rows/"),
    "requests, 50 rows": ("helen", "/requests/"),
    "snapshots, 50 rows": ("helen", "/snapshots/"),
    "audit, 50 rows": ("audrey", "/audit/"),
    "volumes, 100 rows": ("helen", "/volumes/"),
    "requests, no rows": ("helen", "/requests/?q=nosuchnameanywhere"),
    "home": ("helen", "/"),
}


def measure(folder: Path) -> Iterator[Figure]:
    """Milliseconds and bare views of each call."""
    from tests.bench.loaded import load

    loaded = load(folder, exchanges=EXCHANGES, snapshots=SNAPSHOTS, database="sqlite")
    loaded.manage("seed_demo")
    loaded.manage("collectstatic", "--noinput", "--verbosity", "0")
    spent = json.loads(loaded.python("-m", "tests.bench.calls").splitlines()[-1])
    bare = spent["bare view"]["ms"]
    for name, figures in spent.items():
        yield Figure(f"{name}, busy", figures["ms"], "ms")
        yield Figure(f"{name}, queries", figures["queries"], "")
        if name != "bare view":
            yield Figure(f"{name}, in bare views", figures["ms"] / bare, "", SMALL.get(name))


class Person:
    """Somebody signed in, whose requests go to the application in this thread."""

    def __init__(self, name: str) -> None:
        from django.contrib.auth.models import User
        from django.test import Client

        client = Client()
        client.force_login(User.objects.get(username=name))
        self._cookies = "; ".join(f"{key}={each.value}" for key, each in client.cookies.items())

    def get(self, path: str, **headers: str) -> bytes:
        from evsportal.wsgi import application

        address, _, query = path.partition("?")
        answer = application(
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": address,
                "QUERY_STRING": query,
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": "8000",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "127.0.0.1:8000",
                "HTTP_COOKIE": self._cookies,
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(),
                "wsgi.errors": sys.stderr,
                **headers,
            },
            lambda _status, _headers: None,
        )
        body = b"".join(answer)
        answer.close()
        return body


def calls() -> dict[str, Any]:
    """Of each call: the middle of its milliseconds, and the queries of one of them."""
    people = {name: Person(name) for name in ("helen", "audrey")}
    helen = people["helen"]
    page = helen.get("/requests/").decode()
    question = unescape(re.search(r'data-live="([^"]*)"', page)[1])
    version = re.search(r'data-version="([^"]*)"', page)[1]
    asked = {
        "bare view": lambda: helen.get("/healthz"),
        "question, nothing changed": lambda: helen.get(question, HTTP_X_VERSION=version),
        **{name: partial(people[who].get, path) for name, (who, path) in PAGES.items()},
    }
    helen.get(question)  # in full, so that the next is known to be the same
    queries = {name: _queries(call) for name, call in asked.items()}
    spent: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, call in asked.items():
            times = SMALL_CALLS if name in SMALL else 1
            began = time.thread_time()
            for _ in range(times):
                call()
            spent[name].append((time.thread_time() - began) * 1000 / times)
    return {
        name: {"ms": statistics.median(times), "queries": queries[name]}
        for name, times in spent.items()
    }


def _queries(call) -> int:
    """The second time: what is read once a second is read then."""
    from django.db import connection

    statements = []

    def count(execute, sql, *rest):
        statements.append(sql)
        return execute(sql, *rest)

    call()
    with connection.execute_wrapper(count):
        call()
    return len(statements)


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(calls()) + "\n")
