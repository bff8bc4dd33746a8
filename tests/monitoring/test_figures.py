"""Figures that several processes add to at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evsportal.figures import BOUNDS, Figures

# In a program of its own, which forks as the web server does.
FORKING = """
import json, os, sys
from evsportal.figures import Figures

figures = Figures(parts=4)
for part in json.loads(sys.argv[1]):
    if not os.fork():
        figures.take_part(part)
        for _ in range(5000):
            figures.answered(3, status=200, seconds=0.02)
            figures.refused(1)
        os._exit(0)
    if sys.argv[2] == "in turn":
        os.wait()
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
print(json.dumps([*figures.answers_of(3), figures.refusals_of(1)]))
"""


def counted_by(parts, how):
    done = subprocess.run(
        [sys.executable, "-c", FORKING, json.dumps(parts), how],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def test_no_count_is_lost_between_processes():
    buckets, seconds, by_status, refusals = counted_by([0, 1, 2, 3], "at once")
    assert buckets[2] == sum(buckets) == by_status["2xx"] == 20_000
    assert seconds == pytest.approx(400)
    assert refusals == 20_000


def test_next_process_goes_on_with_its_part():
    *_answers, refusals = counted_by([1, 1, 1], "in turn")
    assert refusals == 15_000


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (0.005, 0), (0.0051, 1), (10.0, 10), (99.0, len(BOUNDS))]
)
def test_answer_is_in_the_bucket_of_its_time(seconds, bucket):
    figures = Figures()
    figures.answered(0, status=503, seconds=seconds)
    counts, _seconds, by_status = figures.answers_of(0)
    assert [number for number, count in enumerate(counts) if count] == [bucket]
    assert by_status == {"1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 1}


def test_views_beyond_the_room_are_counted_as_the_last():
    figures = Figures()
    figures.answered(10_000, status=200, seconds=0.1)
    assert sum(figures.answers_of(255)[0]) == 1
