"""Just enough HTTP/1.1 for a proxy: whole messages in, whole messages out, bytes untouched."""

import asyncio
import json
import re
from dataclasses import dataclass

from tests.faults.plan import Kind

_MOST_HEAD = 65536
MARKER = "evsportal-operation"
_HOST = re.compile(rb"(?<=\r\n)host:[^\r]*", re.IGNORECASE)
_CREATE = re.compile(r"/(cloud)?snapshots$")
_CHANGE = re.compile(r"/(cloud)?snapshots/[^/]+(/metadata(/[^/]+)?)?$")
_ROLLBACK = re.compile(r"snapshots/([^/]+)/rollback$")
_RESTORE = re.compile(r"/(cloud)?volumes$")


@dataclass(frozen=True)
class Request:
    """One request as it came: `raw` is what is passed on."""

    method: str
    target: str
    raw: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def kind(self) -> Kind:
        if self.method == "POST" and self.path.endswith("/auth/tokens"):
            return Kind.LOGIN
        if self.method == "POST" and _CREATE.search(self.path):
            return Kind.CREATE
        if self.method in {"GET", "HEAD"}:
            return Kind.WHOLE if self._is_whole_list else Kind.READ
        changes = (_CHANGE, _ROLLBACK, _RESTORE)
        return Kind.CHANGE if any(one.search(self.path) for one in changes) else Kind.OTHER

    @property
    def _is_whole_list(self) -> bool:
        """Of all snapshots; an operation that is looked for is looked for on its volume alone."""
        return self.path.endswith("/snapshots/detail") and "volume_id=" not in self.target

    def aimed_at(self, target: str, host: str) -> "Request":
        """The same request for another address; nothing else of it is touched."""
        line, _, rest = self.raw.partition(b"\r\n")
        line = f"{self.method} {target} HTTP/1.1".encode("latin-1")
        head, end, body = rest.partition(b"\r\n\r\n")
        head = _HOST.sub(f"Host: {host}".encode("latin-1"), b"\r\n" + head, count=1)
        return Request(self.method, target, line + head + end + body, self.body)

    @property
    def marker(self) -> str:
        """The operation that something is made for: a snapshot, or a volume from one."""
        if self.kind is Kind.CREATE:
            what = "snapshot"
        elif self.method == "POST" and _RESTORE.search(self.path):
            what = "volume"
        else:
            return ""
        try:
            return str(json.loads(self.body)[what]["metadata"][MARKER])
        except (ValueError, KeyError, TypeError):
            return "unmarked"

    @property
    def rolled_back(self) -> str:
        """The snapshot that is to be put back onto its volume."""
        found = _ROLLBACK.search(self.path)
        return found[1] if found and self.method == "POST" else ""


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, or None where it ended."""
    try:
        head, body = await _read_message(reader)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
        return None
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    return Request(method, target, head + body, body)


async def forward(request: Request, upstream: tuple[str, int]) -> tuple[int, bytes]:
    """Carry the request out: the cloud's status and its whole answer. Raises `OSError`."""
    reader, writer = await asyncio.open_connection(*upstream, limit=_MOST_HEAD)
    try:
        writer.write(request.raw)
        await writer.drain()
        head, body = await _read_message(reader)
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the cloud ended the connection") from error
    finally:
        writer.close()
    return int(head.split(b" ", 2)[1]), head + body


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"\r\ncontent-length:\s*(\d+)\r\n", head, re.IGNORECASE)
    if found is None and re.search(rb"\r\ntransfer-encoding:", head, re.IGNORECASE):
        return await _read_chunks(head, reader)
    return head, await reader.readexactly(int(found[1]) if found else 0)


async def _read_chunks(head: bytes, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """A chunked body as it came, to be passed on as it came."""
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return head, body
