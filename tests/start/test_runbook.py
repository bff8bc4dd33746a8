"""The runbook, the systemd units: each command, option and setting that they name exists."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from evsportal.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "operations.md"
PLACES = [RUNBOOK, *sorted((ROOT / "deploy").glob("*.*"))]
_COMMAND = re.compile(
    r"(?:manage|manage\.py) ([a-z_]+)((?: +(?:\[?--?[a-z]|[A-Z/.a-z0-9])[^`|\n#;,]*)?)"
)


def settings_in(text):
    return set(re.findall(r"\b(EVSPORTAL_[A-Z_]*[A-Z]|DATABASE_URL)\b", text))


def commands_in(text):
    """Each command with the options that follow it."""
    for match in _COMMAND.finditer(text):
        yield match[1], set(re.findall(r"--[a-z-]+", match[2]))


def options_of(name):
    application = get_commands()[name]
    command = load_command_class(application, name) if isinstance(application, str) else application
    parser = command.create_parser("manage", name)
    assert isinstance(parser, argparse.ArgumentParser)
    return {option for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_each_setting_exists(place):
    names = {variable.name for variable in VARIABLES}
    names |= {f"{variable.name}_FILE" for variable in VARIABLES if variable.is_secret}
    assert settings_in(place.read_text()) <= names


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_each_command_and_option_exists(place):
    for name, options in commands_in(place.read_text()):
        assert name in get_commands(), name
        assert options <= options_of(name), name


def test_the_runbook_names_the_commands_of_operators():
    named = {name for name, _ in commands_in(RUNBOOK.read_text())}
    assert named >= {"doctor", "backup", "restore", "cloud_ping", "audit_verify", "migrate"}


def test_each_situation_that_the_doctor_points_to_is_there():
    headings = set(re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE))
    pointed = set()
    for path in (ROOT / "snapshots" / "management" / "checkup").glob("*.py"):
        text = re.sub(r'"\s+f?"', "", path.read_text())
        pointed |= set(re.findall(r"docs/operations\.md, '([^']+)'", text))
        pointed |= set(re.findall(r"docs/operations\.md, '([^']+'s [^']+|A cloud[^']+)'", text))
    assert len(pointed) >= 4
    assert pointed <= headings


def test_each_link_of_the_runbook_leads_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", RUNBOOK.read_text()):
        path, _, anchor = target.partition("#")
        page = RUNBOOK.parent / path if path else RUNBOOK
        assert page.exists(), target
        headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        anchors = {
            re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings
        }
        assert not anchor or anchor in anchors, target


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="a machine with systemd")
def test_units_are_accepted_by_systemd_and_hardened(tmp_path):
    units = []
    for path in sorted((ROOT / "deploy").glob("evsportal-*")):
        unit = tmp_path / path.name
        unit.write_text(path.read_text().replace("/opt/evsportal/bin/evsportal", sys.executable))
        units.append(unit)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    services = [unit for unit in units if unit.suffix == ".service"]
    for service in services:  # of 100, 0 being best
        rate = ["systemd-analyze", "security", "--offline=true", "--threshold=20", service]
        rated = subprocess.run(rate, capture_output=True, text=True, check=False)
        assert rated.returncode == 0, rated.stdout
