"""The style sheet: what it weighs, and rules that hold for each of its parts."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finders

from evsportal.static_files import StaticFilesStorage

STATIC = Path(__file__).resolve().parents[2] / "static"
PARTS = sorted((STATIC / "css/portal").glob("*.css"))
SHEETS = sorted(STATIC.glob("css/**/*.css"))
OURS = ("css/", "js/")
MOST_STYLES, MOST_SCRIPTS = 14_000, 8_000  # bytes, compressed, of all that a page may load
# Left and right are other sides in languages that are written from right to left.
PHYSICAL = re.compile(
    r"\b(?:margin|padding|border)-(?:left|right)\b|^\s*(?:left|right):|text-align: (?:left|right)"
    r"|(?:padding|margin): [^;\s]+ (?P<right>[^;\s]+) [^;\s]+ (?!(?P=right);)[^;\s]+;",
    re.MULTILINE,
)
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|rgb\(")


@pytest.fixture
def served(tmp_path, settings):
    """What the portal serves, by the name in our folders."""
    storage = StaticFilesStorage(location=tmp_path, base_url="/static/")
    paths = {}
    for finder in get_finders():
        for name, source in finder.list([]):
            if name.startswith(OURS):
                with source.open(name) as file:
                    storage.save(name, file)
                paths[name] = (source, name)
    for _name, _hashed, processed in storage.post_process(paths):
        if isinstance(processed, Exception):
            raise processed
    return {name: (tmp_path / storage.hashed_files[name]).read_text() for name in paths}


def compressed(texts):
    return sum(len(gzip.compress(text.encode(), 9)) for text in texts)


def test_the_style_sheet_is_one_file_with_all_its_parts(served):
    sheet = served["css/portal.css"]
    assert "@import" not in sheet
    for part in PARTS:
        rules = re.findall(r"^ *[^@\s][^\n]*\{$", part.read_text(), re.MULTILINE)
        assert {*rules} == {rule for rule in rules if rule in sheet} != set(), part.name


def test_styles_and_scripts_are_served_without_comments(served):
    for name, text in served.items():
        assert not re.search(r"/\*|(^| )//", text, re.MULTILINE), name


def test_no_text_of_a_script_looks_like_a_comment():
    """It would be cut off where the script is served, and there alone."""
    for path in (STATIC / "js").glob("*.js"):
        for line in path.read_text().split("\n"):
            code = line.partition(" //")[0]
            is_comment = line.lstrip().startswith("//") or code == line
            assert is_comment or all(code.count(mark) % 2 == 0 for mark in "\"'`"), line


def test_styles_weigh_little(served):
    names = [name for name in served if re.fullmatch(r"css/(?!admin)\w+\.css", name)]
    assert {"css/portal.css", "css/print.css"} <= {*names}
    assert compressed(served[name] for name in names) <= MOST_STYLES


@pytest.mark.parametrize("of_page", ["js/live.js", "js/forms.js", "js/passkeys.js", "js/notify.js"])
def test_scripts_of_a_page_weigh_little(served, of_page):
    names = imported(served, "js/portal.js") | imported(served, of_page)
    assert compressed(served[name] for name in names) <= MOST_SCRIPTS


def test_each_script_is_fetched_by_some_page(served):
    entries = ("js/portal.js", "js/live.js", "js/forms.js", "js/passkeys.js", "js/notify.js")
    fetched = set().union(*(imported(served, entry) for entry in entries))
    assert fetched == {name for name in served if name.startswith("js/")}


def imported(served, name):
    """A script with all that it imports."""
    names = {f"js/{found}.js" for found in re.findall(r'"\./(\w+)\.\w+\.js"', served[name])}
    return {name}.union(*(imported(served, other) for other in names))


@pytest.mark.parametrize("part", SHEETS, ids=lambda part: part.name)
def test_each_sheet_reads_well_in_both_directions(part):
    text = part.read_text()
    assert not PHYSICAL.search(text), PHYSICAL.search(text)
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_colours_have_names(part):
    if part.name != "tokens.css":
        assert COLOUR.findall(part.read_text()) == []
