"""Before a command runs: the tables are there, and they belong to this kind of portal."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, ProgrammingError, connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor

from snapshots.checks import database_of_another_mode
from snapshots.models import mark_database

_NOT_ALLOWED = "42501"  # PostgreSQL's code
# These make no use of the portal's tables, or look after them themselves: `serve` and `migrate`.
# Every other command, Django's own included, has them brought up to date first.
WITHOUT_TABLES = frozenset(
    {
        *("audit_keygen", "sandbox", "serve"),
        *("check", "compilemessages", "dbshell", "diffsettings", "inspectdb", "makemessages"),
        *("makemigrations", "migrate", "optimizemigration", "sendtestemail", "shell"),
        *("showmigrations", "sqlflush", "sqlmigrate", "sqlsequencereset", "squashmigrations"),
        *("collectstatic", "findstatic", "startapp", "startproject", "test", "testserver"),
    }
)


def bring_up_to_date(*, also_filled: bool, report: Callable[[str], None]) -> None:
    """Migrate the database where it is behind, and see that it belongs to this mode.

    A SQLite file and an empty database are always migrated. A server's database that holds tables
    may have portals of an older version on it, so it is migrated with `also_filled` only. Raises
    `CommandError` with a sentence for people when the database is away, may not be changed, is
    behind, or belongs to the other mode.
    """
    try:
        if _plan():
            with _only_migration():
                _migrate(also_filled=also_filled, report=report)
        refuse_another_mode()
    except OperationalError as error:
        raise CommandError(f"The database does not let us in: {error}") from error
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") != _NOT_ALLOWED:
            raise
        words = "The database must be migrated first, by the role that owns its tables: "
        raise CommandError(words + "`./run manage migrate` with its DATABASE_URL.") from error


def _plan() -> list[tuple[Migration, bool]]:
    """The migrations that are missing."""
    executor = MigrationExecutor(connection)
    return executor.migration_plan(executor.loader.graph.leaf_nodes())


def _migrate(*, also_filled: bool, report: Callable[[str], None]) -> None:
    if not _plan():
        return  # done by another command, for which this one waited
    is_filled = "django_migrations" in connection.introspection.table_names()
    if is_filled and not also_filled and connection.vendor != "sqlite":
        raise CommandError(
            "The database is of an older version of the portal: stop what runs on it and use"
            " `./run manage migrate`, or start the portal with `./run`, which does it too."
        )
    call_command("migrate", interactive=False, verbosity=0)
    report("The database is up to date.")


@contextmanager
def _only_migration() -> Iterator[None]:
    """Two commands at the same moment must not both migrate one SQLite file."""
    if connection.vendor != "sqlite":
        yield
        return
    path = Path(f"{connection.settings_dict['NAME']}.migrating")
    try:
        lock = path.open("w", encoding="ascii")
    except OSError:  # no file, or a folder that may not be written: then nothing is migrated either
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refuse_another_mode() -> None:
    """Raise `CommandError` where the sandbox's database would serve real clouds, or the reverse.

    A database that belongs to nobody yet belongs to this mode from now on.
    """
    if not settings.EVSPORTAL_MODE:
        return
    if words := database_of_another_mode():
        raise CommandError(words)
    try:
        mark_database(settings.EVSPORTAL_MODE)
    except DatabaseError:  # a role that may only read, or a copy that is read-only
        connection.close()
