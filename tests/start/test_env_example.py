"""`.env.example` and the README's table name every setting of the list, with its default."""

import re
from pathlib import Path

import pytest

from evsportal.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
README = (ROOT / "README.md").read_text()
NAME = re.compile(r"`((?:EVSPORTAL_[A-Z_]+)|DATABASE_URL|PORT)`")


def readme_rows():
    """The names of a row of the table, and the text of its default."""
    table = README[README.index("| name | default | what |") :].split("\n\n")[0]
    cells = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    return [(NAME.findall(names), default) for names, default, *_what in cells]


def test_example_names_every_setting_with_its_default():
    lines = re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    assert sorted(lines) == sorted((one.name, one.default) for one in VARIABLES)


def test_readme_names_every_setting_once():
    names = [name for row, _default in readme_rows() for name in row]
    assert sorted(names) == sorted(one.name for one in VARIABLES)


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda one: one.name)
def test_readme_gives_the_default_in_the_row_of_the_name(variable):
    (default,) = [default for names, default in readme_rows() if variable.name in names]
    if variable.name != "EVSPORTAL_SANDBOX_URL":  # told as PORT + 9
        assert variable.default in default


@pytest.mark.parametrize("name", [one.name for one in VARIABLES if one.is_secret])
def test_both_say_which_settings_are_read_from_files(name):
    assert name in EXAMPLE
    intro = README[README.index("## Settings") : README.index("| name | default | what |")]
    assert f"`{name}`" in intro
