"""The built wheels, and an environment that holds nothing but them and what they need."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.installed import Installed, build_wheels
from tools import ROOT

# What pip says when no registry answers: not one of them means that a package is missing.
_UNREACHABLE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """The portal's wheel and the sandbox's, in a folder."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheels(folder)
    return folder


@pytest.fixture(scope="session")
def installed(wheels, tmp_path_factory):
    """The portal alone, without the sandbox, in an environment of its own."""
    folder = tmp_path_factory.mktemp("installed")
    portal = Installed(folder / "environment", folder / "home")
    subprocess.run([sys.executable, "-m", "venv", portal.environment], check=True)
    _install(portal.python, "--require-hashes", "-r", ROOT / "requirements.txt")
    _install(portal.python, _wheel(wheels, "evsportal"))
    return portal


@pytest.fixture
def installed_sandbox(installed, wheels):
    """The same environment with the extra, for one test."""
    portal = _wheel(wheels, "evsportal").as_uri()
    _install(
        installed.python,
        _wheel(wheels, "evsportal_sandbox"),
        f"evsportal[sandbox] @ {portal}",
    )
    yield installed
    remove = [installed.python, "-m", "pip", "uninstall", "--quiet", "--yes", "evsportal-sandbox"]
    subprocess.run(remove, check=True)


def _wheel(folder, name):
    (path,) = folder.glob(f"{name}-*.whl")
    return path


def is_unreachable(done):
    """Whether pip, which ended so, reached no registry."""
    return bool(done.returncode) and any(sign in done.stderr for sign in _UNREACHABLE)


def _install(python: Path, *what):
    options = (
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--retries=1",
        "--timeout=15",
    )
    done = subprocess.run(
        [python, "-m", "pip", "install", *options, *what],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if is_unreachable(done):
        pytest.skip("no package registry answers")
    assert done.returncode == 0, done.stderr
