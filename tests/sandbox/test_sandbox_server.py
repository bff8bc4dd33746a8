"""The sandbox's server, and the command that runs it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from snapshots.sandbox import SandboxServer
from snapshots.sandbox.scenarios import volume_named

ROOT = Path(__file__).parents[2]
LOGS = volume_named("web-01-logs")


def test_connection_is_kept_open(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/v3")
        assert connection.getresponse().read()
        assert connection.sock is not None
    connection.close()


def test_every_request_is_counted_with_its_answer(client):
    client.create(LOGS)
    client.ask("GET", "/nosuch")
    book = client.send("GET", "/_sandbox/requests").body
    assert book["total"] == 3
    assert [request["status"] for request in book["requests"]] == [201, 202, 404]
    assert book["counts"][f"POST /v2/{client.project_id}/snapshots"] == 1
    assert client.send("DELETE", "/_sandbox/requests").body == {"forgotten": 3}


def test_request_ids_are_those_of_the_answers(client):
    reply = client.create(LOGS)
    ids = [request["request_id"] for request in client.server.requests()]
    assert ids[-1] == reply.headers["x-openstack-request-id"]
    assert reply.headers["x-request-id"] in ids[-1].replace("-", "")


def test_control_changes_volumes_and_snapshots(client):
    ident = client.create(LOGS).body["snapshot"]["id"]
    changed = client.send("POST", f"/_sandbox/snapshots/{ident}", {"status": "strange"})
    assert changed.status == 200
    assert client.status_of(ident) == "strange"
    client.send("POST", f"/_sandbox/volumes/{LOGS.id}", {"status": "backing-up"})
    assert client.create(LOGS).code == "EVS.5400"
    client.send("DELETE", f"/_sandbox/volumes/{LOGS.id}")
    assert client.status_of(ident) is None
    assert client.send("POST", "/_sandbox/volumes/nosuch", {}).status == 400


def test_control_adds_a_snapshot_that_no_portal_made(client):
    made = client.send("POST", "/_sandbox/snapshots", {"volume_id": LOGS.id, "name": "by hand"})
    snapshot = client.ask("GET", f"/snapshots/{made.body['id']}").body["snapshot"]
    assert (snapshot["status"], snapshot["name"]) == ("available", "by hand")
    assert client.send("POST", "/_sandbox/snapshots", {"volume_id": "nosuch"}).status == 400


def test_nonsense_does_not_end_the_cloud(client):
    headers = {"Content-Type": "application/json"}
    body = {"auth": {"identity": {"methods": 5}}}
    assert client.send("POST", "/v3/auth/tokens", body, headers).status == 500
    assert client.ask("GET", "/snapshots").status == 200


def test_body_of_unknown_length_is_refused(server):
    head = b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    # The head alone: the server answers it and closes, and a body would meet a closed door.
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 411 ")


def test_body_of_endless_length_is_refused(server):
    head = f"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: {'9' * 5000}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_taken_port_is_said_by_the_server(server):
    with pytest.raises(OSError, match="in use"):
        SandboxServer(port=server.port).start()


def _command(*arguments):
    environment = {**os.environ, "EVSPORTAL_MODE": "sandbox", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_command_says_where_it_listens_and_ends_at_sigterm(tmp_path):
    file = tmp_path / "new folder" / "cloud.sqlite3"
    with _command("--port", "0", "--state", str(file)) as process:
        line = process.stdout.readline()
        match = re.match(r"Sandbox listening on http://127\.0\.0\.1:(\d+) ", line)
        assert match, line + process.stderr.read()
        connection = http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=5)
        connection.request("GET", "/v3")
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        connection.close()
    assert file.exists()


def test_command_says_that_its_state_file_is_none(tmp_path):
    file = tmp_path / "text.sqlite3"
    file.write_text("no database, but long enough to be taken for one. " * 40)
    with _command("--port", "0", "--state", str(file)) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    expected = f"CommandError: The sandbox cannot keep its state in {file}: file is not a database."
    assert errors.strip().splitlines()[-1] == expected


def test_command_says_that_a_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _command("--port", str(port)) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    expected = f"CommandError: The sandbox cannot listen on port {port}: Address already in use."
    assert errors.strip().splitlines()[-1] == expected
