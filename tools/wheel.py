"""`./run wheel [FOLDER]`: the wheels of the portal and of its sandbox, the same bytes each time.

Static files are collected first, compressed by gzip and brotli, so that an installed portal writes
none of its own files. Times in the wheels are those of the last commit (`SOURCE_DATE_EPOCH`).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import ROOT

_TREES = ("deploy/sandbox", "evsportal", "locale", "snapshots", "static", "templates")
_FILES = ("LICENSE", "README.md", "manage.py", "pyproject.toml", "tools/verify_audit.py")
_NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0] if arguments else "dist").resolve()
    for wheel in build(folder):
        sys.stdout.write(f"{wheel}\n")
    return 0


def build(folder: Path) -> list[Path]:
    """Build both wheels from the files of this checkout into the folder.

    Raises `CalledProcessError` where a step fails; what it said is on standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="evsportal-wheel-") as temporary:
        source, collected = Path(temporary, "source"), Path(temporary, "collected")
        _copy(source)
        _collect(source, collected)
        environ = {**os.environ, "SOURCE_DATE_EPOCH": _time_of_last_commit()}
        for project in (source, source / "deploy" / "sandbox"):
            subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
                cwd=project,
                env=environ,
                stdout=subprocess.DEVNULL,
                check=True,
            )
    return sorted(folder.glob("*.whl"))


def _copy(target: Path) -> None:
    for name in _TREES:
        shutil.copytree(ROOT / name, target / name, ignore=_NOT_SOURCE)
    for name in _FILES:
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, target / name)


def _collect(source: Path, data: Path) -> None:
    """Put the collected files where `evsportal.paths` finds them in an installed package."""
    named = {"EVSPORTAL_MODE": "cloud", "EVSPORTAL_VAR": str(data), "PYTHONDONTWRITEBYTECODE": "1"}
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"],
        cwd=source,
        env=own | named,
        check=True,
    )
    files = source / "evsportal" / "files" / "collected"
    shutil.copytree(data / "static", files / "static")
    shutil.copy(data / "staticfiles.json", files)


def _time_of_last_commit() -> str:
    """As seconds since 1970; `SOURCE_DATE_EPOCH` of the caller wins, as in a tree without git."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    return subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
