"""The wrong answers, as bytes on the wire."""

import json

LONGEST_ANSWER = 1024 * 1024  # what the portal reads; a huge one is longer
_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}
_HTML = b"<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"


def wrong(name: str, good: bytes | None) -> bytes:
    """The wrong answer of this name; `good` is the cloud's own, where it executed."""
    return _MAKERS[name](good)


KEEPS_STATUS = frozenset({"empty", "wrong type", "no length"})  # the cloud's own, passed on


def ends_the_connection(name: str) -> bool:
    """Whether nothing more can be said on the connection after it."""
    return name in {"garbage", "no length"}


def _message(status: int, body: bytes, kind: str = "application/json", *more: str) -> bytes:
    head = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unusual')}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _split(good: bytes | None) -> tuple[int, bytes]:
    """Status and body of an answer; what a cloud would say where there is none."""
    if good is None:
        return 202, b'{"snapshot": {"id": "00000000-0000-4000-8000-000000000000", "status": "cre'
    head, _, body = good.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def _cinder(status: int, words: str) -> bytes:
    return _message(
        status, json.dumps({"computeFault": {"code": status, "message": words}}).encode()
    )


def _gateway(status: int, code: str, words: str, *more: str) -> bytes:
    body = {"error_code": code, "error_msg": words, "request_id": "gateway"}
    return _message(status, json.dumps(body).encode(), "application/json", *more)


def _truncated(good: bytes | None) -> bytes:
    status, body = _split(good)
    return _message(status if status < 300 else 202, body[: len(body) * 2 // 3])


def _no_length(good: bytes | None) -> bytes:
    """A body that ends with the connection, too early: only the JSON tells."""
    status, body = _split(good)
    return f"HTTP/1.1 {status} Cut\r\nConnection: close\r\n\r\n".encode() + body[: len(body) // 2]


def _half_a_list(good: bytes | None) -> bytes:
    """Its first rows alone, and no page after it."""
    status, body = _split(good)
    try:
        rows = json.loads(body)["snapshots"]
    except (ValueError, KeyError):
        return good or b""
    return _message(status, json.dumps({"snapshots": rows[: len(rows) // 2]}).encode())


def _wrong_type(good: bytes | None) -> bytes:
    head, _, body = (good or _message(202, b"{}")).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-type")]
    return b"\r\n".join([*lines, b"Content-Type: text/plain; charset=latin-1"]) + b"\r\n\r\n" + body


_MAKERS = {
    "500": lambda _: _cinder(500, "The server has either erred or is incapable of ..."),
    "502": lambda _: _message(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html"),
    "503": lambda _: _message(503, b"", "text/plain", "Retry-After: 1"),
    "504": lambda _: _gateway(504, "APIGW.0201", "Backend timeout."),
    "429": lambda _: _gateway(429, "APIGW.0308", "The throttling threshold has been reached"),
    "503 later": lambda _: _gateway(503, "APIGW.0201", "Unavailable.", "Retry-After: 1"),
    "401": lambda _: _message(
        401, b'{"error": {"code": 401, "message": "The request requires authentication."}}'
    ),
    "404": lambda _: _message(404, b"<html>no such page</html>", "text/html"),
    "409": lambda _: _message(
        409, b'{"error": {"code": "EVS.2409", "message": "Another snapshot is being created."}}'
    ),
    "413": lambda _: _message(
        413, b'{"error": {"code": "EVS.5413", "message": "SnapshotLimitExceeded: too many"}}'
    ),
    "garbage": lambda _: bytes(range(256)) * 3,
    "truncated": _truncated,
    "html": lambda _: _message(200, _HTML, "text/html; charset=utf-8"),
    "empty": lambda good: _message(202 if good is None else _split(good)[0], b""),
    "wrong type": _wrong_type,
    "huge": lambda _: _message(200, b'{"snapshot": "' + b"x" * LONGEST_ANSWER + b'"}'),
    "empty list": lambda _: _message(200, b'{"snapshots": []}'),
    "half a list": _half_a_list,
    "redirect": lambda _: _message(302, b"", "text/html", "Location: http://127.0.0.1:9/login"),
    "no length": _no_length,
}
