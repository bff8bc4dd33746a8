"""What is asked of the provider: bounded in time and size, with no redirect and no proxy."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from snapshots.sso.refusals import TRY_LATER, SignInRefused

LARGEST_ANSWER = 1_000_000  # bytes; 500 groups are some 50,000
_LARGEST_ERROR = 10_000
_PIECE = 16_384


class _Sockets(threading.local):
    """Those that this thread has opened for the question that it asks just now."""

    def __init__(self) -> None:
        self.open: list[socket.socket] = []


_sockets = _Sockets()


class _Noted(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        if self.sock is not None:
            _sockets.open.append(self.sock)


class _NotedTLS(_Noted, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Noted


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _NotedTLS


class _Adapter(HTTPAdapter):
    def __init__(self) -> None:
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


@contextmanager
def _cut_off(seconds: float) -> Iterator[None]:
    """Shut the connection down when the time is over. The library's time-out is for each piece, so
    an answer that drips, headers too, would keep a thread of the web server for hours.
    """
    opened = _sockets.open = []

    def shut_down() -> None:
        for connected in opened:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class BoundedSession(requests.Session):
    """Refuses in words of ours, so callers meet no exception of the library."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())
        self.trust_env = False  # a proxy or .netrc of the environment is never used by chance
        if settings.EVSPORTAL_OIDC_CA:
            self.verify = settings.EVSPORTAL_OIDC_CA

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        seconds = settings.EVSPORTAL_OIDC_SECONDS
        options |= {"timeout": seconds, "allow_redirects": False, "stream": True}
        deadline = time.monotonic() + seconds
        try:
            with _cut_off(seconds):
                response = super().request(method, url, **options)
                response._content = _read(response, deadline)  # noqa: SLF001 - as `content` stores it
        except (requests.RequestException, OSError, ValueError) as error:
            raise SignInRefused("unreachable", type(error).__name__) from error
        if _is_busy(response):
            raise SignInRefused("unreachable", f"HTTP {response.status_code}")
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    body = b""
    with response:
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise SignInRefused("unreachable", "the answer is too large")
    if time.monotonic() > deadline:  # perhaps cut off
        raise SignInRefused("unreachable", "the answer took too long")
    return body


def _is_busy(response: requests.Response) -> bool:
    """Such an answer says nothing of the person. Some say so by the error in it alone."""
    if response.status_code >= 500 or response.status_code == 429:
        return True
    if len(response.content) > _LARGEST_ERROR:
        return False
    try:
        content = response.json()
    except (ValueError, RecursionError):
        return False
    error = content.get("error") if isinstance(content, dict) else None
    return isinstance(error, str) and error in TRY_LATER


def fetch_object(url: str, **options: Any) -> dict[str, Any]:
    """GET a JSON object. Raises `SignInRefused`: unreachable, also where it is none."""
    with BoundedSession() as session:
        response = session.get(url, **options)
    if response.status_code != 200:
        raise SignInRefused("unreachable", f"HTTP {response.status_code}")
    try:
        content = response.json()
    except ValueError as error:
        raise SignInRefused("unreachable", "the answer is not JSON") from error
    if not isinstance(content, dict):
        raise SignInRefused("unreachable", "the answer is no JSON object")
    return content
