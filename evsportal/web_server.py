"""The loop of a web process: reads requests and writes answers of many connections at once.

waitress reads and writes in one thread, and gives only whole requests to the threads that answer.
So a client that sends or reads slowly takes a connection from the portal, and no thread. This
module adds how long a client may take, and what happens when there are too many.
"""

import resource
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from socket import SHUT_WR, socket
from types import SimpleNamespace
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, Task, ThreadedTaskDispatcher, WSGITask

from evsportal.limits import MOST_BODY_BYTES, MOST_HEAD_BYTES
from evsportal.refusals import refusal
from evsportal.web_parser import RequestParser

# How many seconds a client may take, since it was its turn to send:
IDLE = 15  # until the first byte of a request
HEAD = 30  # until the end of the headers
BODY = 75  # until the end of the body
READING = 30  # and, while it reads an answer, until it takes another piece
LINGERING = 5  # for what it still sends when it was refused
_ROUND = 1.0  # how often that is looked at
_MOST_CONNECTIONS = 1000
_MOST_HELD = 64_000_000  # bytes of requests without an answer, of all connections
_OFTEN = 1_000_000  # after how many bytes that came they are counted
_MOST_FILES = 4096

# Passwords and codes are tried by POST below this path. A try waits behind all other requests,
# whichever came first, so a crowd that guesses keeps only itself waiting. One turn in five is for
# tries, so that people can sign in while the pages are busy.
_PATH_OF_TRIES = "/accounts/"
_PATHS_OF_NO_TRIES = ("/accounts/logout/", "/accounts/sessions/")  # they end sessions
_TURNS_FOR_ONE_TRY = 5

LogAccess = Callable[[SimpleNamespace, dict[str, Any], timedelta], None]


class _Logged(Task):
    """Answers one request, and writes the line of the access log."""

    sent = 0  # bytes of the answer's body

    def service(self) -> None:
        try:
            super().service()
        finally:
            if self.wrote_header:
                self.channel.server.note(self)

    def write(self, data: bytes) -> None:
        """The server's part: an answer to HEAD has no body, whatever the application gives."""
        if self.request.command == "HEAD":
            data = b""
        self.sent += len(data)
        super().write(data)

    def build_response_header(self) -> bytes:
        if self.channel.server.is_ending:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        if self.request.command == "HEAD":
            self.chunked_response = False
        return header


class _Answer(_Logged, WSGITask):
    """The portal's answer."""


class _Refusal(_Logged, ErrorTask):
    """The answer to what is no request, and to a body that is not read."""

    def execute(self) -> None:
        status, headers, body = refusal(self.request.error.code, self.request.error.reason)
        self.status = status
        self.response_headers.extend(headers)
        self.channel.lingers = True
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Connection(HTTPChannel):
    """A client's connection, with the time that the client may take."""

    task_class = _Answer
    error_task_class = _Refusal
    parser_class = RequestParser
    lingers = False  # set by a refusal: what the client still sends is thrown away for a while
    lingering_since = 0.0
    will_close = False
    close_when_flushed = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.began_at = time.monotonic()  # of the client's turn
        self.moved_at = self.began_at  # the last piece of an answer
        super().__init__(*args, **kwargs)

    def is_waited_for(self) -> bool:
        """Whether it is the client's turn to send."""
        return not self.requests and not self.total_outbufs_len

    def is_a_try(self) -> bool:
        """Whether the request that is next tries a password or a code."""
        request = self.requests[0]
        path = "/" + request.path.lstrip("/")  # as waitress gives it to the application
        is_below = path.startswith(_PATH_OF_TRIES) and not path.startswith(_PATHS_OF_NO_TRIES)
        return request.command == "POST" and is_below

    def held(self) -> int:
        """How many bytes of requests without an answer are in memory."""
        requests = [*self.requests, *([self.request] if self.request else [])]
        return sum(each.header_bytes_received + each.body_bytes_received for each in requests)

    def is_overdue(self, now: float) -> bool:
        if self.lingering_since:
            return now - self.lingering_since > LINGERING
        if self.total_outbufs_len:
            return now - self.moved_at > READING
        if self.requests:
            return False
        if self.request is None:
            return now - self.began_at > IDLE
        return now - self.began_at > (BODY if self.request.headers_finished else HEAD)

    def received(self, data: bytes) -> bool:
        self.server.came += len(data)
        is_read: bool = super().received(data)
        return is_read

    def service(self) -> None:
        super().service()
        self.began_at = self.moved_at = time.monotonic()

    def write_soon(self, data: Any) -> int:
        if not self.total_outbufs_len:
            self.moved_at = time.monotonic()
        size: int = super().write_soon(data)
        return size

    def _flush_some(self, *args: Any, **options: Any) -> bool:
        has_sent: bool = super()._flush_some(*args, **options)
        if has_sent:
            self.moved_at = time.monotonic()
        return has_sent

    # A refused client is often still sending its body. Closing at once would reset the connection,
    # and the client would never read why: first it is sent the end, then what comes is thrown away.

    def handle_write(self) -> None:
        if not (self.lingers and self.close_when_flushed) or self.will_close:
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close or self.total_outbufs_len:
            return
        self.close_when_flushed = False
        self.lingering_since = time.monotonic()
        try:
            self.socket.shutdown(SHUT_WR)
        except OSError:
            self.will_close = True

    def handle_read(self) -> None:
        if not self.lingering_since:
            super().handle_read()
            return
        try:
            self.recv(self.adj.recv_bytes)  # closes at the client's end
        except OSError:
            self.handle_close()


class _Waiting:
    """Connections whose request waits for a thread, in two lines."""

    def __init__(self) -> None:
        self._tries: deque[Connection] = deque()
        self._others: deque[Connection] = deque()
        self._turn = 0

    def append(self, connection: Connection) -> None:
        (self._tries if connection.is_a_try() else self._others).append(connection)

    def popleft(self) -> Connection:
        """Raises IndexError when nothing waits."""
        self._turn += 1
        is_turn_of_tries = self._turn % _TURNS_FOR_ONE_TRY == 0
        is_for_tries = not self._others or (self._tries and is_turn_of_tries)
        return (self._tries if is_for_tries else self._others).popleft()

    def __len__(self) -> int:
        return len(self._tries) + len(self._others)


class WebServer(TcpWSGIServer):
    """Serves the application on one listening socket until `finish`."""

    channel_class = Connection
    is_ending = False
    came = 0  # bytes of requests since they were counted

    def __init__(
        self, application: Any, listener: socket, *, threads: int, log_access: LogAccess | None
    ) -> None:
        """`listener` is bound. Without `log_access` no line is written for a request."""
        self._log_access = log_access
        self._most = _most_connections()
        self._looked_at = 0.0
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.queue = _Waiting()
        dispatcher.set_thread_count(threads)
        facts = (listener.family, listener.type, listener.proto, listener.getsockname())
        adjustments = Adjustments(
            sockets=[listener],
            threads=threads,
            backlog=2048,
            # One more comes in before the oldest is closed; never so many that none is accepted.
            connection_limit=self._most + self._most // 2,
            max_request_header_size=MOST_HEAD_BYTES,
            max_request_body_size=MOST_BODY_BYTES + 1,
            inbuf_overflow=MOST_BODY_BYTES + 1,  # never a file
            # Whom to believe is for EVSPORTAL_TRUSTED_PROXIES to say: `evsportal/forwarded.py`.
            clear_untrusted_proxy_headers=False,
            log_socket_errors=False,
            ident=None,
            cleanup_interval=3600,  # `maintenance` is called by `turn`
        )
        super().__init__(
            application,
            {},
            _sock=listener,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=facts,
            bind_socket=False,
        )

    def turn(self) -> None:
        """One round: waits a second at most for something to read or to write."""
        wasyncore.poll2(_ROUND, self._map)
        if self.came > _OFTEN:
            self._make_room()
        now = time.monotonic()
        if now - self._looked_at >= _ROUND:
            self._looked_at = now
            for connection in list(self.active_channels.values()):
                if connection.is_overdue(now):
                    connection.handle_close()  # at once: it may never be ready to write

    def maintenance(self, now: float) -> None:
        """Nothing of waitress's own: `turn` looks."""

    def handle_accept(self) -> None:
        super().handle_accept()
        if len(self.active_channels) <= self._most:
            return
        waited_for = [each for each in self.active_channels.values() if each.is_waited_for()]
        if waited_for:
            min(waited_for, key=lambda each: each.began_at).handle_close()

    def _make_room(self) -> None:
        """Closes those that keep the portal waiting longest, until the rest is little enough.

        What waits for a thread counts too, and is not closed: it comes to its end by itself.
        """
        self.came = 0
        held = {each: each.held() for each in list(self.active_channels.values())}
        total = sum(held.values())
        for each in sorted(held, key=lambda each: each.began_at):
            if total <= _MOST_HELD:
                return
            if held[each] and each.is_waited_for():
                total -= held[each]
                each.handle_close()

    def note(self, task: Task) -> None:
        if self._log_access is None:
            return
        seconds = max(0.0, time.time() - task.start_time)
        is_file = not task.sent and task.has_body and task.request.command != "HEAD"
        sent = task.content_length if is_file else task.sent
        answer = SimpleNamespace(status=task.status, sent=sent, headers=task.response_headers)
        self._log_access(answer, _environ_of(task), timedelta(seconds=seconds))

    def stop_accepting(self) -> None:
        """The listening socket belongs to other processes too, which go on."""
        self.is_ending = True
        self.accepting = False

    def is_busy(self) -> bool:
        """Whether a request is in hand, or on its way from a client that was just accepted."""
        now = time.monotonic()
        return any(
            each.requests
            or each.total_outbufs_len
            or each.request is not None
            or now - each.began_at < _ROUND
            for each in list(self.active_channels.values())
        )

    def finish(self) -> None:
        """Ends the threads and closes every connection."""
        self.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map, ignore_all=True)


def _environ_of(task: Task) -> dict[str, Any]:
    """What the access log needs; of a request that could not be read, what there is of it."""
    if getattr(task, "environ", None):
        return {**task.environ, "RAW_URI": task.environ["REQUEST_URI"]}
    return {
        "REMOTE_ADDR": task.channel.addr[0],
        "REQUEST_METHOD": task.request.command,
        "RAW_URI": task.request.request_uri,
        "SERVER_PROTOCOL": f"HTTP/{task.version}",
    }


def _most_connections() -> int:
    """As many as there may be open files, with room for the database's and the log's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return (
        _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(_MOST_CONNECTIONS, soft // 2)
    )
