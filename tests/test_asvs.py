"""docs/asvs.toml answers each requirement of OWASP ASVS 5.0, levels 1 and 2; its proofs exist."""

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from evsportal.variables import BY_NAME

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/security.md"
CHAPTERS = tomllib.loads((ROOT / "docs/asvs.toml").read_text(encoding="utf-8"))
# The requirements of each section of ASVS 5.0.0 in their order: a digit is the level of one.
SECTIONS = """
1.1:22 1.2:1111122223 1.3:112222222223 1.4:222 1.5:123
2.1:122 2.2:112 2.3:12223 2.4:22
3.1:3 3.2:113 3.3:12223 3.4:11222233 3.5:11122333 3.6:3 3.7:22333
4.1:12233 4.2:23333 4.3:22 4.4:1222
5.1:2 5.2:112333 5.3:113 5.4:222
6.1:122 6.2:111111112222 6.3:11223333 6.4:112233 6.5:22222333 6.6:2223 6.7:33 6.8:2222
7.1:222 7.2:1111 7.3:22 7.4:11222 7.5:223 7.6:22
8.1:1233 8.2:1123 8.3:133 8.4:23
9.1:111 9.2:1222
10.1:22 10.2:223 10.3:22223 10.4:1111122222233333 10.5:22222 10.6:22 10.7:222
11.1:2233 11.2:22233 11.3:11233 11.4:1222 11.5:23 11.6:23 11.7:33
12.1:12233 12.2:11 12.3:22223
13.1:2333 13.2:222223 13.3:2233 13.4:1222233
14.1:22 14.2:12223333 14.3:122
15.1:12233 15.2:12233 15.3:1222222 15.4:3333
16.1:2 16.2:22222 16.3:2222 16.4:222 16.5:2223
17.1:23 17.2:22223333 17.3:22
"""
REQUIRED = {
    f"{section}.{number}": int(level)
    for section, _, levels in (text.partition(":") for text in SECTIONS.split())
    for number, level in enumerate(levels, start=1)
    if level != "3"
}
ANSWERS = ("met", "not met", "does not apply")
PROOFS = {"tests", "settings", "code", "docs"}
LONGEST_ABOUT = 90


def entries_of(chapter):
    return {name: entry for name, entry in chapter.items() if name != "name"}


ENTRIES = [
    pytest.param(number, entry, id=number)
    for chapter in CHAPTERS.values()
    for number, entry in entries_of(chapter).items()
]


def test_every_requirement_has_its_entry():
    levels = {param.values[0]: param.values[1]["level"] for param in ENTRIES}
    assert levels == REQUIRED
    assert len(ENTRIES) == len(levels)


def test_entries_stand_in_their_chapter_in_order():
    assert list(CHAPTERS) == [f"V{number}" for number in range(1, len(CHAPTERS) + 1)]
    for title, chapter in CHAPTERS.items():
        numbers = [tuple(map(int, number.split("."))) for number in entries_of(chapter)]
        assert numbers == sorted(numbers)
        assert {f"V{number[0]}" for number in numbers} == {title}


@pytest.mark.parametrize(("number", "entry"), ENTRIES)
def test_answer_is_proved_or_explained(number, entry):
    assert set(entry) <= {"level", "answer", "about", "why"} | PROOFS
    assert entry["answer"] in ANSWERS
    assert 0 < len(entry["about"]) <= LONGEST_ABOUT
    assert all(entry[kind] for kind in PROOFS & set(entry))
    if entry["answer"] == "met":
        assert PROOFS & set(entry)
    else:
        assert entry["why"]


@cache
def functions_of(name):
    """The names of a file's tests; those of a class as `Class::test_name`."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    groups = [("", tree.body)]
    groups += [
        (f"{node.name}::", node.body) for node in tree.body if isinstance(node, ast.ClassDef)
    ]
    return {
        f"{group}{node.name}"
        for group, body in groups
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("number", "entry"), ENTRIES)
def test_proofs_exist(number, entry):
    files = [test.split("::", 1) for test in entry.get("tests", ())]
    missing = [path for path, _test in files if not (ROOT / path).is_file()]
    missing += [
        f"{path}::{test}"
        for path, test in files
        if path not in missing and test not in functions_of(path)
    ]
    missing += [name for name in entry.get("settings", ()) if name not in BY_NAME]
    missing += [
        path
        for path in (*entry.get("code", ()), *entry.get("docs", ()))
        if not (ROOT / path).exists()
    ]
    assert missing == []


def summary():
    lines = [
        "| chapter | requirements | met | does not apply | not met | which are not met |",
        "|---|---|---|---|---|---|",
    ]
    totals = Counter()
    for title, chapter in CHAPTERS.items():
        entries = entries_of(chapter)
        counts = Counter(entry["answer"] for entry in entries.values())
        unmet = [number for number, entry in entries.items() if entry["answer"] == "not met"]
        lines.append(_line(f"{title} {chapter['name']}", counts, ", ".join(unmet)))
        totals += counts
    return "\n".join([*lines, _line("all", totals, "")])


def _line(title, counts, unmet):
    cells = [title, counts.total(), counts["met"], counts["does not apply"], counts["not met"]]
    return f"| {' | '.join(map(str, cells))} | {unmet} |".replace("|  |", "| |")


def test_page_on_security_has_the_summary():
    assert summary() in PAGE.read_text(encoding="utf-8"), f"it has another than:\n{summary()}"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/.]+)`", PAGE.read_text()))))
def test_page_names_tests_that_exist(path):
    assert (ROOT / path).exists()
