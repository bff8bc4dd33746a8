"""The damages themselves, few enough for every day. In full: `./run tamper --n 100000`."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.tamper import exports
from tests.tamper.__main__ import damage_exports
from tests.tamper.scene import Trail

ROOT = Path(__file__).resolve().parents[2]


def run_tamper(*args: str) -> subprocess.CompletedProcess:
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "tests.tamper", *args],
        cwd=ROOT,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_three_hundred_damages_are_found_and_named():
    done = run_tamper("--n", "300", "--seed", "5")
    facts = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (facts["planted"], facts["found"]) == (300, 300)
    assert (facts["missed"], facts["misnamed"], facts["false_alarms"]) == (0, 0, 0)
    assert len(facts["kinds"]) >= len(exports.DAMAGES)


def test_a_verifier_that_sees_nothing_is_counted(monkeypatch):
    trail = Trail({"rows.jsonl": [b'{"table": "action", "seq": 1, "at": "2026"}\n']}, "", [])
    monkeypatch.setattr("tests.tamper.__main__.verdict", lambda *_: None)
    monkeypatch.setattr(exports, "DAMAGES", [(1, exports.a_field)])
    count = damage_exports([trail], 1, 5)
    assert (count.planted, count.missed, count.misnamed) == (5, 5, 0)


def test_misnamed_rows_and_false_alarms_are_counted(monkeypatch):
    trail = Trail({"rows.jsonl": [b'{"table": "action", "seq": 1, "at": "2026"}\n']}, "", [])
    monkeypatch.setattr("tests.tamper.__main__.verdict", lambda *_: ("changed", "Row 2 of action"))
    monkeypatch.setattr(exports, "DAMAGES", [(1, exports.a_field)])
    count = damage_exports([trail], 1, 5)
    assert (count.missed, count.misnamed, count.false_alarms) == (0, 5, 1)
