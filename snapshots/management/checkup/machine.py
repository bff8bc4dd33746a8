"""Settings and files, the database and its disk."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.utils import timezone

from evsportal.databases import sentence_for
from snapshots.database.earlier import is_of_earlier_state
from snapshots.database.state import missing_migrations, takes_changes
from snapshots.management.backup.postgres import database_bytes
from snapshots.management.backup.sqlite import path_of_database
from snapshots.management.checkup.finding import Finding, Level, good, warning, wrong
from snapshots.management.database import INSTEAD_OF_EARLIER_STATE, MADE_EARLIER
from snapshots.models import DatabaseUse

DATABASE, DISK, CLOCK, SETTINGS = "database", "disk", "clock", "settings"
LOW_SHARE, LOW_BYTES, NO_BYTES = 0.1, 2 * 10**9, 2 * 10**8
MOST_WAL_BYTES = 10**9
CLOCK_TOLERANCE = timedelta(seconds=5)


def look_at_settings(*, with_database: bool) -> Iterator[Finding]:
    """What `manage check --database default` says: settings, files, guards, names, passwords."""
    messages = checks.run_checks(databases=["default"] if with_database else None)
    unsilenced = [message for message in messages if not message.is_silenced()]
    for message in unsilenced:
        level = Level.WRONG if message.level >= checks.ERROR else Level.WARNING
        hint = message.hint or "Read docs/settings.md."
        yield Finding(SETTINGS, level, f"{message.msg} ({message.id})", hint)
    if not unsilenced:
        yield good(SETTINGS, "The checks of settings, files, guards and names find nothing.")


def look_at_database() -> Iterator[Finding]:
    """The last finding is wrong where nothing else of the database can be asked."""
    is_file = connection.vendor == "sqlite"
    if is_file and not path_of_database().exists():
        yield wrong(
            DATABASE, f"There is no database {path_of_database()}.", "Run `manage migrate`."
        )
        return
    try:
        if is_of_earlier_state():
            yield wrong(DATABASE, f"The database {MADE_EARLIER}.", INSTEAD_OF_EARLIER_STATE)
            return
        if missing := missing_migrations():
            names = ", ".join(missing)
            yield wrong(DATABASE, f"The database lacks {names}.", "Run `manage migrate`.")
            return
        use = DatabaseUse.objects.first()
        since = f" since {use.since:%Y-%m-%d}" if use else ""
        size = _size_of_file() if is_file else database_bytes()
        yield good(DATABASE, f"{connection.vendor}, {size / 1e6:,.0f} MB, in use{since}.")
        if not takes_changes():
            yield wrong(
                DATABASE,
                "The database takes no changes.",
                "Look whether its disk is full or read-only, or DATABASE_URL names a replica.",
            )
    except DatabaseError as error:
        sentence = sentence_for(error, connection) or f"The database says: {error}"
        yield wrong(DATABASE, sentence, "See docs/operations.md, 'The database does not answer'.")


def look_at_disks() -> Iterator[Finding]:
    """Where the portal writes."""
    folders = {Path(settings.VAR_DIR)}
    if connection.vendor == "sqlite":
        folders.add(path_of_database().parent)
    for folder in sorted(folder for folder in folders if folder.is_dir()):
        disk = shutil.disk_usage(folder)
        text = f"{folder} has {disk.free / 1e9:,.1f} of {disk.total / 1e9:,.1f} GB free."
        todo = "Make room: docs/operations.md, 'The disk is full'."
        if disk.free < NO_BYTES:
            yield wrong(DISK, text, todo)
        elif disk.free < LOW_BYTES and disk.free < LOW_SHARE * disk.total:
            yield warning(DISK, text, todo)
        else:
            yield good(DISK, text)
    yield from _look_at_log()


def look_at_clock() -> Iterator[Finding]:
    """The database's clock against this machine's; a cloud's is told beside its readings."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        difference = abs(cursor.fetchone()[0] - timezone.now())
    text = f"The database's clock and this machine's differ by {difference.total_seconds():.1f} s."
    if difference > CLOCK_TOLERANCE:
        yield warning(CLOCK, text, "Set the clocks of all machines by NTP.")
    else:
        yield good(CLOCK, text)


def _look_at_log() -> Iterator[Finding]:
    """SQLite's write-ahead log grows without end while somebody reads for long."""
    if connection.vendor != "sqlite":
        return
    log = Path(f"{path_of_database()}-wal")
    if log.exists() and log.stat().st_size > MOST_WAL_BYTES:
        yield warning(
            DISK,
            f"{log} has {log.stat().st_size / 1e9:,.1f} GB: some program reads for very long.",
            "End programs that keep the database open, such as sqlite3; a restart shrinks it.",
        )


def _size_of_file() -> int:
    return path_of_database().stat().st_size
