"""Writes the files of an export: a folder, a ZIP file, or a ZIP that is sent while it is made."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread
from typing import IO, Any

from django.db import connection

CHUNK = 64 * 1024
STALLED_SECONDS = 120  # a browser that reads nothing for so long is taken to be closed


class Folder:
    """Files in a folder of their own. Raises `FileExistsError` rather than write over anything."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        path.mkdir(parents=True)

    def begin(self, name: str) -> None:
        self.end()
        self._file = (self._path / name).open("xb")

    def write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - `begin` comes first
        self._file.write(data)

    def end(self) -> None:
        """Everything is on the disk after this."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


class _Outlet:
    """All that ZipFile asks of a stream that cannot go back; can be shut."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.is_open = True

    def write(self, data: bytes) -> int:
        if self.is_open:
            self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        pass


class Zip:
    """Members of a ZIP, compressed as they come; works on a stream that cannot go back."""

    def __init__(self, stream: Any) -> None:  # whatever can be written to
        self._stream = _Outlet(stream)
        self._zip = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_DEFLATED, compresslevel=5)  # type: ignore[call-overload]
        self._file: IO[bytes] | None = None

    def begin(self, name: str) -> None:
        self._close_member()
        self._file = self._zip.open(name, "w", force_zip64=True)

    def write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - `begin` comes first
        self._file.write(data)

    def end(self) -> None:
        self._close_member()
        self._zip.close()

    def abandon(self) -> None:
        """Stop writing. Without its end the export is visibly incomplete."""
        self._stream.is_open = False
        self.end()

    def _close_member(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def output_at(path: Path) -> Iterator[Folder | Zip]:
    """A folder, or for a name that ends in `.zip` a file; on the disk when this ends well.

    A file gets its name only then. Raises `OSError`.
    """
    if path.suffix.lower() != ".zip":
        folder = Folder(path)
        yield folder
        folder.end()
        return
    if path.exists():
        raise FileExistsError(17, "File exists", str(path))
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as stream:
        archive = Zip(stream)
        try:
            yield archive
        except BaseException:
            archive.abandon()
            unfinished.unlink()
            raise
        archive.end()
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk, too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


class _Pipe:
    """A file to write to whose bytes another thread reads; holds a few chunks at most."""

    def __init__(self) -> None:
        self.chunks: Queue[bytes | BaseException | None] = Queue(maxsize=8)
        self.gone = Event()
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        if len(self._waiting) >= CHUNK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._waiting:
            self.put(bytes(self._waiting))
            self._waiting.clear()

    def put(self, chunk: bytes | BaseException | None) -> None:
        for _ in range(STALLED_SECONDS):
            if self.gone.is_set():
                break
            try:
                self.chunks.put(chunk, timeout=1)
            except Full:
                continue
            return
        raise BrokenPipeError("Nobody takes the export any more.")


def zip_while_sent(write: Callable[[Zip], Any]) -> Iterator[bytes]:
    """The bytes of a ZIP that `write` fills in a thread of its own.

    What goes wrong in there is raised here, so that the answer breaks off instead of ending as if
    it were whole.
    """
    pipe = _Pipe()

    def fill() -> None:
        archive = Zip(pipe)
        try:
            write(archive)
            archive.end()
            pipe.flush()
            pipe.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            archive.abandon()
            with suppress(BrokenPipeError):
                pipe.put(error)
        finally:
            connection.close()

    thread = Thread(target=fill, name="export", daemon=True)
    thread.start()
    try:
        while (chunk := pipe.chunks.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
    finally:
        pipe.gone.set()
        thread.join(timeout=5)
