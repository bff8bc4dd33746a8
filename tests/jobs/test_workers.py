"""Who lives and who is gone: by processes of this machine, and by beats from anywhere."""

import os
import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from snapshots.jobs.workers import SILENT_SECONDS, SilenceWatch, beat, is_gone, process_mark
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


def test_a_later_process_of_the_same_number_does_not_count():
    machine, pid, start = process_mark(os.getpid()).rsplit(" ", 2)
    assert is_gone(f"{machine} {pid} {int(start) - 1}")


@pytest.mark.parametrize("mark", ["", "pid:[1] another-boot 1 2", "nonsense", "a b c"])
def test_of_another_machine_nobody_can_tell(mark):
    assert not is_gone(mark)


def count(watch, *looks):
    """What the watch says at the last of these looks: (seconds, beats of the other)."""
    for seconds, beats in looks:
        silent = watch.silent({"other": beats}, now=seconds)
    return silent


def looks_until(seconds, beats):
    return [(float(second), beats(second)) for second in range(int(seconds) + 1)]


def test_a_count_that_stands_still_is_silence():
    assert count(SilenceWatch(), *looks_until(SILENT_SECONDS, lambda _: 7)) == {"other"}


def test_a_moment_of_silence_is_none():
    assert count(SilenceWatch(), *looks_until(SILENT_SECONDS - 1, lambda _: 7)) == set()


def test_a_growing_count_is_a_living_worker():
    assert count(SilenceWatch(), *looks_until(60, lambda second: second // 2)) == set()


def test_after_a_pause_of_its_own_the_watch_counts_afresh():
    watch = SilenceWatch()
    count(watch, (0.0, 7), (1.0, 7))
    assert count(watch, (SILENT_SECONDS + 2, 7)) == set()


@pytest.mark.django_db
def test_beats_are_counted():
    for _ in range(3):
        beat("me")
    worker = Worker.objects.get(name="me")
    assert worker.beats == 2
    assert worker.process == process_mark(os.getpid())
    assert timezone.now() - worker.seen_at < timezone.timedelta(seconds=5)
