"""Rules of the house that the linters do not know."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = [*ROOT.glob("snapshots/**/*.py"), *ROOT.glob("evsportal/**/*.py")]


def test_there_is_no_room_for_odds_and_ends():
    assert [path for path in CODE if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_files_stay_readable_at_one_sitting():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in CODE
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_templates_bring_no_inline_script_or_style():
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE
    )
    found = [
        path.name
        for path in ROOT.glob("templates/**/*.html")
        if inline.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_pins_name_hashes_and_no_address():
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_each_migration_says_whether_old_code_may_run_beside_it():
    silent = [
        path.name
        for path in ROOT.glob("snapshots/migrations/0*.py")
        if path.name >= "0021" and "    old_code_may_run = " not in path.read_text(encoding="utf-8")
    ]
    assert silent == []
