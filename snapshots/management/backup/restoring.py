"""Restores a backup: all of it is checked first, and it is put in place in one step."""

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from snapshots.database.earlier import FIRST_OF_EARLIER_STATES
from snapshots.database.in_use import InUseError, database_alone
from snapshots.jobs.workers import is_gone
from snapshots.management.backup import postgres
from snapshots.management.backup import sqlite as sqlite_files
from snapshots.management.backup.contents import BackupReader, Manifest
from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.facts import (
    applied_migrations,
    known_migrations,
    rows_by_table,
    verdict_of_trail,
)
from snapshots.management.database import MADE_EARLIER
from snapshots.management.progress import Progress
from snapshots.models import Action, Exchange, Operation, Worker
from snapshots.operations.restored import take_over_backup
from snapshots.selectors.portal import WORKER_SILENT_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOrder:
    """What may be done, and with which keys the trail is verified."""

    replace: bool = False  # a database that holds something
    damaged: bool = False  # a backup whose trail is damaged
    public_keys: Sequence[Ed25519PublicKey] = ()


def read_manifest(reader: BackupReader, path: Path, progress: Progress) -> Manifest:
    """Read the whole file. Raises `BackupError` unless it is whole."""
    size = path.stat().st_size if path.exists() else 0
    with progress.step("reading", size) as advance:
        for _part in reader.parts(advance=advance):
            pass
    return reader.manifest


def restore_backup(
    path: Path, reader: BackupReader, *, order: RestoreOrder, progress: Progress
) -> list[Operation]:
    """Put the backup in the database's place; returns the requests that are looked for.

    Raises `BackupError`: then the database is as it was.
    """
    manifest = read_manifest(reader, path, progress)
    _check_manifest(manifest, order)
    try:
        with database_alone():
            _refuse_workers()
            _refuse_filled(order)
            put = _restore_sqlite if connection.vendor == "sqlite" else _restore_postgres
            return put(path, reader, order, progress)
    except InUseError as error:
        raise BackupError(
            f"Not restored: {error}. Stop the portal on all machines, and try again."
        ) from error
    except (sqlite3.Error, DatabaseError) as error:
        raise BackupError(f"Not restored: the database says: {error}.") from error
    except OSError as error:
        raise BackupError(f"{error.filename or path}: {error.strerror}. Not restored.") from error


# --- refusals --------------------------------------------------------------------------------


def _check_manifest(manifest: Manifest, order: RestoreOrder) -> None:
    if manifest.database != connection.vendor:
        raise BackupError(
            f"The backup is of {manifest.database}, and DATABASE_URL names {connection.vendor}."
        )
    if manifest.mode != settings.EVSPORTAL_MODE:
        raise BackupError(
            f"The backup is of a portal in mode {manifest.mode!r}, and EVSPORTAL_MODE is"
            f" {settings.EVSPORTAL_MODE!r}."
        )
    if ".".join(FIRST_OF_EARLIER_STATES) in manifest.migrations:
        raise BackupError(f"The backup {MADE_EARLIER}.")
    if newer := sorted(set(manifest.migrations) - known_migrations()):
        raise BackupError(
            f"The backup is of newer code ({manifest.version}): this code does not know"
            f" {', '.join(newer)}. Install the release that made it, and try again."
        )
    older = sorted(set(applied_migrations()) - set(manifest.migrations))
    if older and connection.vendor == "postgresql":
        raise BackupError(
            f"The backup is of older code ({manifest.version}), without {', '.join(older)}. Restore"
            " it by the release that made it, then upgrade that."
        )
    if manifest.is_damaged and not order.damaged:
        raise BackupError(
            f"The trail in the backup is damaged. {manifest.trail} Take an older backup, or add"
            " --damaged."
        )


def _refuse_workers() -> None:
    if names := workers_seen():
        seconds = WORKER_SILENT_AFTER.seconds
        raise BackupError(
            f"Not restored: a worker was seen within the last {seconds} seconds: {names}. Stop the"
            f" portal on all machines, wait {seconds} seconds, and try again."
        )


def workers_seen() -> str:
    """A worker beats each second: those that were seen just now run, or ended a moment ago. Their
    names; a process of this machine that is gone is not among them.
    """
    since = timezone.now() - WORKER_SILENT_AFTER
    seen = [row for row in Worker.objects.filter(seen_at__gt=since) if not is_gone(row.process)]
    return ", ".join(sorted(row.name for row in seen))


def _refuse_filled(order: RestoreOrder) -> None:
    if order.replace:
        return
    tables = (Operation, Exchange, Action, User)
    filled = {table._meta.verbose_name_plural: table._base_manager.count() for table in tables}
    if any(filled.values()):
        rows = ", ".join(f"{count} {name}" for name, count in filled.items() if count)
        raise BackupError(
            f"Not restored: the database is not empty, it holds {rows}. That would be lost: make"
            " a backup of it, and add --replace."
        )


# --- putting it in place ---------------------------------------------------------------------


def _restore_sqlite(
    path: Path, reader: BackupReader, order: RestoreOrder, progress: Progress
) -> list[Operation]:
    """All is done to a file beside the database, which then takes that file's content."""
    folder = sqlite_files.path_of_database().parent
    with sqlite_files.scratch_file(folder) as copy:
        with progress.step("unpacking", path.stat().st_size) as advance:
            sqlite_files.read_parts(reader, copy, advance=advance)
        with sqlite_files.portal_on(copy):
            _check_rows(reader.manifest)
            call_command("migrate", interactive=False, verbosity=0)
            unfinished = _take_over(reader.manifest, path, order, progress)
        with progress.step("putting in place", copy.stat().st_size) as advance:
            connection.close()
            sqlite_files.put_in_place(copy, advance=advance)
    return unfinished


def _restore_postgres(
    path: Path, reader: BackupReader, order: RestoreOrder, progress: Progress
) -> list[Operation]:
    with contextlib.ExitStack() as stack:
        advance = stack.enter_context(progress.step("loading", path.stat().st_size))
        stack.enter_context(postgres.replaced_by(reader, advance=advance))
        _check_rows(reader.manifest)
        return _take_over(reader.manifest, path, order, progress)


def _check_rows(manifest: Manifest) -> None:
    rows = rows_by_table()
    differing = sorted(
        table for table in {*rows, *manifest.rows} if rows.get(table) != manifest.rows.get(table)
    )
    if differing:
        raise BackupError(
            f"Not restored: {differing[0]} has {rows.get(differing[0])} rows, and the manifest says"
            f" {manifest.rows.get(differing[0])}."
        )


def _take_over(
    manifest: Manifest, path: Path, order: RestoreOrder, progress: Progress
) -> list[Operation]:
    with progress.step("verifying the trail"):
        verdict = verdict_of_trail(order.public_keys)
    if verdict.startswith("DAMAGED") and not order.damaged:
        raise BackupError(f"Not restored: {verdict}")
    with transaction.atomic():
        return take_over_backup(
            made_at=datetime.fromisoformat(manifest.made_at), name=path.name, now=timezone.now()
        )


def age_of(manifest: Manifest) -> timedelta:
    return timezone.now() - datetime.fromisoformat(manifest.made_at)
