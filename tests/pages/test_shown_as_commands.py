"""An exchange as a command: really run, and the bytes compared with those that were recorded."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from snapshots.audit.record.redaction import LEFT_OUT
from snapshots.models import Exchange, Purpose
from snapshots.views.commands import command_of, curl_of, httpie_of, python_of
from tests import factories as scene
from tests.evs.evs_loopback import Loopback, Reply

TOKEN = "to'ken $HOME"
BODIES = {
    "plain": '{"name": "n"}',
    "quotes": """{"name": "it's \\"$HOME\\" `id` \\\\ $(id) !! %s %d \\x41"}""",
    "lines": "one\n\ntwo\r\nthree\t\n",
    "ends in lines": "x\n\n\n",
    "marked NUL": "a\u2400b",
    "letters": "Größe ışık 磁盘 \u202eabc\u202c \U0001f4be \x07 \x1b[0m",
    "at sign": "@/etc/passwd",
    "equals": "=x",
    "json item": ":=1",
    "dash": "-d --raw=x",
    "one quote": "'",
    "ends in backslash": "x\\",
    "1 MiB": ("'\"\\\n$ş@" * 200_000)[: 1024 * 1000],
}


def sent(body="", **told):
    facts = {
        "purpose": Purpose.CREATE,
        "method": "POST",
        "url": "http://cloud/v2/p/snapshots",
        "headers": {"Content-Type": "application/json", "X-Auth-Token": "sha256:12"},
        "body": body,
        "body_sha256": hashlib.sha256(body.encode()).hexdigest() if body else "",
    }
    return Exchange(**facts | told)


@pytest.fixture
def server():
    loopback = Loopback()
    loopback.reply_to = lambda _request: Reply(200, b"{}")
    yield loopback
    loopback.close()


def run_in_shell(command):
    environ = os.environ | {"TOKEN": TOKEN, "NO_PROXY": "*"}
    argv = ["sh"]  # from standard input, as pasted: a file or an argument has its own limits
    done = subprocess.run(
        argv, input=command.encode(), env=environ, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


def run_in_python(script):
    environ = os.environ | {"TOKEN": TOKEN, "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, "-"],
        input=script.encode(),
        env=environ,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


WAYS = {
    "curl": pytest.param(
        curl_of,
        run_in_shell,
        marks=pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here"),
    ),
    "Python": (python_of, run_in_python),
    "HTTPie": pytest.param(
        httpie_of,
        run_in_shell,
        marks=pytest.mark.skipif(not shutil.which("http"), reason="there is no HTTPie here"),
    ),
}


def words_of(command):
    """As a shell reads it; shlex takes a line that goes on for a word."""
    return [word for word in shlex.split(command) if word != "\n"]


in_each_way = pytest.mark.parametrize(("write", "run"), WAYS.values(), ids=WAYS)


@in_each_way
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_arrives_is_what_was_recorded(body, write, run, server):
    run(write(sent(body, url=f"{server.url}/v2/p/snapshots")))
    got = server.requests[0]
    assert got.body == body.encode()
    assert (got.method, got.path) == ("POST", "/v2/p/snapshots")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-auth-token"] == TOKEN


@in_each_way
def test_an_odd_address_and_odd_headers_arrive(write, run, server):
    odd = {"X-Language": 'it\'s "$HOME"', "Accept": "a/b", "X-Blank": ""}
    path = "/v2/p/snapshots?a=1&b=$x&c=%5B1%5D&d={y}'"
    run(write(sent(url=f"{server.url}{path}", method="GET", headers=odd)))
    got = server.requests[0]
    wanted = {path, path.replace("{y}", "%7By%7D")}  # requests spells braces so
    assert got.path in wanted
    assert {name: got.headers[name.lower()] for name in odd} == odd
    assert "x-auth-token" not in got.headers
    assert "content-type" not in got.headers


@in_each_way
def test_a_body_without_a_type_gets_none(write, run, server):
    run(write(sent("x", url=server.url, headers={})))
    assert "content-type" not in server.requests[0].headers


@pytest.mark.parametrize("name", [name for name in BODIES if name != "1 MiB"])
def test_httpie_gets_the_body_in_one_word(name):
    body = BODIES[name]
    words = words_of(httpie_of(sent(body)))
    assert words[:4] == ["http", "--path-as-is", "--ignore-stdin", f"--raw={body}"]
    assert words[-2:] == ["X-Auth-Token:$TOKEN", "Content-Type:application/json"]


def test_httpie_reads_long_body_from_standard_input():
    command = httpie_of(sent("x" * 200_000))
    assert command.startswith("printf %s x")
    assert "--ignore-stdin" not in command
    assert "--raw" not in command


def test_httpie_reads_no_item_into_a_header():
    words = words_of(httpie_of(sent(headers={"A": "=1", "B": "@/etc/passwd", "C": ""})))
    assert words[-3:] == ["A:\\=1", "B:\\@/etc/passwd", "C;"]


@pytest.mark.parametrize("write", [curl_of, httpie_of, python_of], ids=["curl", "HTTPie", "Python"])
def test_no_fingerprint_and_nothing_left_out_is_sent(write):
    text = write(sent(headers={"X-Auth-Token": "sha256:12", "Cookie": LEFT_OUT}))
    assert "sha256" not in text
    assert "Cookie" not in text
    assert "TOKEN" in text


def test_what_is_not_the_same_is_said():
    masked = command_of(sent('{"token": "***"}', body_sha256="a" * 64), program="curl")
    assert "secrets are struck out" in masked.notes[0]
    cut = command_of(sent("{", body_cut=True), program="curl")
    assert "is not complete" in cut.notes[0]
    signed = command_of(sent(headers={"Authorization": "sha256:1", "Cookie": LEFT_OUT}), program="")
    assert "signed with an access key" in signed.notes[0]
    assert signed.notes[1] == "Not stored, so not sent: Cookie."
    assert "X-Auth-Token: $TOKEN" in signed.text
    assert command_of(sent("x"), program="curl").notes == ()


# --- on the page -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "begins"),
    [("", "curl -i"), ("curl", "curl -i"), ("httpie", "http --"), ("python", "import os")],
)
def test_a_link_chooses_the_way(chosen, begins, audrey, operation):
    record = scene.exchange(operation)
    page = audrey.get(f"/audit/{record.id}/", {"as": chosen} if chosen else {})
    assert f'<code id="command">{begins}' in page.text
    for name in ("curl", "httpie", "python"):
        assert f'href="?as={name}#command-title"' in page.text


@pytest.mark.parametrize("nonsense", ["ruby", "<script>", "x" * 5000])
def test_an_unknown_way_is_curl(nonsense, audrey, operation):
    record = scene.exchange(operation)
    page = audrey.get(f"/audit/{record.id}/", {"as": nonsense})
    assert '<code id="command">curl' in page.text


def test_a_sign_in_is_not_offered_as_a_command(audrey):
    record = scene.exchange(None, purpose=Purpose.LOGIN, background=True)
    page = audrey.get(f"/audit/{record.id}/").text
    assert "curl" not in page
    assert "?as=" not in page
