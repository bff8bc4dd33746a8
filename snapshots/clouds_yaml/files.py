"""Opens files, and reports what is wrong with one before its content is read."""

import os
import stat
from pathlib import Path

_LARGEST_BYTES = 1_000_000  # far above any clouds.yaml; a wrong name may be a disk image
_OTHERS_MAY = stat.S_IROTH | stat.S_IWOTH


def full_path(text: str, *, folder: Path) -> Path:
    """`text` as a path: `~` is the home, a relative path counts from `folder`.

    Raises ValueError when there is no such home.
    """
    if not text.startswith("~"):
        return folder / text
    expanded = os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises RuntimeError
    if expanded.startswith("~"):
        raise ValueError(f"{text}: this home is not known; write the full path")
    return Path(expanded)


def trouble_with(path: Path, *, private: bool, may_be_folder: bool = False) -> str:
    """Why `path` cannot be used, as the end of a sentence that begins with the path; "" if it can.

    Owner and group may read a `private` file (mode 640 suits a service user), nobody else.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        return _reason(error)
    if stat.S_ISDIR(mode):
        return "" if may_be_folder else "is a folder; name a file"
    if not stat.S_ISREG(mode):
        return "is not a plain file"
    if private and mode & _OTHERS_MAY:
        verb = "readable" if mode & stat.S_IROTH else "writable"
        return f"is {verb} by everybody: run `chmod o-rwx {path}`"
    return "" if os.access(path, os.R_OK) else _reason(PermissionError())


def read_text(path: Path) -> str:
    """The text of a private file. Raises ValueError: the end of a sentence that begins with the
    path.
    """
    if trouble := trouble_with(path, private=True):
        raise ValueError(trouble)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ValueError(_reason(error)) from None
    if len(content) > _LARGEST_BYTES:
        raise ValueError(f"is larger than {_LARGEST_BYTES:,} bytes, so it is another file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8; save it as UTF-8") from None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "may not be read by the user that the portal runs as; change its owner or group"
    return f"cannot be read ({getattr(error, 'strerror', None) or 'no valid path'})"
