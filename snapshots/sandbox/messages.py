"""Requests and answers as plain values, between the HTTP server and the routes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

Json = Any
Headers = tuple[tuple[str, str], ...]


class Delivery(Enum):
    """How an answer reaches the client."""

    WHOLE = auto()
    # Half of the body, then the connection is closed.
    CUT = auto()
    # Nothing; the connection is held, then closed.
    NEVER = auto()


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are in lower case."""

    method: str
    # Decoded path.
    path: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @cached_property
    def last_params(self) -> dict[str, str]:
        """Each parameter once; the last of several values counts."""
        return dict(self.params)

    @property
    def base_url(self) -> str:
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and how it reaches the client."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    delivery: Delivery = Delivery.WHOLE
    delay_seconds: float = 0.0


def empty_answer(status: int) -> Answer:
    """An answer without a body, which webob calls a page (recorded)."""
    return Answer(status, b"", (("Content-Type", "text/html; charset=UTF-8"),))


def json_answer(status: int, content: Json, headers: Headers = ()) -> Answer:
    body = json.dumps(content).encode("ascii")
    return Answer(status, body, (("Content-Type", "application/json"), *headers))
