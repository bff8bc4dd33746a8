"""Refused are a body without a length, a body that is too long, and a file."""

import tempfile

import pytest

from evsportal.limits import MOST_BODY_BYTES
from tests.front.web_client import everything, head, post, read_answer

TOO_LONG = MOST_BODY_BYTES + 1


def assert_refused(answer, status):
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("length", [TOO_LONG, 10**9, 10**18])
def test_long_body_is_refused_before_it_comes(web, length):
    answer = web.ask(post(f"Content-Length: {length}"))
    assert_refused(answer, 413)
    assert "The form is too large" in answer.text


def test_long_body_is_not_asked_for(web):
    data = web.send(post(f"Content-Length: {TOO_LONG}", "Expect: 100-continue"))
    assert data.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in data


def test_short_body_is_asked_for(web):
    with web.connect() as connection:
        connection.sendall(post("Content-Length: 3", "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"a=b")
        assert read_answer(connection).status == 403


def test_request_without_body_waits_for_none(web):
    answer = web.ask(head("GET /healthz HTTP/1.1", "Expect: 100-continue"))
    assert answer.status == 200


def test_client_still_sending_reads_why(web):
    with web.connect() as connection:
        connection.sendall(post(f"Content-Length: {8 * TOO_LONG}"))
        connection.sendall(b"x" * 8 * TOO_LONG)
        assert b"The form is too large" in everything(connection)


def test_longest_body_is_read(web):
    answer = web.ask(post(f"Content-Length: {MOST_BODY_BYTES}") + b"x" * MOST_BODY_BYTES)
    assert answer.status == 403  # by Django: without a token


ENCODINGS = ["chunked", "Chunked", "chunked, chunked", "gzip, chunked", "gzip", "identity", ""]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_encoded_body_is_refused_before_it_comes(web, method, encoding):
    line = f"{method} /healthz HTTP/1.1"
    assert_refused(web.ask(head(line, f"Transfer-Encoding: {encoding}")), 501)


@pytest.mark.parametrize(
    "body",
    [
        b"3\r\na=b\r\n2;x=y\r\n&c\r\n0\r\n\r\n",
        (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 20,
        b"a" * 900_000,  # the first line of a chunk, endless
        b"1;" + b"a" * 900_000,
        b"-3\r\na=b\r\n0\r\n\r\n",
    ],
    ids=["whole", "endless", "line", "extension", "odd"],
)
def test_chunks_are_thrown_away(web, body):
    with web.connect() as connection:
        connection.sendall(post("Transfer-Encoding: chunked"))
        connection.sendall(body)
        data = everything(connection)
    assert data.startswith(b"HTTP/1.1 501 ")
    assert data.count(b"HTTP/1.") == 1


def test_chunks_are_not_asked_for(web):
    data = web.send(post("Transfer-Encoding: chunked", "Expect: 100-continue"))
    assert data.startswith(b"HTTP/1.1 501 ")
    assert b"100 Continue" not in data


def test_no_body_is_written_to_the_disk(mirror, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))  # a file cannot be made
    body = b"x" * MOST_BODY_BYTES
    assert mirror.ask(post(f"Content-Length: {len(body)}") + body).status == 200
    chunk = b"f4240\r\n" + body + b"\r\n"
    assert mirror.ask(post("Transfer-Encoding: chunked") + chunk * 3).status == 501


@pytest.mark.parametrize(
    "length", ["-1", "+5", "5, 5", "0x10", "1e3", "", "5.0", "9" * 5000, "\xb2", "5 5", "1_0"]
)
def test_odd_length_is_refused(web, length):
    assert_refused(web.ask(post(f"Content-Length: {length}") + b"a=b&c"), 400)


def part(name, value, *, filename=""):
    file = f'; filename="{filename}"' if filename else ""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([part("name", "alice")], 200),
        ([part("name", "alice"), part("file", "text", filename="a.txt")], 400),
        ([part("file", "x" * 500_000, filename="a")], 400),
    ],
)
def test_form_with_a_file_is_refused(web, parts, status):
    token = "a" * 32
    body = "".join([*parts, part("csrfmiddlewaretoken", token), "--x--\r\n"]).encode()
    headers = [
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {len(body)}",
        f"Cookie: csrftoken={token}",
    ]
    answer = web.ask(head("POST /healthz HTTP/1.1", *headers) + body)
    assert answer.status == status
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_long_head_is_refused(web):
    answer = web.ask(head("GET /healthz HTTP/1.1", "X-Long: " + "x" * 40_000))
    assert_refused(answer, 431)
