"""The inside of a backup file: parts, each with a name, and as the last one the manifest."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.frames import FrameReader, FrameWriter
from snapshots.management.backup.secret import Secret

KIND, FORMAT = "evsportal-backup", 1
MANIFEST = "manifest"
LONGEST_PART = 64 * 1024 * 1024
_LENGTH_BYTES = 4

Advance = Callable[[int], None]  # how many bytes more


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `digests` has a SHA-256 for each name of parts."""

    made_at: str
    version: str
    database: str  # sqlite or postgresql
    mode: str  # sandbox or cloud
    migrations: list[str]
    rows: dict[str, int]
    last_seal: int
    last_seal_digest: str
    trail: str  # what the audit verifier said; begins with DAMAGED for a bad one
    digests: dict[str, str] = field(default_factory=dict)
    kind: str = KIND
    format: int = FORMAT

    @property
    def is_damaged(self) -> bool:
        return self.trail.startswith("DAMAGED")


class BackupWriter:
    """Writes parts. A name may have several, which belong together in their order."""

    def __init__(self, file: IO[bytes], secret: Secret | None) -> None:
        self._frames = FrameWriter(file, secret)
        self._digests: dict[str, Any] = {}

    def part(self, name: str, content: bytes) -> None:
        self._digests.setdefault(name, hashlib.sha256()).update(content)
        self._write(name, content)

    def finish(self, manifest: dict[str, Any]) -> Manifest:
        digests = {name: digest.hexdigest() for name, digest in self._digests.items()}
        whole = Manifest(**manifest, digests=digests)
        self._write(MANIFEST, json.dumps(asdict(whole)).encode())
        self._frames.close()
        return whole

    def _write(self, name: str, content: bytes) -> None:
        for piece in (name.encode(), content):
            self._frames.write(len(piece).to_bytes(_LENGTH_BYTES, "big") + piece)


class BackupReader:
    """Gives the parts back, then holds the manifest. Raises `BackupError` for a bad file."""

    def __init__(self, path: Path, secret: Secret | None) -> None:
        self._path, self._secret = path, secret
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """Only after all parts were read: before that nothing says that the file is whole."""
        if self._manifest is None:
            raise ValueError("The parts were not read to the end.")
        return self._manifest

    def parts(self, *, advance: Advance = lambda _bytes: None) -> Iterator[tuple[str, bytes]]:
        """Each part, in order. The file counts as whole only when this has ended."""
        digests: dict[str, Any] = {}
        try:
            with self._path.open("rb") as file:
                frames, at = FrameReader(file, self._secret), 0
                while (part := _read_part(frames))[0] != MANIFEST:
                    name, content = part
                    digests.setdefault(name, hashlib.sha256()).update(content)
                    yield part
                    advance(file.tell() - at)
                    at = file.tell()
                frames.end()
        except OSError as error:
            raise BackupError(f"{self._path}: {error.strerror}.") from error
        digests_read = {name: digest.hexdigest() for name, digest in digests.items()}
        self._manifest = _manifest_of(part[1], digests_read)


def _read_part(frames: FrameReader) -> tuple[str, bytes]:
    pieces = []
    for longest in (255, LONGEST_PART):
        length = int.from_bytes(frames.read(_LENGTH_BYTES), "big")
        if length > longest:
            raise BackupError("The file is damaged: a part is too long.")
        pieces.append(frames.read(length))
    return pieces[0].decode(errors="replace"), pieces[1]


def _manifest_of(content: bytes, digests: dict[str, str]) -> Manifest:
    try:
        fields: Any = json.loads(content)
        if (fields["kind"], fields["format"]) != (KIND, FORMAT):
            raise BackupError("The backup is of a later format than this portal knows.")
        manifest = Manifest(**fields)
        _check_types(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BackupError("The file is damaged: its manifest cannot be read.") from None
    if manifest.digests != digests:
        raise BackupError("The file is damaged: its parts are not those of the manifest.")
    return manifest


def _check_types(manifest: Manifest) -> None:
    """Whoever can write a file that is not encrypted can write anything. Raises `ValueError`."""
    lists: Any = (manifest.migrations, list(manifest.rows), list(manifest.digests.values()))
    texts = (manifest.made_at, manifest.version, manifest.database, manifest.mode, manifest.trail)
    numbers: Any = (manifest.last_seal, *manifest.rows.values())
    is_right = (
        all(isinstance(text, str) for some in (*lists, texts) for text in some)
        and all(isinstance(number, int) for number in numbers)
        and datetime.fromisoformat(manifest.made_at).tzinfo is not None
    )
    if not is_right:
        raise ValueError("A field is of another type.")
