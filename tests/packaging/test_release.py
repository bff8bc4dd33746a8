"""The version stands once, and the changelog, the manifests and the tag follow it."""

import re
import subprocess
import tomllib

from evsportal import __version__
from tools import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEADINGS = re.findall(
    r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_version_is_written_as_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert "version" not in PROJECT


def test_changelog_begins_with_the_next_release():
    releases = [re.fullmatch(r"(\d+\.\d+\.\d+), \d{4}-\d\d-\d\d", each) for each in HEADINGS[1:]]
    assert HEADINGS[0] == "Unreleased" or HEADINGS[0].startswith(f"{__version__}, ")
    assert all(releases)


def test_each_release_says_whether_a_downgrade_is_possible():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert all("\nDowngrade: " in section for section in sections)


def test_tag_of_this_commit_is_its_version():
    tags = subprocess.run(
        ["git", "tag", "--points-at", "HEAD", "--list", "v*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert tags in ([], [f"v{__version__}"])


def test_manifests_name_the_image_of_this_version():
    text = (ROOT / "deploy/kubernetes/evsportal.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"image: (\S+)", text)) == {f"evsportal:{__version__}"}


def test_oldest_python_is_named_the_same_everywhere():
    least = PROJECT["requires-python"].removeprefix(">=")
    listed = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python ::" in each]
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["target-version"]
    assert listed[0] == least
    assert ruff == f"py{least.replace('.', '')}"
