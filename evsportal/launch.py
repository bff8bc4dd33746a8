"""What has to stand in the environment before Django reads it. Needs no package, and no Django.

`tools/launch.py` calls it for `./run`, `evsportal/command.py` for an installed portal.
"""

import os
import re
import secrets
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from evsportal.paths import data_folder

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SANDBOX_IS_PORT_PLUS = 9

Environ = MutableMapping[str, str]


def complete(environ: Environ, program: str) -> Path:
    """Name the sandbox's address, the data folder and the secret key, as far as nothing is said.

    Needs `EVSPORTAL_MODE`. Makes the folder and the key. Returns the folder of this mode's files.
    Raises `SystemExit` with a sentence that begins with the program's name.
    """
    _name_sandbox(environ)
    folder = _make_folder(environ, program)
    _name_secret_key(environ, folder, program)
    return folder


def say(program: str, sentence: str) -> None:
    sys.stderr.write(f"{program}: {sentence}\n")


def stop(program: str, sentence: str) -> SystemExit:
    say(program, sentence)
    return SystemExit(1)


# --- files of settings -----------------------------------------------------------------------


def read_settings_file(environ: Environ, path: Path, program: str) -> None:
    """Add the lines of such a file. Nothing in them is evaluated; a variable that is set stays.

    Raises `SystemExit` for a line that is no setting, and `FileNotFoundError`.
    """
    settings: dict[str, str] = {}
    for number, key, value in _lines(path, program):
        if key in settings:
            raise stop(
                program, f"{path.name}, line {number}: {key} stands here twice; keep one of them."
            )
        settings[key] = value
    for key, value in settings.items():
        if "\0" in value:
            raise stop(program, f"{path.name}: {key} holds a NUL character: take it out.")
        environ.setdefault(key, value)


def _lines(path: Path, program: str) -> Iterator[tuple[int, str, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise stop(program, f"{path.name} cannot be read: {error.strerror}.") from None
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.removesuffix("\r").removeprefix("export ")
        if not entry or entry.startswith("#"):
            continue
        key, separator, value = entry.partition("=")
        if not separator or not _KEY.fullmatch(key):
            raise stop(
                program,
                f"{path.name}, line {number}: write KEY=VALUE, without blanks before it or around"
                " the =.",
            )
        yield number, key, _unquoted(value)


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


# --- what is not set -------------------------------------------------------------------------


def _name_sandbox(environ: Environ) -> None:
    """Every command must find the sandbox that belongs to this PORT."""
    port = environ.get("PORT") or "8000"
    if re.fullmatch(r"[0-9]{1,5}", port):  # else `manage serve` says what is wrong with it
        url = f"http://127.0.0.1:{int(port) + _SANDBOX_IS_PORT_PLUS}"
        environ["EVSPORTAL_SANDBOX_URL"] = environ.get("EVSPORTAL_SANDBOX_URL") or url


def _make_folder(environ: Environ, program: str) -> Path:
    """The folder of the portal's files; the sandbox's is a folder of its own below it."""
    try:
        folder = data_folder(environ)
    except RuntimeError:
        sentence = "this user has no home folder to keep files in: set EVSPORTAL_VAR."
        raise stop(program, sentence) from None
    if environ["EVSPORTAL_MODE"] == "sandbox":
        folder /= "sandbox"
    reason = ""
    try:
        os.umask(0o077)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = str(error.strerror)
    else:
        if not os.access(folder, os.W_OK):
            reason = "Permission denied"
    if reason:
        raise stop(
            program,
            f"cannot write to {folder}, where the portal keeps its files: {reason}. Make it "
            "writable, or set EVSPORTAL_VAR.",
        )
    return folder


def _name_secret_key(environ: Environ, folder: Path, program: str) -> None:
    if environ.get("EVSPORTAL_SECRET_KEY") or environ.get("EVSPORTAL_SECRET_KEY_FILE"):
        return
    path = folder / "secret_key"
    try:
        if not path.exists() or path.stat().st_size == 0:
            _make_secret_key(path)
    except OSError as error:
        raise stop(program, f"cannot write {path}: {error.strerror}.") from None
    environ["EVSPORTAL_SECRET_KEY_FILE"] = str(path)


def _make_secret_key(path: Path) -> None:
    """Two starts at once: the second keeps the key of the first."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        if path.exists():  # and is empty
            draft.replace(path)
        else:
            path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
