"""The proof itself, small enough for every day. The full one is `./run faults --n 10000`."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.faults.plan import Drawer, Kind
from tests.faults.plot import plot
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


def run_faults(*args: str) -> subprocess.CompletedProcess:
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *args],
        cwd=ROOT,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=400,
    )


@pytest.mark.faults
@pytest.mark.timeout(420)
def test_two_hundred_requests_make_two_hundred_snapshots_whatever_breaks(tmp_path):
    picture = tmp_path / "settle.svg"
    ended = run_faults("--n", "200", "--seed", "1", "--plot", str(picture))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads(ended.stdout)
    wrongs = ("duplicates", "orphans", "lost", "unsettled", "unrecorded", "creates_sent_twice")
    assert {kind: report[kind] for kind in wrongs} == dict.fromkeys(wrongs, 0), ended.stderr
    assert report["operations"] >= 200
    assert report["proven"]
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_same_seed_draws_the_same_faults_whatever_the_readings_do():
    first, second = (Drawer(7, creates_per_kill=40) for _ in range(2))
    drawn = [first.fault(Kind.CREATE) for _ in range(50)]
    for _ in range(30):
        second.fault(Kind.READ)
    assert [second.fault(Kind.CREATE) for _ in range(50)] == drawn


@pytest.mark.parametrize(("operations", "proven"), [(20, True), (200, False)])
def test_a_run_without_its_ambushes_proves_nothing(operations, proven):
    from tests.faults.run import Orders, Run

    parts = ("proxy", "nursery", "people", "cloud", "changes", "leavers")
    parts += ("outsider", "onlooker")
    run = Run(Orders(operations, 1, 2), **dict.fromkeys(parts))
    assert run.is_proven is proven


@pytest.mark.django_db(transaction=True)
def test_an_onlooker_who_has_left_ends_the_run():
    from tests.faults.onlooker import Onlooker

    onlooker = Onlooker("sandbox", outside=None)  # it has nothing to look at
    onlooker.start()
    until(onlooker._looking.done)
    with pytest.raises(AttributeError):
        onlooker.stop()


def test_plot_of_nothing_is_still_a_picture():
    assert plot({"unknown": [], "clear": []}, title="a < b").startswith("<svg")
