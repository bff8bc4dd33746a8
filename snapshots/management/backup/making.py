"""Makes a backup: the database of one moment, verified, in a file that is read back."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DatabaseError, connection

from snapshots.management.backup import postgres
from snapshots.management.backup import sqlite as sqlite_files
from snapshots.management.backup.contents import BackupReader, BackupWriter, Manifest
from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.facts import facts_of_database
from snapshots.management.backup.secret import Secret
from snapshots.management.progress import Progress

SUFFIX = ".backup"


def make_backup(
    place: Path,
    *,
    secret: Secret | None,
    public_keys: Sequence[Ed25519PublicKey],
    progress: Progress,
) -> tuple[Path, Manifest]:
    """Write the file and read it back. A folder as `place` gets a file named after the moment.

    Raises `BackupError`; then there is no file. A damaged trail is backed up as it is: the manifest
    says so.
    """
    made_at = datetime.now(tz=UTC)
    path = place / f"evsportal-{made_at:%Y%m%dT%H%M%SZ}{SUFFIX}" if place.is_dir() else place
    write = _write_sqlite if connection.vendor == "sqlite" else _write_postgres
    try:
        with _named_at_the_end(path) as (file, unfinished):
            writer = BackupWriter(file, secret)
            # What is to be encrypted never lies open beside the backups.
            folder = sqlite_files.path_of_database().parent if secret else path.parent
            facts = write(folder, writer, made_at, public_keys, progress)
            manifest = writer.finish(facts)
            file.flush()
            os.fsync(file.fileno())
            _read_back(unfinished, secret, manifest, progress)
    except (sqlite3.Error, DatabaseError) as error:
        raise BackupError(f"The database says: {error}. No backup was made.") from error
    except OSError as error:
        raise BackupError(
            f"{error.filename or path}: {error.strerror}. No backup was made."
        ) from error
    return path, manifest


def _write_sqlite(
    folder: Path,
    writer: BackupWriter,
    made_at: datetime,
    public_keys: Sequence[Ed25519PublicKey],
    progress: Progress,
) -> dict[str, object]:
    size = sqlite_files.path_of_database().stat().st_size
    with sqlite_files.scratch_file(folder) as copy:
        with progress.step("copying", size) as advance:
            sqlite_files.copy_database(copy, advance=advance)
        sqlite_files.check_soundness(copy)
        with progress.step("verifying the trail"), sqlite_files.portal_on(copy):
            facts = facts_of_database(made_at=made_at, public_keys=public_keys)
        with progress.step("writing", size) as advance:
            sqlite_files.write_parts(copy, writer, advance=advance)
    return facts


def _write_postgres(
    _folder: Path,
    writer: BackupWriter,
    made_at: datetime,
    public_keys: Sequence[Ed25519PublicKey],
    progress: Progress,
) -> dict[str, object]:
    with postgres.one_moment():
        with progress.step("verifying the trail"):
            facts = facts_of_database(made_at=made_at, public_keys=public_keys)
        with progress.step("writing", postgres.database_bytes()) as advance:
            postgres.write_parts(writer, advance=advance)
    return facts


def _read_back(path: Path, secret: Secret | None, manifest: Manifest, progress: Progress) -> None:
    """What is on the disk now is what was verified."""
    reader = BackupReader(path, secret)
    with progress.step("reading back", path.stat().st_size) as advance:
        for _part in reader.parts(advance=advance):
            pass
    if reader.manifest != manifest:
        raise BackupError(f"{path}: what was read back is not what was written.")


@contextmanager
def _named_at_the_end(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file for its owner alone that gets its name when the block has ended well."""
    if path.exists():
        raise BackupError(f"{path} exists already; name another file, or a folder.")
    with sqlite_files.scratch_file(path.parent) as unfinished:  # mode 0600
        with unfinished.open("wb") as file:
            yield file, unfinished
        unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name is on the disk, too
    finally:
        os.close(folder)
