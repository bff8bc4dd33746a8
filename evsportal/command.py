"""`evsportal`, the program of an installed portal."""

import argparse
import os
import sys
from pathlib import Path

from evsportal import __version__, launch, manage
from evsportal.paths import data_folder

PROGRAM = "evsportal"
_USAGE = """\
evsportal [--env-file FILE] COMMAND

commands:
  serve              the web and the worker (and the sandbox in its mode) under one parent;
                     parts of it with --no-web, --no-worker, --no-sandbox; --no-migrate
  worker             a worker alone
  manage ...         any management command: doctor, backup, createsuperuser, ...

Settings are environment variables. --env-file adds those of a file with lines NAME=value.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog=PROGRAM, usage=_USAGE, add_help=True, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("--env-file", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("command", choices=["serve", "worker", "manage"], help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.env_file:
        _read(asked.env_file)
    _complete_environment()
    if asked.command == "serve":
        launch.say(PROGRAM, f"files are in {data_folder(os.environ)} (EVSPORTAL_VAR).")
    own = [] if asked.command == "manage" else [asked.command]
    sys.argv = [f"{PROGRAM} manage", *own, *asked.arguments]
    manage.main()


def _read(path: Path) -> None:
    try:
        launch.read_settings_file(os.environ, path, PROGRAM)
    except FileNotFoundError:
        raise launch.stop(PROGRAM, f"there is no file {path}.") from None


def _complete_environment() -> None:
    if not os.environ.get("EVSPORTAL_MODE"):
        if not os.environ.get("EVSPORTAL_CLOUDS"):
            raise launch.stop(
                PROGRAM,
                "set EVSPORTAL_CLOUDS to the path of a clouds.yaml, or EVSPORTAL_MODE=sandbox for "
                "a simulated cloud (pip install 'evsportal[sandbox]').",
            )
        os.environ["EVSPORTAL_MODE"] = "cloud"
    launch.complete(os.environ, PROGRAM)
