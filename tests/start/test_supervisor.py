"""The parent process, with shell one-liners as its programs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import json, sys
from snapshots.management.supervisor import Patience, Program, Supervisor
scripts, patience = json.loads(sys.argv[1])
programs = [Program(name, ["sh", "-c", script]) for name, script in scripts.items()]
Supervisor(programs, Patience(**patience)).run()
"""
QUICK = {"first_pause_seconds": 0.02, "longest_pause_seconds": 0.08, "grace_seconds": 5}
STAYING = 'echo $$ >>"$FOLDER/pids"; exec sleep 60'


def is_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


class Parent:
    def __init__(self, folder, scripts, **patience):
        self.folder = folder
        arguments = json.dumps([scripts, QUICK | patience])
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, arguments],
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT), "FOLDER": str(folder)},
            )

    def lines(self, name, least=1):
        """The lines the programs wrote, once there are enough of them."""
        path = self.folder / name

        def read():
            found = path.read_text().split() if path.exists() else []
            return found if len(found) >= least else None

        return until(read)

    def pids(self, least=1):
        return [int(line) for line in self.lines("pids", least)]

    def stop(self, *signals):
        for number in signals:
            self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def start(tmp_path):
    parents = []

    def start_one(scripts, **patience):
        parents.append(Parent(tmp_path, scripts, **patience))
        return parents[-1]

    yield start_one
    for parent in parents:
        if parent.process.poll() is None:
            parent.stop(signal.SIGTERM, signal.SIGTERM)


def test_a_program_that_dies_is_started_again(start):
    parent = start({"web": STAYING})
    os.kill(parent.pids()[0], signal.SIGKILL)
    first, second = parent.pids(least=2)
    assert first != second
    assert "web was ended by SIGKILL; starting it again in 0.02 s" in parent.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_reaches_every_program_as_sigterm(start, number):
    polite = """trap 'echo $0 >>"$FOLDER/ended"; exit' TERM; echo $$ >>"$FOLDER/pids"
        while :; do sleep 0.01; done"""
    parent = start({"web": polite, "worker": polite})
    pids = parent.pids(least=2)
    assert parent.stop(number) == 0
    assert len(parent.lines("ended")) == 2
    assert all(is_gone(pid) for pid in pids)


def test_a_program_that_will_not_end_is_killed_after_the_grace_period(start):
    stubborn = """trap '' TERM; echo $$ >>"$FOLDER/pids"; while :; do sleep 0.01; done"""
    parent = start({"worker": stubborn}, grace_seconds=0.1)
    (pid,) = parent.pids()
    assert parent.stop(signal.SIGTERM) == 0
    assert is_gone(pid)
    assert "worker did not end in time; killing it" in parent.log.read_text()


def test_a_second_ctrl_c_waits_for_nobody(start):
    stubborn = """trap 'echo told >>"$FOLDER/told"' TERM; echo $$ >>"$FOLDER/pids"
        while :; do sleep 0.01; done"""
    parent = start({"worker": stubborn}, grace_seconds=60)
    (pid,) = parent.pids()
    parent.process.send_signal(signal.SIGINT)
    parent.lines("told")
    assert parent.stop(signal.SIGINT) == 0
    assert is_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of it")
def test_nothing_is_left_when_the_parent_is_killed(start):
    parent = start({"web": STAYING, "worker": STAYING})
    pids = parent.pids(least=2)
    parent.stop(signal.SIGKILL)
    until(lambda: all(is_gone(pid) for pid in pids))


def test_what_a_dead_program_left_behind_goes_before_it_is_started_again(start):
    leaving = 'sleep 60 & echo $! >>"$FOLDER/left"; echo $$ >>"$FOLDER/pids"; wait'
    parent = start({"web": leaving})
    os.kill(parent.pids()[0], signal.SIGKILL)
    parent.pids(least=2)
    until(lambda: is_gone(parent.lines("left")[0]))


def test_the_pause_doubles_up_to_its_longest(start):
    parent = start({"web": 'echo $$ >>"$FOLDER/pids"; exit 3'})
    parent.pids(least=6)
    parent.stop(signal.SIGTERM)
    told = [line for line in parent.log.read_text().splitlines() if "ended with status 3" in line]
    assert [line.split()[-2] for line in told[:5]] == ["0.02", "0.04", "0.08", "0.08", "0.08"]


def test_a_program_that_lived_a_while_starts_with_a_short_pause_again(start):
    parent = start({"web": 'echo $$ >>"$FOLDER/pids"; exit 3'}, healthy_seconds=0)
    parent.pids(least=4)
    parent.stop(signal.SIGTERM)
    told = [line for line in parent.log.read_text().splitlines() if "ended with status 3" in line]
    assert {line.split()[-2] for line in told} == {"0.02"}


PROBING = """
import sys
from snapshots.management.supervisor import Patience, Program, Supervisor
asked = []
def page_answers():
    asked.append(None)
    if len(asked) == 3:
        print("there", flush=True)
    return len(asked) >= 3
programs = [Program("missing", [sys.argv[1]]), Program("web", ["sleep", "60"])]
Supervisor(programs, Patience(tick_seconds=0.01), each_tick=page_answers).run()
print(len(asked))
"""


def test_each_tick_is_asked_until_it_is_content_and_a_missing_program_stops_nobody(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PROBING, str(tmp_path / "missing")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout.readline() == "there\n"
        parent.send_signal(signal.SIGTERM)
        rest, log = parent.communicate(timeout=5)
    assert rest == "3\n"
    assert "missing could not be started: No such file or directory" in log
