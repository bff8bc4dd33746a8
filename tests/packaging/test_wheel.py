"""The wheel: what is in it, the same bytes each time, and a portal where it is installed."""

import re
import urllib.request
import zipfile

import pytest

from evsportal import __version__
from tests.packaging.installed import build_wheels, text_at
from tools import ROOT

pytestmark = pytest.mark.packages
FOLDERS_OF_FILES = ("templates", "static", "locale")


def build(folder, *, mask, zone):
    """Both wheels, made by a process with this umask, time zone and folder for temporary files."""
    temporary = folder / "temporary"
    temporary.mkdir(parents=True)
    build_wheels(folder, umask=mask, TZ=zone, TMPDIR=str(temporary))
    return {path.name: path.read_bytes() for path in folder.glob("*.whl")}


def names_in(wheels, start):
    (path,) = wheels.glob(f"{start}-*.whl")
    with zipfile.ZipFile(path) as wheel:
        return set(wheel.namelist())


def test_wheels_are_the_same_bytes_each_time(tmp_path):
    first = build(tmp_path / "first", mask=0o022, zone="UTC")
    second = build(tmp_path / "another folder", mask=0o077, zone="Asia/Istanbul")
    assert len(first) == 2
    assert first == second


def test_every_file_of_the_portal_is_in_it(wheels):
    names = names_in(wheels, "evsportal")
    files = [path for folder in FOLDERS_OF_FILES for path in (ROOT / folder).rglob("*.*")]
    expected = {f"evsportal/files/{path.relative_to(ROOT)}" for path in files if path.is_file()}
    code = [path for room in ("evsportal", "snapshots") for path in (ROOT / room).rglob("*.py")]
    expected |= {str(path.relative_to(ROOT)) for path in code}
    assert expected - names == names_in(wheels, "evsportal_sandbox") & expected
    assert "evsportal/files/tools/verify_audit.py" in names
    assert not [name for name in names if re.match(r"(tests|tools|deploy|docs)/", name)]


def test_sandbox_is_in_a_wheel_of_its_own(wheels):
    portal = names_in(wheels, "evsportal")
    sandbox = names_in(wheels, "evsportal_sandbox")
    assert not [name for name in portal if name.startswith("snapshots/sandbox/")]
    assert {"snapshots/sandbox/app.py", "snapshots/management/commands/seed_demo.py"} <= sandbox


def test_static_files_are_collected_and_compressed(wheels):
    names = names_in(wheels, "evsportal")
    collected = {name for name in names if name.startswith("evsportal/files/collected/static/")}
    (style,) = (name for name in collected if re.search(r"css/portal\.[0-9a-f]{12}\.css$", name))
    assert {f"{style}.gz", f"{style}.br"} <= collected
    assert "evsportal/files/collected/staticfiles.json" in names


def test_installed_portal_says_its_version(installed):
    assert installed.run("--version").stdout == f"evsportal {__version__}\n"


def test_start_without_a_cloud_is_refused(installed):
    done = installed.run("serve")
    assert done.returncode == 1
    assert done.stderr.startswith("evsportal: set EVSPORTAL_CLOUDS to the path of a clouds.yaml")


def test_first_page_of_an_installed_portal(installed):
    with installed.serving("--no-worker", EVSPORTAL_CLOUDS=installed.clouds()) as url:
        page = text_at(f"{url}/accounts/login/")
        style = re.search(r'href="(/static/css/portal[^"]*)"', page)[1]
        request = urllib.request.Request(url + style, headers={"Accept-Encoding": "br"})
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Content-Encoding"] == "br"
    assert "<h1" in page
    data = installed.home / ".local/state/evsportal"
    assert (data / "portal.sqlite3").exists()
    assert not (data / "static").exists()


def test_doctor_runs_where_it_is_installed(installed):
    settings = installed.home / "environment"
    settings.write_text(f"EVSPORTAL_CLOUDS={installed.clouds()}\n")
    done = installed.run("--env-file", str(settings), "manage", "check")
    assert (done.returncode, done.stderr) == (0, "")


def test_sandbox_mode_without_its_package_is_refused(installed):
    done = installed.run("manage", "check", EVSPORTAL_MODE="sandbox")
    assert done.returncode == 1
    assert "the sandbox is not installed: pip install 'evsportal[sandbox]'" in done.stderr


def test_extra_brings_the_sandbox(installed_sandbox):
    with installed_sandbox.serving(EVSPORTAL_MODE="sandbox") as url:
        assert "alice" in text_at(f"{url}/accounts/login/")
