"""Sending a request: its record, its deadline, and the outcome when no answer comes."""

import gzip
import socket
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from evs_loopback import Raw, Recording, Reply, silence

from snapshots.evs import errors
from snapshots.evs.wire import Outgoing, Wire


def outgoing(url, method="GET", body=None, **headers):
    return Outgoing(purpose="test", method=method, url=url, headers=headers, body=body)


def drip(text, pause=0.05):
    def write(sock):
        for byte in text:
            sock.sendall(bytes([byte]))
            time.sleep(pause)

    return Raw(write)


@pytest.fixture
def hurried():
    wire = Wire(connect_seconds=1, read_seconds=1, deadline_seconds=0.3)
    yield wire
    wire.close()


def test_answer_carries_status_headers_and_body(server, wire, recorder):
    server.script.append(Reply(202, b"hello", {"X-Request-Id": "req-1"}))
    answer = wire.send(outgoing(server.url + "/a?b=%20c~", X="1"), recorder=recorder)
    assert (answer.status, answer.body) == (202, b"hello")
    assert answer.headers["x-request-id"] == "req-1"
    assert server.requests[0].path == "/a?b=%20c~"
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert recorder.events == ["open test GET", "202"]


def test_address_leaves_as_it_was_signed(server, wire, recorder):
    server.script.append(Reply(200))
    wire.send(outgoing(server.url + "/a%7Eb/%2E%2E/c?z=%7E&a=1"), recorder=recorder)
    assert server.requests[0].path == "/a%7Eb/%2E%2E/c?z=%7E&a=1"


def test_server_fault_is_an_answer_to_the_wire(server, wire, recorder):
    server.script.append(Reply(500, b"x"))
    assert wire.send(outgoing(server.url), recorder=recorder).status == 500
    assert recorder.events == ["open test GET", "500"]


def test_nothing_is_sent_when_the_record_cannot_be_opened(server, wire, recorder):
    recorder.refuse = RuntimeError("disk full")
    with pytest.raises(RuntimeError, match="disk full"):
        wire.send(outgoing(server.url), recorder=recorder)
    assert server.connections == 0


def test_slow_recorder_leaves_no_time_to_send(server, hurried, recorder):
    recorder.opened = lambda _request: time.sleep(0.35)
    recorder.open = 1
    with pytest.raises(errors.NoConnection) as caught:
        hurried.send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert caught.value.outcome_known
    assert server.requests == []
    assert recorder.events == ["NoConnection"]


def test_process_frozen_between_connecting_and_sending_sends_nothing(
    server, hurried, recorder, monkeypatch
):
    from urllib3.connection import HTTPConnection

    connect = HTTPConnection.connect
    monkeypatch.setattr(HTTPConnection, "connect", lambda self: (connect(self), time.sleep(0.35)))
    with pytest.raises(errors.NoConnection):
        hurried.send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert server.requests == []
    assert recorder.open == 0


def test_refused_connection_is_provably_nothing(wire, recorder):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(errors.NoConnection, match="refused") as caught:
            wire.send(outgoing(url, "POST", b"x"), recorder=recorder)
    assert caught.value.outcome_known
    assert recorder.events == ["open test POST", "NoConnection"]


def test_unknown_name_is_no_connection(wire, recorder):
    with pytest.raises(errors.NoConnection):
        wire.send(outgoing("http://nowhere.invalid/"), recorder=recorder)
    assert recorder.open == 0


@pytest.mark.parametrize("header", ["line\nbreak", "\u6f22"])
def test_header_that_cannot_be_sent_is_no_connection(server, wire, recorder, header):
    with pytest.raises(errors.NoConnection):
        wire.send(outgoing(server.url, X=header), recorder=recorder)
    assert recorder.open == 0
    assert server.requests == []


def test_failed_tls_handshake_is_no_connection(server, wire, recorder):
    url = server.url.replace("http:", "https:")
    with pytest.raises(errors.NoConnection):
        wire.send(outgoing(url, "POST", b"x"), recorder=recorder)
    assert server.requests == []


def test_silent_server_is_a_timeout_of_unknown_outcome(server, recorder):
    wire = Wire(connect_seconds=1, read_seconds=0.2, deadline_seconds=5)
    server.script.append(silence(0.5))
    with pytest.raises(errors.Timeout) as caught:
        wire.send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert not caught.value.outcome_known
    assert recorder.events == ["open test POST", "Timeout"]
    assert recorder.partial is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: " + b"s" * 100,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"b" * 100,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nb\r\n" * 30,
        b"HTTP/1.0 200 OK\r\n\r\n" + b"b" * 100,
    ],
    ids=["headers", "body", "chunks", "until closed"],
)
def test_dripping_answer_ends_at_the_deadline(server, hurried, recorder, answer):
    _head, _, rest = answer.partition(b"\r\n\r\n" if b"\r\n\r\n" in answer else b"X-Slow: ")
    split = len(answer) - len(rest)

    def write(sock):
        sock.sendall(answer[:split])
        drip(answer[split:]).write(sock)

    server.script.append(Raw(write))
    started = time.monotonic()
    with pytest.raises(errors.Timeout):
        hurried.send(outgoing(server.url), recorder=recorder)
    assert time.monotonic() - started < 1
    assert recorder.events == ["open test GET", "Timeout"]


def test_bytes_before_the_deadline_are_recorded(server, hurried, recorder):
    def write(sock):
        sock.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\nX-Request-Id: r7\r\n\r\nhalf")
        time.sleep(0.5)

    server.script.append(Raw(write))
    with pytest.raises(errors.Timeout) as caught:
        hurried.send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert (recorder.partial.status, recorder.partial.body) == (202, b"half")
    assert caught.value.request_id == "r7"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", errors.ConnectionCut),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", errors.ConnectionCut),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", errors.ConnectionCut),
        (b"\x00\x01garbage\r\n\r\n", errors.UnreadableAnswer),
        (b"HTTP/1.1 999999 x\r\n\r\n", errors.UnreadableAnswer),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            errors.UnreadableAnswer,
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", errors.UnreadableAnswer),
    ],
)
def test_broken_answers_leave_the_outcome_unknown(server, wire, recorder, answer, kind):
    server.script.append(Raw(lambda sock: sock.sendall(answer)))
    with pytest.raises(errors.EvsError) as caught:
        wire.send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert type(caught.value) is kind
    assert not caught.value.outcome_known
    assert recorder.open == 0
    assert len(server.requests) == 1


def test_reset_connection_is_a_cut(server, wire, recorder):
    def reset(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        sock.close()

    server.script.append(Raw(reset))
    with pytest.raises(errors.ConnectionCut):
        wire.send(outgoing(server.url, "POST", b"x"), recorder=recorder)


def test_gzip_bomb_is_cut_short(server, wire, recorder):
    bomb = gzip.compress(bytes(50 * 1024 * 1024))
    server.script.append(Reply(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(errors.UnreadableAnswer, match="too long"):
        wire.send(outgoing(server.url), recorder=recorder)
    assert len(recorder.partial.body) == 1024 * 1024


def test_gzip_answer_is_decoded(server, wire, recorder):
    server.script.append(Reply(200, gzip.compress(b"hello"), {"Content-Encoding": "gzip"}))
    assert wire.send(outgoing(server.url), recorder=recorder).body == b"hello"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(server, wire, recorder, status):
    server.script.append(Reply(status, b"", {"Location": f"{server.url}/elsewhere"}))
    request = outgoing(server.url + "/here", **{"X-Auth-Token": "secret"})
    assert wire.send(request, recorder=recorder).status == status
    assert [r.path for r in server.requests] == ["/here"]


def test_environment_is_not_asked(server, wire, recorder, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    wire.send(outgoing(server.url), recorder=recorder)
    assert "authorization" not in server.requests[0].headers


def test_retry_after_is_not_obeyed_behind_the_recorders_back(server, wire, recorder):
    server.script.append(Reply(503, b"", {"Retry-After": "0"}))
    wire.send(outgoing(server.url), recorder=recorder)
    assert recorder.events == ["open test GET", "503"]
    assert len(server.requests) == 1


def test_only_reading_reuses_connections(server, wire, recorder):
    server.otherwise = Reply(200)
    for method in ["GET", "GET", "GET", "POST", "POST", "GET"]:
        wire.send(outgoing(server.url, method), recorder=recorder)
    assert server.connections == 3


def test_no_more_requests_are_out_than_the_pool_allows(server, recorder):
    out, most = [], []

    def answer(request):
        out.append(request)
        most.append(len(out))
        time.sleep(0.02)
        out.remove(request)
        return Reply(200)

    server.otherwise = answer
    wire = Wire(pool_size=2)
    request = outgoing(server.url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: wire.send(request, recorder=recorder), range(12)))
    assert len(server.requests) == 12
    assert max(most) == 2
    wire.close()


def test_waiting_for_a_connection_ends_at_the_deadline(server, recorder):
    wire = Wire(pool_size=1)
    server.otherwise = silence(0.5)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(wire.send, outgoing(server.url), recorder=Recording())
        while not server.requests:
            time.sleep(0.01)
        wire.deadline_seconds = 0.1
        with pytest.raises(errors.NoConnection, match="no time left"):
            wire.send(outgoing(server.url), recorder=recorder)
        assert isinstance(first.exception(), errors.ConnectionCut)
    assert len(server.requests) == 1


def test_recorder_that_fails_after_the_answer_is_heard(server, wire, recorder):
    def fail(request, answer):
        raise RuntimeError("disk full")

    recorder.answered = fail
    server.script.append(Reply(200))
    with pytest.raises(RuntimeError, match="disk full"):
        wire.send(outgoing(server.url), recorder=recorder)


def test_no_repr_shows_headers_or_bodies():
    request = outgoing("http://h/", "POST", b"secret-body", **{"X-Auth-Token": "secret-token"})
    assert "secret" not in repr(request)
    assert isinstance(request.id, uuid.UUID)


def test_certificates_are_verified(tls_server, wire, recorder):
    with pytest.raises(errors.NoConnection, match=r"(?i)certificate"):
        wire.send(outgoing(tls_server.url, "POST", b"x"), recorder=recorder)
    assert tls_server.requests == []


def test_configured_authority_is_trusted(tls_server, recorder):
    wire = Wire(ca_file=str(tls_server.ca_file))
    tls_server.script.append(Reply(200, b"safe"))
    assert wire.send(outgoing(tls_server.url), recorder=recorder).body == b"safe"
    wire.close()


def test_deadline_holds_below_tls(tls_server, recorder):
    wire = Wire(ca_file=str(tls_server.ca_file), deadline_seconds=0.5, read_seconds=1)
    tls_server.script.append(drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"s" * 60))
    started = time.monotonic()
    with pytest.raises(errors.Timeout):
        wire.send(outgoing(tls_server.url), recorder=recorder)
    assert time.monotonic() - started < 1.5
    wire.close()


@pytest.fixture
def tls_server(server):
    server.ca_file = Path(__file__).parent / "loopback.pem"  # signed by itself, for 127.0.0.1
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.ca_file)
    server.wrap_tls(context)
    return server
