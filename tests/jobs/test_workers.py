"""Who lives and who is gone: by processes of this machine, and by beats from anywhere."""

import os
import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from snapshots.jobs import workers
from snapshots.jobs.workers import SILENT_BEATS, SilenceWatch, beat, is_gone, process_mark
from snapshots.models import Worker


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def test_a_running_process_is_not_gone(process):
    assert not is_gone(process_mark(process.pid))


def test_a_suspended_process_is_not_gone(process):
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    assert not is_gone(process_mark(process.pid))


def test_an_ended_process_is_gone(process):
    mark = process_mark(process.pid)
    process.kill()
    process.wait()
    assert is_gone(mark)


def test_a_process_that_nobody_has_collected_is_gone(process):
    mark = process_mark(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(mark)


def test_reused_process_id_does_not_count():
    machine, pid, start = process_mark(os.getpid()).rsplit(" ", 2)
    assert is_gone(f"{machine} {pid} {int(start) - 1}")


def test_another_users_process_that_proc_hides_is_not_gone(process, monkeypatch):
    mark = process_mark(process.pid)
    own = process_mark(os.getpid())

    def refuse(_pid, _signal):
        raise PermissionError

    monkeypatch.setattr(workers, "process_mark", lambda pid: own if pid == os.getpid() else "")
    assert is_gone(mark)
    monkeypatch.setattr(os, "kill", refuse)
    assert not is_gone(mark)
    monkeypatch.undo()


@pytest.mark.parametrize("mark", ["", "pid:[1] another-boot 1 2", "nonsense", "a b c"])
def test_of_another_machine_nobody_can_tell(mark):
    assert not is_gone(mark)


def last_look(counts):
    """What the watch says at the last of these looks at the other's beats."""
    watch = SilenceWatch()
    return [watch.silent({"other": count}) for count in counts][-1]


def test_a_count_that_stands_still_is_silence():
    assert last_look([6, *[7] * (SILENT_BEATS + 1)]) == {"other"}


def test_a_moment_of_silence_is_none():
    assert last_look([6, *[7] * SILENT_BEATS]) == set()


def test_a_worker_that_beats_at_half_the_pace_lives():
    assert last_look(look // 2 for look in range(60)) == set()


def test_a_beat_ends_the_silence():
    assert last_look([*[7] * 10, 8]) == set()


def test_a_worker_seen_for_the_first_time_lives():
    watch = SilenceWatch()
    for _ in range(10):
        watch.silent({"other": 7})
    assert watch.silent({"other": 7, "new": 0}) == {"other"}


@pytest.mark.django_db
def test_beats_are_counted():
    for _ in range(3):
        beat("me")
    worker = Worker.objects.get(name="me")
    assert worker.beats == 2
    assert worker.process == process_mark(os.getpid())
    assert timezone.now() - worker.seen_at < timezone.timedelta(seconds=5)
