"""What is asked of the provider: bounded in time and size, with no redirect and no proxy."""

import time
from typing import Any

import requests
from django.conf import settings

from snapshots.sso.refusals import SignInRefused

LARGEST_ANSWER = 1_000_000  # bytes; 500 groups are some 50,000
_PIECE = 16_384


class BoundedSession(requests.Session):
    """Refuses in words of ours, so callers meet no exception of the library."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # a proxy or .netrc of the environment is never used by chance
        if settings.EVSPORTAL_OIDC_CA:
            self.verify = settings.EVSPORTAL_OIDC_CA

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        seconds = settings.EVSPORTAL_OIDC_SECONDS
        options |= {"timeout": seconds, "allow_redirects": False, "stream": True}
        deadline = time.monotonic() + seconds
        try:
            response = super().request(method, url, **options)
            response._content = _read(response, deadline)  # noqa: SLF001 - as `content` stores it
        except (requests.RequestException, OSError, ValueError) as error:
            raise SignInRefused("unreachable", type(error).__name__) from error
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    body = b""
    with response:
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise SignInRefused("unreachable", "the answer is too large")
            if time.monotonic() > deadline:
                raise SignInRefused("unreachable", "the answer took too long")
    return body


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
