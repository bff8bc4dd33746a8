"""Where the portal's own files and its data are, in a checkout and in an installed package."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent  # the checkout, or the folder of packages
_INSTALLED = Path(__file__).resolve().parent / "files"  # pyproject.toml puts it into the wheel
IS_INSTALLED = _INSTALLED.is_dir()
FILES = _INSTALLED if IS_INSTALLED else BASE_DIR  # has templates/, static/, tools/verify_audit.py

# Static files that were collected when the wheel was built (tools/wheel.py). Without them the
# portal collects them into its data folder when it starts.
_COLLECTED = _INSTALLED / "collected"
IS_COLLECTED = _COLLECTED.is_dir()

# A file, not the folder: uninstalling leaves what was compiled since.
HAS_SANDBOX = (BASE_DIR / "snapshots/sandbox/__init__.py").is_file()


def data_folder(environ: Mapping[str, str]) -> Path:
    """The folder of database, key and files: `EVSPORTAL_VAR`, else `var/` of the checkout.

    Of an installed package: systemd's `StateDirectory`, else `evsportal` below the user's folder
    for state (`XDG_STATE_HOME`, `~/.local/state`). Raises `RuntimeError` for a user without a home.
    """
    if folder := environ.get("EVSPORTAL_VAR", "").strip():
        return Path(folder)
    if not IS_INSTALLED:
        return BASE_DIR / "var"
    if folder := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(folder)
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "evsportal"


def static_root(data: Path) -> Path:
    return (_COLLECTED if IS_COLLECTED else data) / "static"


def management_command() -> list[str]:
    """The beginning of a command line that runs a management command."""
    if IS_INSTALLED:
        return [sys.executable, "-P", "-m", "evsportal.manage"]
    return [sys.executable, os.fspath(BASE_DIR / "manage.py")]
