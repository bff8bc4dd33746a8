"""How long a client may take, and who makes room when there are too many."""

import contextlib
import io
import threading
import time
from types import SimpleNamespace

import pytest

from evsportal import web_server
from evsportal.limits import MOST_BODY_BYTES
from tests.front.web_client import (
    SECONDS,
    echo,
    everything,
    head,
    post,
    read_answer,
    serving,
)
from tests.waiting import until

GET = head("GET / HTTP/1.1")


@pytest.fixture
def hurried(monkeypatch):
    """Deadlines of a second."""
    for name in ("IDLE", "HEAD", "BODY", "READING", "LINGERING"):
        monkeypatch.setattr(web_server, name, 1)


@pytest.mark.parametrize("beginning", [b"", GET[:-2], post("Content-Length: 9") + b"a", b"\r\n"])
def test_client_that_sends_no_more_is_closed(hurried, mirror, beginning):
    with mirror.connect() as connection:
        connection.sendall(beginning)
        assert connection.recv(100) == b""


def test_client_that_drips_is_closed(hurried, mirror):
    with mirror.connect() as connection:
        connection.sendall(post("Content-Length: 1000"))

        def is_closed():
            try:
                connection.sendall(b"a")
            except OSError:
                return True
            return False

        until(is_closed, seconds=20)


def test_connection_is_closed_between_requests(hurried, mirror):
    with mirror.connect() as connection:
        connection.sendall(GET)
        assert read_answer(connection).status == 200
        assert connection.recv(100) == b""


def test_client_that_does_not_read_frees_its_thread(hurried):
    size = 64 * 1024 * 1024  # more than all buffers on the way

    def large(environ, start_response):
        start_response("200 OK", [])
        return iter([b"x" * 65536] * (size // 65536)) if environ["PATH_INFO"] == "/large" else [b""]

    with serving(large, threads=1) as server, server.connect() as connection:
        connection.sendall(head("GET /large HTTP/1.1"))
        connection.recv(1)
        assert server.ask(GET).status == 200
        assert len(everything(connection)) < size


def test_client_waits_as_long_as_the_portal_needs(hurried):
    def slow(environ, start_response):
        time.sleep(3.5)  # longer than each deadline: what must not happen cannot be waited for
        return echo(environ, start_response)

    with serving(slow) as server:
        assert server.ask(GET).status == 200


def test_newcomer_takes_the_place_of_the_longest_waiting():
    with serving(echo, most_connections=3) as server:
        connections = [server.connect() for _ in range(3)]
        connections[0].sendall(b"GET / HTTP/1.1\r\n")
        connections[1].sendall(GET)
        assert read_answer(connections[1]).status == 200  # so it is the youngest now
        assert server.ask(GET).status == 200
        assert connections[0].recv(100) == b""
        for connection in connections[1:]:
            connection.sendall(GET)
            assert read_answer(connection).status == 200
        for connection in connections:
            connection.close()


NEARLY_ALL = MOST_BODY_BYTES - 1_000
IN_64_MB = 64_000_000 // NEARLY_ALL


def is_closed(connection):
    """Whether the server closed it; waits for no more than what came already."""
    connection.settimeout(0.01)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@contextlib.contextmanager
def open_connections(server, number):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(server.connect()) for _ in range(number)]


def test_bodies_that_come_slowly_share_64_mb():
    too_many = 20
    with (
        serving(echo) as server,
        server.connect() as idle,
        open_connections(server, IN_64_MB + too_many) as connections,
    ):
        for connection in connections:
            connection.sendall(post(f"Content-Length: {MOST_BODY_BYTES}") + b"a" * NEARLY_ALL)
        until(lambda: is_closed(connections[too_many - 2]))
        still_open = [each for each in connections if not is_closed(each)]
        assert IN_64_MB - 2 <= len(still_open) <= IN_64_MB + 1
        assert still_open == connections[-len(still_open) :]  # the oldest were closed
        still_open[-1].settimeout(SECONDS)
        still_open[-1].sendall(b"a" * (MOST_BODY_BYTES - NEARLY_ALL))
        assert read_answer(still_open[-1]).status == 200
        assert not is_closed(idle)  # it held nothing


def test_bodies_that_wait_for_a_thread_count_too():
    too_many = 5
    may_answer = threading.Event()

    def busy(environ, start_response):
        may_answer.wait(SECONDS)
        return echo(environ, start_response)

    with (
        serving(busy, threads=1) as server,
        open_connections(server, IN_64_MB + too_many) as connections,
    ):
        try:
            for connection in connections:
                with contextlib.suppress(ConnectionError):  # closed while it sends
                    connection.sendall(post(f"Content-Length: {NEARLY_ALL}") + b"a" * NEARLY_ALL)
            until(lambda: sum(map(is_closed, connections)) >= too_many - 1)
            still_open = [each for each in connections if not is_closed(each)]
            assert len(still_open) >= IN_64_MB - 1
        finally:
            may_answer.set()
        for connection in still_open:
            connection.settimeout(SECONDS)
            assert read_answer(connection).status == 200


def test_access_log_has_a_line_for_each_answer():
    lines = io.StringIO()

    def log(answer, environ, duration):
        print(environ["RAW_URI"], answer.status, answer.sent, duration, file=lines)

    with serving(echo, log_access=log) as server:
        size = len(server.ask(head("GET /a?b HTTP/1.1", "Connection: close")).text)
        server.send(b"nonsense\r\n\r\n")
        server.send(head("HEAD /c HTTP/1.1", "Connection: close"))
        until(lambda: lines.getvalue().count("\n") == 3)
    first, second, third = lines.getvalue().splitlines()
    assert first.startswith(f"/a?b 200 OK {size} ")
    assert second.startswith("- 400 Bad Request ")
    assert third.startswith("/c 200 OK 0 ")


@pytest.fixture
def busy():
    """Requests that wait for the only thread: `send` them, `answer` all, and see the `order`."""
    order, is_open = [], threading.Event()

    def note(environ, start_response):
        is_open.wait(SECONDS)
        order.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        start_response("200 OK", [])
        return [b""]

    with serving(note, threads=1) as web, contextlib.ExitStack() as stack:

        def send(data, times=1):
            before = len(web.server.task_dispatcher.queue)
            for _ in range(times):
                stack.enter_context(web.connect()).sendall(data)
            until(lambda: len(web.server.task_dispatcher.queue) >= before + times)

        def answer():
            number = len(web.server.task_dispatcher.queue) + 1
            is_open.set()
            until(lambda: len(order) == number)

        stack.enter_context(web.connect()).sendall(head("PUT / HTTP/1.1"))  # has the thread
        until(lambda: not web.server.task_dispatcher.queue and web.server.is_busy())
        yield SimpleNamespace(send=send, answer=answer, order=order)
        is_open.set()


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/login/",
        "/accounts/%6cogin/",
        "//accounts/login/",
        "/%2Faccounts/login/",
        "http://localhost//accounts/login/",
    ],
)
def test_crowd_that_guesses_waits_behind_what_people_read(busy, address):
    """Of five turns one is the crowd's, so that nobody can keep others from signing in either."""
    busy.send(post("Content-Length: 0", path=address), 6)
    busy.send(GET, 6)
    busy.answer()
    tries = [
        place for place, answered in enumerate(busy.order) if answered == "POST /accounts/login/"
    ]
    assert len(tries) == 6
    assert busy.order.index("GET /") <= 2
    assert tries[2] >= 9  # the others came first, but for one of five turns


@pytest.mark.parametrize("path", ["/accounts/logout/", "/accounts/sessions/"])
def test_end_of_a_session_waits_behind_no_crowd(busy, path):
    busy.send(post("Content-Length: 0"), 6)
    busy.send(post("Content-Length: 0", path=path))
    busy.answer()
    assert busy.order.index(f"POST {path}") <= 2
