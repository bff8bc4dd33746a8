"""The parent process, with shell one-liners as its programs."""

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from snapshots.management import supervisor
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import json, sys
from snapshots.management.supervisor import Patience, Program, Supervisor
scripts, patience = json.loads(sys.argv[1])
programs = [
    Program(name, ["sh", "-c", script], ends_last=name == "sandbox")
    for name, script in scripts.items()
]
check = Program("check", ["sh", "-c", scripts["check"]]) if "check" in scripts else None
programs = [program for program in programs if program.name != "check"]
Supervisor(programs, Patience(**patience), before_reload=check).run()
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
            written = path.read_text().split() if path.exists() else []
            return written if len(written) >= least else None

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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_reaches_every_program_as_sigterm(start, number):
    polite = """trap 'echo $0 >>"$FOLDER/ended"; exit' TERM; echo $$ >>"$FOLDER/pids"
        while :; do sleep 0.01; done"""
    parent = start({"web": polite, "worker": polite})
    pids = parent.pids(least=2)
    assert parent.stop(number) == 0
    assert len(parent.lines("ended")) == 2
    assert all(is_gone(pid) for pid in pids)


def test_program_that_others_need_ends_after_them(start):
    polite = """trap 'sleep PAUSE; echo NAME >>"$FOLDER/ended"; exit' TERM
        echo $$ >>"$FOLDER/pids"; while :; do sleep 0.01; done"""
    pauses = {"sandbox": "0", "worker": "0.5"}
    parent = start(
        {name: polite.replace("PAUSE", pauses[name]).replace("NAME", name) for name in pauses}
    )
    parent.pids(least=2)
    assert parent.stop(signal.SIGTERM) == 0
    assert parent.lines("ended") == ["worker", "sandbox"]


def test_hanging_program_is_killed_after_grace_period(start):
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


def test_leftovers_end_before_program_restarts(start):
    leaving = 'sleep 60 & echo $! >>"$FOLDER/left"; echo $$ >>"$FOLDER/pids"; wait'
    parent = start({"web": leaving})
    os.kill(parent.pids()[0], signal.SIGKILL)
    parent.pids(least=2)
    until(lambda: is_gone(parent.lines("left")[0]))


def test_the_pause_doubles_up_to_its_longest(start):
    parent = start({"web": 'echo $$ >>"$FOLDER/pids"; exit 3'})
    parent.pids(least=6)
    parent.stop(signal.SIGTERM)
    log_lines = [
        line for line in parent.log.read_text().splitlines() if "ended with status 3" in line
    ]
    assert [line.split()[-2] for line in log_lines[:5]] == ["0.02", "0.04", "0.08", "0.08", "0.08"]


def test_long_running_program_restarts_quickly(start):
    parent = start({"web": 'echo $$ >>"$FOLDER/pids"; exit 3'}, healthy_seconds=0)
    parent.pids(least=4)
    parent.stop(signal.SIGTERM)
    log_lines = [
        line for line in parent.log.read_text().splitlines() if "ended with status 3" in line
    ]
    assert {line.split()[-2] for line in log_lines} == {"0.02"}


# --- SIGHUP ----------------------------------------------------------------------------------

READY = '[ -z "$SUPERVISOR_READY_FD" ] || echo >/proc/self/fd/$SUPERVISOR_READY_FD; '
ENDING = """trap 'echo $$ >>"$FOLDER/ended"; exit' TERM; """
LOOPING = 'echo $$ >>"$FOLDER/pids"; while :; do sleep 0.01; done'
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@on_linux
def test_hangup_replaces_program_once_ready(start):
    parent = start({"web": READY + ENDING + LOOPING, "check": 'echo x >>"$FOLDER/checked"'})
    parent.pids()
    parent.process.send_signal(signal.SIGHUP)
    first, second = parent.pids(least=2)
    assert parent.lines("ended") == [str(first)]
    assert parent.lines("checked") == ["x"]
    until(lambda: is_gone(first))
    assert not is_gone(second)
    until(lambda: "serve: reloaded" in parent.log.read_text())


def test_hangup_with_settings_that_cannot_be_used_replaces_nothing(start):
    parent = start({"web": STAYING, "check": "echo the reason >&2; exit 1"})
    (pid,) = parent.pids()
    parent.process.send_signal(signal.SIGHUP)
    until(lambda: "the settings before stay in force" in parent.log.read_text())
    assert "the reason" in parent.log.read_text()
    assert parent.pids() == [pid]
    assert not is_gone(pid)


@on_linux
@pytest.mark.parametrize(
    ("second", "options"),
    [("exit 3", "web ended with status 3 when started again"), ("exec sleep 60", "not ready")],
)
def test_unready_new_process_leaves_the_old(start, second, options):
    script = f'[ -z "$SUPERVISOR_READY_FD" ] || {{ {second}; }}; ' + STAYING
    parent = start({"web": script}, ready_seconds=0.5)
    (pid,) = parent.pids()
    parent.process.send_signal(signal.SIGHUP)
    until(lambda: "reload given up" in parent.log.read_text())
    assert options in parent.log.read_text()
    assert parent.pids() == [pid]
    assert not is_gone(pid)


@on_linux
def test_replaced_process_is_killed_in_time(start):
    parent = start({"web": READY + "trap '' TERM; " + LOOPING}, retire_seconds=0.1)
    parent.pids()
    parent.process.send_signal(signal.SIGHUP)
    first, _second = parent.pids(least=2)
    until(lambda: is_gone(first))
    assert "did not end in time after it was replaced" in parent.log.read_text()


@on_linux
def test_stop_while_replacing_leaves_nothing(start):
    script = '[ -z "$SUPERVISOR_READY_FD" ] || echo $$ >>"$FOLDER/pids"; ' + STAYING
    parent = start({"web": script}, ready_seconds=60)
    parent.pids()
    parent.process.send_signal(signal.SIGHUP)
    pids = parent.pids(least=2)
    assert parent.stop(signal.SIGTERM) == 0
    assert all(is_gone(pid) for pid in pids)


def test_message_to_a_closed_terminal_is_dropped(monkeypatch):
    ours, theirs = pty.openpty()
    os.close(ours)
    with os.fdopen(theirs, "w") as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        supervisor._tell("web ended")
        with suppress(OSError):
            closed.close()


@on_linux
def test_terminal_that_is_closed_stops_the_programs(tmp_path):
    arguments = json.dumps([{"web": STAYING}, QUICK])
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
        environ = os.environ | {"PYTHONPATH": str(ROOT), "FOLDER": str(tmp_path)}
        os.execve(sys.executable, [sys.executable, "-c", PARENT, arguments], environ)
    until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().strip())
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    until(lambda: is_gone(int((tmp_path / "pids").read_text())))


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


def test_missing_program_stops_no_other(tmp_path):
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
