"""What sign-ins cost: one by password, one by a provider, and other pages while a crowd tries."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.bench.figures import Figure
from tests.bench.live import busy_seconds
from tests.bench.portal import Person, hidden
from tests.e2e.stack import Stack, running
from tests.sso.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, running_provider

LOGIN = "/accounts/login/"
CROWD = 300
MOST_MS_OF_A_PAGE, MOST_MS_BY_PROVIDER = 500, 50
SIGN_INS = 20


def measure(folder: Path) -> list[Figure]:
    with running(folder):
        pass  # the first start migrates, collects and seeds
    with running_provider() as provider:
        settings = {
            "EVSPORTAL_OIDC_ISSUER": provider.issuer,
            "EVSPORTAL_OIDC_CLIENT_ID": CLIENT_ID,
            "EVSPORTAL_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "EVSPORTAL_OIDC_ROLES": "evs-staff=staff",
        }
        parts = ("--no-worker", "--no-sandbox")
        with running(folder, *parts, ready="/healthz", **settings) as stack:
            alone = [
                Figure("sign-in by password, busy", _busy_ms(stack, lambda: _by_name(stack)), "ms"),
                Figure(
                    "sign-in by a provider, busy",
                    _busy_ms(stack, lambda: _by_provider(stack, provider)),
                    "ms",
                    MOST_MS_BY_PROVIDER,
                ),
            ]
            return alone + _in_a_crowd(stack)


def _busy_ms(stack: Stack, sign_in) -> float:
    """Milliseconds that the portal's processes are busy with one; the middle of several."""
    sign_in()
    times = []
    for _ in range(SIGN_INS):
        before = busy_seconds(stack.pid)
        sign_in()
        times.append((busy_seconds(stack.pid) - before) * 1000)
    return statistics.median(times)


def _by_name(stack: Stack) -> None:
    """Without the page that is led to."""
    session = requests.Session()
    page = session.get(stack.url + LOGIN, timeout=60).text
    form = {"username": "alice", "password": "demo", **hidden(page)}
    answer = session.post(stack.url + LOGIN, form, timeout=60, allow_redirects=False)
    assert answer.status_code == 302, answer.status_code


def _by_provider(stack: Stack, provider: LyingProvider) -> None:
    """The way to the provider and the way back."""
    session = requests.Session()
    form = hidden(session.get(stack.url + LOGIN, timeout=60).text)
    page = session.post(f"{stack.url}/accounts/provider/", form, timeout=60).text
    address = unescape(page).partition('content="0; url=')[2].partition('"')[0]
    query = dict(parse_qsl(urlsplit(address).query))
    provider.code_challenge = query["code_challenge"]
    back = {"code": query["nonce"], "state": query["state"]}
    callback = f"{stack.url}/accounts/provider/callback/"
    answer = session.get(callback, params=back, timeout=60, allow_redirects=False)
    assert answer.status_code == 302, answer.text


def _in_a_crowd(stack: Stack) -> list[Figure]:
    alice = Person(stack, "alice")
    quiet = [_milliseconds(lambda: alice.get("/requests/")) for _ in range(40)]
    over = threading.Event()
    crowded: list[float] = []

    def read_pages() -> None:
        while not over.is_set():
            crowded.append(_milliseconds(lambda: alice.get("/requests/")))

    reader = threading.Thread(target=read_pages)
    token = requests.get(stack.url + LOGIN, timeout=60).cookies["csrftoken"]
    reader.start()
    with ThreadPoolExecutor(CROWD) as crowd:
        statuses = list(crowd.map(lambda number: _wrong(stack, token, number), range(CROWD)))
    over.set()
    reader.join()
    return [
        Figure("list of requests, quiet, p95", _p95(quiet), "ms"),
        Figure("the same during 300 wrong sign-ins, p95", _p95(crowded), "ms", MOST_MS_OF_A_PAGE),
        Figure("of these sign-ins, told to come later", statuses.count(429), ""),
    ]


def _wrong(stack: Stack, token: str, number: int) -> int:
    form = {"username": f"alice-{number}", "password": "wrong", "csrfmiddlewaretoken": token}
    cookies = {"csrftoken": token}
    return requests.post(stack.url + LOGIN, form, cookies=cookies, timeout=120).status_code


def _milliseconds(act) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
