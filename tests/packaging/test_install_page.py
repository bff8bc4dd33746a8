"""docs/install.md: what it names exists."""

import re

import pytest

from tools import ROOT

PAGE = (ROOT / "docs/install.md").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", PAGE)))


@pytest.mark.parametrize(("name", "anchor"), LINKS)
def test_each_link_leads_to_a_heading(name, anchor):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8") if name else PAGE
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
    assert not anchor or anchor in anchors


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:deploy|tests)/[^`*]+\.\w+)`", PAGE))))
def test_each_file_exists(name):
    assert (ROOT / name).is_file()


def test_every_unit_is_described():
    units = {path.name for path in (ROOT / "deploy").glob("evsportal-*")}
    timed = {name.replace(".timer", ".service") for name in units if name.endswith(".timer")}
    assert {name for name in units - timed if f"`{name}`" not in PAGE} == set()
