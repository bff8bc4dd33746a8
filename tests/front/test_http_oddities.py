"""What two programs could read in two ways is refused; and nothing is read from a wrong place."""

import json
import re

import pytest

from snapshots.models import Operation
from tests import factories as scene
from tests.front.web_client import head, post, read_answer

SECOND = head("GET /second HTTP/1.1")


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 0", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 0"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked, gzip",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding:",),
        ("Transfer-Encoding: \x0bchunked",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length : 5",),
        ("X: y\r\n Transfer-Encoding: chunked",),
        ("X: y\nContent-Length: 0",),
        ("X: y\rContent-Length: 0",),
        ("X: \x00",),
        (": y",),
        ("Host: evil.example",),
    ],
    ids=ascii,
)
def test_ambiguous_request_is_refused_alone(mirror, headers):
    data = mirror.send(post(*headers) + b"0\r\n\r\n" + SECOND)
    assert data.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ", b"HTTP/1.0 400 "))
    assert data.count(b"HTTP/1.") == 1
    assert b"/second" not in data


@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "GET / HTTP/0.9",
        "GET / HTTP/2.0",
        "GET / HTTP/1.2",
        "GET / http/1.1",
        "GET  / HTTP/1.1",
        "GET /\tx HTTP/1.1",
        "GET /\x1b[2K HTTP/1.1",
        "GET /\x85 HTTP/1.1",
        "GET /\xc3\xa9 HTTP/1.1",
        "get / HTTP/1.1",
        "G@T / HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "GET http://[ HTTP/1.1",
        "GET evil HTTP/1.1",
        "GET ftp://localhost/ HTTP/1.1",
        "GET http://evil.example/ HTTP/1.1",
        "GET http://localhost@evil.example/ HTTP/1.1",
        "GET http://evil.example@localhost/ HTTP/1.1",
        "",
    ],
    ids=ascii,
)
def test_odd_request_line_is_refused(mirror, line):
    data = mirror.send(f"{line or 'x'}\r\nHost: localhost\r\n\r\n".encode("latin-1"))
    assert data.split(b" ", 2)[1] == b"400"


def test_request_without_host_is_refused(mirror):
    assert mirror.ask(b"GET / HTTP/1.1\r\n\r\n").status == 400


def test_encoding_of_a_later_version_is_refused(mirror):
    data = head("POST / HTTP/1.0", "Transfer-Encoding: chunked", "Connection: keep-alive")
    answer = mirror.send(data + b"0\r\n\r\n" + SECOND)
    assert answer.startswith(b"HTTP/1.0 501 ")
    assert answer.count(b"HTTP/1.") == 1


def test_whole_address_of_this_host_is_taken(mirror):
    environ = json.loads(mirror.ask(head("GET http://localhost/a?b=c HTTP/1.1")).text)
    assert environ["PATH_INFO"] == "/a"
    assert environ["QUERY_STRING"] == "b=c"
    assert environ["HTTP_HOST"] == "localhost"


def test_header_with_underscores_is_not_read(mirror):
    names = ("X_Forwarded_For", "X_FORWARDED_PROTO", "X-Forwarded_Host", "Content_Length", "Ho_st")
    headers = [f"{name}: 192.0.2.66" for name in names]
    environ = json.loads(mirror.ask(head("GET / HTTP/1.1", *headers)).text)
    assert "192.0.2.66" not in environ.values()


def test_header_of_a_proxy_reaches_the_portal(mirror):
    environ = json.loads(mirror.ask(head("GET / HTTP/1.1", "X-Forwarded-For: 192.0.2.66")).text)
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.66"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


def test_answer_to_head_has_no_body(mirror):
    with mirror.connect() as connection:
        for _ in range(2):  # a body would be read as the second answer
            connection.sendall(head("HEAD / HTTP/1.1"))
            assert read_answer(connection, "HEAD").status == 200


def test_pipelined_requests_are_answered_in_order(mirror):
    last = head("GET /second HTTP/1.1", "Connection: close")
    data = mirror.send(head("GET /first HTTP/1.1") + last)
    paths = re.findall(rb'"PATH_INFO": "([^"]*)"', data)
    assert paths == [b"/first", b"/second"]


# --- in the portal ---------------------------------------------------------------------------

OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


@pytest.mark.parametrize("header", OVERRIDES)
def test_method_is_the_one_of_the_request_line(client, alice, header):
    client.force_login(alice)
    for address in ("/accounts/logout/", "/accounts/logout/?_method=POST"):
        answer = client.get(address, headers={header: "POST"})
        assert answer.status_code == 405
        assert "_auth_user_id" in client.session


def test_field_cannot_override_the_method(client, alice):
    client.force_login(alice)
    client.post("/snapshots/new/", {"_method": "DELETE", "_METHOD": "PUT"}, follow=True)
    assert "_auth_user_id" in client.session
    assert not Operation.objects.exists()


@pytest.mark.parametrize("is_own_last", [True, False])
def test_volume_that_is_checked_is_the_one_asked_for(client, alice, is_own_last):
    scene.healthy_portal()
    own, other = scene.volume("own", granted_to=alice), scene.volume("other")
    client.force_login(alice)
    ids = [other.volume_id, own.volume_id] if is_own_last else [own.volume_id, other.volume_id]
    client.post("/snapshots/new/", scene.fill_form(own) | {"volume_id": ids})
    asked_for = list(Operation.objects.values_list("volume_id", flat=True))
    assert asked_for == ([own.volume_id] if is_own_last else [])
