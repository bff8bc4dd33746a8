"""Web nodes are restarted, one after the other, while people send forms: nobody sees it."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.e2e.stack import ROOT, Stack
from tests.front.balancer import Balancer, BusyPerson
from tests.front.test_observatory import needs_nginx
from tests.waiting import until

pytestmark = [needs_nginx, pytest.mark.any_database]
WEB_ONLY = ("--no-worker", "--no-sandbox")
# What systemd does: the listening socket is descriptor 3 of the program.
HANDING_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "manage.py", "serve", *sys.argv[2:]])
"""


def people_at(address):
    return [BusyPerson(address, name) for name in ("alice", "helen")]


def wait_for_forms(people):
    """Until everybody has sent two more."""
    goal = [person.sent + 2 for person in people]
    until(
        lambda: all(person.sent >= sent for person, sent in zip(people, goal, strict=True)),
        seconds=90,
    )


def outcome_of(people):
    for person in people:
        person.stop()
    return [person.failures for person in people]


@pytest.fixture
def nodes(tmp_path):
    database = f"sqlite:///{tmp_path}/shared.sqlite3"
    stacks = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        stacks.append(Stack(tmp_path / name, DATABASE_URL=database))
        stacks[-1].start(*WEB_ONLY, ready="/healthz")
    yield stacks
    for stack in stacks:
        stack.stop()


@pytest.mark.timeout(240)
def test_rolling_restart_fails_no_form(nodes, tmp_path):
    balancer = Balancer(tmp_path, [node.port for node in nodes])
    people = people_at(balancer.url)
    for node in nodes:
        wait_for_forms(people)
        balancer.mark(down={node.port})
        node.stop()
        wait_for_forms(people)
        node.start(*WEB_ONLY, ready="/healthz")
        balancer.mark(down=set())
    wait_for_forms(people)
    assert outcome_of(people) == [[], []]
    balancer.stop()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as server:
        yield server


def start_on(listener, folder, notices):
    """`serve` as a unit with a socket; returns when it has told that it is ready."""
    descriptor = listener.fileno()
    environ = Stack(folder).environ | {"NOTIFY_SOCKET": notices.getsockname()}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", HANDING_OVER, str(descriptor), *WEB_ONLY],
            cwd=ROOT,
            env=environ,
            pass_fds=(descriptor,),
            stdout=log,
            stderr=log,
        )
    assert notices.recv(100) == b"READY=1", (folder / "log").read_text()
    return process


@pytest.mark.timeout(240)
def test_restart_behind_systemds_socket_fails_no_form(listener, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(os.fspath(tmp_path / "notify"))
        notices.settimeout(90)
        service = start_on(listener, tmp_path, notices)
        balancer = Balancer(tmp_path, [listener.getsockname()[1]])
        people = people_at(balancer.url)
        for _ in range(2):
            wait_for_forms(people)
            service.send_signal(signal.SIGTERM)
            assert service.wait(60) == 0
            service = start_on(listener, tmp_path, notices)
        wait_for_forms(people)
        assert outcome_of(people) == [[], []]
        balancer.stop()
        service.terminate()
        service.wait(60)
