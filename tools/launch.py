"""What `./run` does once it has a Python: reads `.env`, completes the environment, calls.

It needs no package, since it also says which file of pins has to be installed first:

    launch.py --requirements    prints that file's name
    launch.py ARGUMENTS         becomes `manage.py ARGUMENTS`, in the Python of .venv
"""

import os
import re
import secrets
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SANDBOX_IS_PORT_PLUS = 9


def main(arguments: list[str]) -> None:
    is_question = arguments == ["--requirements"]
    _read_dotenv(os.environ)
    _name_mode(os.environ, announce=is_question)
    _name_sandbox(os.environ)
    _name_secret_key(os.environ, _make_folder(os.environ))
    if is_question:
        sys.stdout.write(f"{_requirements(os.environ)}\n")
        return
    python = str(ROOT / ".venv" / "bin" / "python")
    os.execv(python, [python, str(ROOT / "manage.py"), *arguments])


def _say(sentence: str) -> None:
    sys.stderr.write(f"run: {sentence}\n")


def _stop(sentence: str) -> SystemExit:
    _say(sentence)
    return SystemExit(1)


# --- .env ------------------------------------------------------------------------------------


def _read_dotenv(environ: MutableMapping[str, str]) -> None:
    """Add the lines of `.env`. Nothing in them is evaluated; a variable that is set stays."""
    settings: dict[str, str] = {}
    for number, key, value in _lines_of_dotenv():
        if key in settings:
            raise _stop(f".env, line {number}: {key} stands here twice; keep one of them.")
        settings[key] = value
    for key, value in settings.items():
        environ.setdefault(key, value)


def _lines_of_dotenv() -> Iterator[tuple[int, str, str]]:
    try:
        text = (ROOT / ".env").read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except FileNotFoundError:
        return
    except OSError as error:
        raise _stop(f".env cannot be read: {error.strerror}.") from None
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.removesuffix("\r").removeprefix("export ")
        if not entry or entry.startswith("#"):
            continue
        key, separator, value = entry.partition("=")
        if not separator or not _KEY.fullmatch(key):
            raise _stop(
                f".env, line {number}: write KEY=VALUE, without blanks before it or around the =."
            )
        yield number, key, _unquoted(value)


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


# --- what is not set -------------------------------------------------------------------------


def _name_mode(environ: MutableMapping[str, str], *, announce: bool) -> None:
    """The sandbox is chosen by name, never by missing keys: this is where it is named."""
    if environ.get("EVSPORTAL_MODE"):
        return
    if environ.get("EVSPORTAL_CLOUDS"):
        environ["EVSPORTAL_MODE"] = "cloud"
        return
    environ["EVSPORTAL_MODE"] = "sandbox"
    if announce:
        _say(
            "neither EVSPORTAL_MODE nor EVSPORTAL_CLOUDS is set: "
            "this is the sandbox, a simulated cloud."
        )


def _name_sandbox(environ: MutableMapping[str, str]) -> None:
    """Every command must find the sandbox that belongs to this PORT."""
    port = environ.get("PORT") or "8000"
    if re.fullmatch(r"[0-9]{1,5}", port):  # else `manage serve` says what is wrong with it
        url = f"http://127.0.0.1:{int(port) + _SANDBOX_IS_PORT_PLUS}"
        environ["EVSPORTAL_SANDBOX_URL"] = environ.get("EVSPORTAL_SANDBOX_URL") or url


def _make_folder(environ: MutableMapping[str, str]) -> Path:
    """The folder of the portal's files; the sandbox's is a folder of its own below it."""
    folder = Path(environ.get("EVSPORTAL_VAR") or ROOT / "var")
    if environ["EVSPORTAL_MODE"] == "sandbox":
        folder /= "sandbox"
    try:
        os.umask(0o077)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        is_writable = False
    else:
        is_writable = os.access(folder, os.W_OK)
    if not is_writable:
        raise _stop(
            f"cannot write to {folder}, where the portal keeps its files: make it writable, "
            "or set EVSPORTAL_VAR."
        )
    return folder


def _name_secret_key(environ: MutableMapping[str, str], folder: Path) -> None:
    if environ.get("EVSPORTAL_SECRET_KEY") or environ.get("EVSPORTAL_SECRET_KEY_FILE"):
        return
    path = folder / "secret_key"
    try:
        if not path.exists() or path.stat().st_size == 0:
            _make_secret_key(path)
    except OSError as error:
        raise _stop(f"cannot write {path}: {error.strerror}.") from None
    environ["EVSPORTAL_SECRET_KEY_FILE"] = str(path)


def _make_secret_key(path: Path) -> None:
    """Two starts at once: the second keeps the key of the first."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(secrets.token_hex(32), encoding="ascii")
    try:
        if path.exists():  # and is empty
            draft.replace(path)
        else:
            path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


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
