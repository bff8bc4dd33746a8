"""`.env.example`, docs/settings.md and the README's table agree with the list of settings."""

import re
from pathlib import Path

import pytest

from evsportal.variables import VARIABLES, Kind

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(EVSPORTAL_[A-Z_]+|DATABASE_URL|PORT)` \| (.+) \|$", re.MULTILINE)
NAMES = [variable.name for variable in VARIABLES]
PORT_PLUS = "EVSPORTAL_SANDBOX_URL"  # its default follows PORT


def rows_of(text):
    """The cells of each row, by the setting's name."""
    rows = [(name, cells.split(" | ")) for name, cells in ROW.findall(text)]
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_example_names_every_setting_with_its_default():
    lines = re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    assert sorted(lines) == sorted((variable.name, variable.default) for variable in VARIABLES)


def test_reference_names_every_setting_once():
    assert sorted(rows_of(REFERENCE)) == sorted(NAMES)


@pytest.mark.parametrize("variable", VARIABLES, ids=NAMES)
def test_reference_gives_values_and_default(variable):
    values, default, meaning = rows_of(REFERENCE)[variable.name]
    assert meaning
    if variable.default and variable.name != PORT_PLUS:
        assert default == f"`{variable.default}`"
    if variable.kind in {Kind.COUNT, Kind.NUMBER}:
        assert values == f"{variable.least:.15g} to {variable.most:.15g}"
    assert all(f"`{choice}`" in values for choice in variable.choices)


def test_readme_repeats_ten_rows_of_the_reference():
    reference = rows_of(REFERENCE.replace("](", "](docs/"))
    rows = rows_of(README)
    assert len(rows) == 10
    assert rows == {name: reference[name][1:] for name in rows}


@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES if variable.is_secret])
def test_reference_says_which_settings_are_read_from_files(name):
    assert name in EXAMPLE
    assert f"`{name}`" in REFERENCE[: REFERENCE.index("## Clouds")]
