"""The proof with Celery as the engine, small: `./run faults --engine celery` is the full one."""

import json

import pytest

from tests.faults.test_faults import run_faults


@pytest.mark.faults
@pytest.mark.timeout(420)
def test_nothing_is_lost_or_doubled_by_a_broken_broker():
    ended = run_faults("--n", "40", "--seed", "2", "--engine", "celery", "--database", "postgres")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads(ended.stdout)
    wrongs = ("duplicates", "orphans", "lost", "unsettled", "unrecorded", "creates_sent_twice")
    assert {kind: report[kind] for kind in wrongs} == dict.fromkeys(wrongs, 0), ended.stderr
    acts = "cut off from a worker", "steps brought by messages", "messages lost", "messages doubled"
    assert all(report["broker"][act] for act in acts), report["broker"]
    assert report["broker"]["beats"] == 2
