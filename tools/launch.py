"""What `./run` does once it has a Python: reads `.env`, completes the environment, calls.

It needs no package, since it also says which file of pins has to be installed first:

    launch.py --requirements    prints that file's name
    launch.py ARGUMENTS         becomes `manage.py ARGUMENTS`, in the Python of .venv
"""

import contextlib
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from evsportal import launch

_PROGRAM = "run"


def main(arguments: list[str]) -> None:
    is_question = arguments == ["--requirements"]
    with contextlib.suppress(FileNotFoundError):
        launch.read_settings_file(os.environ, ROOT / ".env", _PROGRAM)
    _name_mode(os.environ, announce=is_question)
    launch.complete(os.environ, _PROGRAM)
    if is_question:
        sys.stdout.write(f"{_requirements(os.environ)}\n")
        return
    python = str(ROOT / ".venv" / "bin" / "python")
    os.execv(python, [python, str(ROOT / "manage.py"), *arguments])


def _name_mode(environ: MutableMapping[str, str], *, announce: bool) -> None:
    """The sandbox is chosen by name, never by missing keys: this is where it is named."""
    if environ.get("EVSPORTAL_MODE"):
        return
    if environ.get("EVSPORTAL_CLOUDS"):
        environ["EVSPORTAL_MODE"] = "cloud"
        return
    environ["EVSPORTAL_MODE"] = "sandbox"
    if announce:
        launch.say(
            _PROGRAM,
            "neither EVSPORTAL_MODE nor EVSPORTAL_CLOUDS is set: "
            "this is the sandbox, a simulated cloud.",
        )


def _requirements(environ: MutableMapping[str, str]) -> str:
    if environ.get("EVSPORTAL_ENGINE") == "celery":
        return "requirements-celery.txt"  # with PostgreSQL's driver
    url = environ.get("DATABASE_URL", "")
    if path := environ.get("DATABASE_URL_FILE"):
        try:
            url = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            url = ""  # manage.py says what is wrong with it
    return "requirements-postgres.txt" if url.startswith("postgres") else "requirements.txt"


if __name__ == "__main__":
    main(sys.argv[1:])
