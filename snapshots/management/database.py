"""Before a command runs: the tables are there, and they belong to this kind of portal."""

from collections.abc import Callable

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from evsportal.databases import sentence_for
from snapshots.checks import database_of_another_mode
from snapshots.database.earlier import is_of_earlier_state
from snapshots.database.locks import MIGRATION, process_lock
from snapshots.models import Exchange, mark_database

_WAITING = "Another process brings the database up to date; waiting for it."
# Here while `manage move_database` fills the database, also after it broke off.
MOVE_TABLE = "evsportal_move"
# These make no use of the portal's tables, or look after them themselves: `serve` and `migrate`.
# Every other command, Django's own included, has them brought up to date first.
WITHOUT_TABLES = frozenset(
    {
        *("audit_keygen", "doctor", "move_database", "sandbox", "serve"),
        *("check", "compilemessages", "dbshell", "diffsettings", "inspectdb", "makemessages"),
        *("makemigrations", "migrate", "optimizemigration", "sendtestemail", "shell"),
        *("showmigrations", "sqlflush", "sqlmigrate", "sqlsequencereset", "squashmigrations"),
        *("collectstatic", "findstatic", "startapp", "startproject", "test", "testserver"),
    }
)


def bring_up_to_date(
    *,
    also_filled: bool,
    report: Callable[[str], None],
    migrate: bool = True,
    may_be_newer: bool = False,
) -> None:
    """Migrate the database where it is behind, and see that it belongs to this mode.

    A SQLite file and an empty database are always migrated. A server's database that holds tables
    may have portals of an older version on it, so it is migrated with `also_filled` only. Of
    several processes that find it behind, one migrates and the others wait. Without `migrate`
    nothing is changed. With `may_be_newer` a database that newer code has migrated is let be.
    Raises `CommandError` with a sentence for people when the database is away, may not be changed,
    is behind, is newer, is of an earlier state, is being filled from another, or belongs to the
    other mode.
    """
    try:
        _refuse_begun_move()
        refuse_earlier_state()
        if not may_be_newer:
            _refuse_newer()
        if not migrate:
            _refuse_missing()
        elif _plan():
            with process_lock(MIGRATION, waiting=_WAITING):
                _migrate(also_filled=also_filled, report=report)
        refuse_another_mode()
    except OSError as error:  # the file of the lock beside SQLite's
        raise CommandError(f"{error.filename}: {error.strerror}.") from error
    except DatabaseError as error:
        if sentence := sentence_for(error, connection):
            raise CommandError(sentence) from error
        raise


def _refuse_begun_move() -> None:
    if MOVE_TABLE in connection.introspection.table_names():
        raise CommandError(
            "A move from SQLite into this database has begun and not ended. Run `./run manage"
            " move_database` again, which goes on where it broke off."
        )


def _plan() -> list[tuple[Migration, bool]]:
    """The migrations that are missing."""
    executor = MigrationExecutor(connection)
    return executor.migration_plan(executor.loader.graph.leaf_nodes())


MADE_EARLIER = "was made before the portal's first release, and its tables are not taken over"
INSTEAD_OF_EARLIER_STATE = "Move its file away, or name an empty database in DATABASE_URL."


def refuse_earlier_state() -> None:
    """Raise `CommandError` where this code's migrations would meet tables of other ones."""
    if is_of_earlier_state():
        raise CommandError(f"The database {MADE_EARLIER}. {INSTEAD_OF_EARLIER_STATE}")


def _migrate(*, also_filled: bool, report: Callable[[str], None]) -> None:
    _refuse_begun_move()  # it was perhaps the other process that this one has waited for
    plan = _plan()
    if not plan:
        return  # done by another command, for which this one waited
    tables = connection.introspection.table_names()
    if Exchange._meta.db_table in tables:
        refuse_another_mode(mark=False)
    is_filled = "django_migrations" in tables
    if is_filled and not also_filled and connection.vendor != "sqlite":
        raise CommandError(
            "The database is of an older version of the portal: stop what runs on it and use"
            " `./run manage migrate`, or start the portal with `./run`, which does it too."
        )
    _tell_of_old_code(plan, report)
    call_command("migrate", interactive=False, verbosity=0)
    report("The database is up to date.")


def _tell_of_old_code(plan: list[tuple[Migration, bool]], report: Callable[[str], None]) -> None:
    """Name what nodes of the release before cannot run beside; an empty database has none."""
    names = [step.name for step, _ in plan if not getattr(step, "old_code_may_run", True)]
    if names and connection.introspection.table_names():
        report(f"Stop nodes of the release before, which cannot run beside {', '.join(names)}.")


def newer_migrations() -> list[str]:
    """Those that the database has and this code does not know, as `app.name`."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    replaced = {key for step in loader.disk_migrations.values() for key in step.replaces}
    applied = MigrationRecorder(connection).applied_migrations()
    newer = {key for key in applied if key[0] in loader.migrated_apps}
    return sorted(f"{app}.{name}" for app, name in newer - {*loader.disk_migrations, *replaced})


def _refuse_newer() -> None:
    if newer := newer_migrations():
        raise CommandError(
            f"The database is of newer code than this: it has {', '.join(newer)}. Install that"
            " release on this node too. To go back to this one, restore a backup that it made."
        )


def _refuse_missing() -> None:
    if plan := _plan():
        names = ", ".join(f"{step.app_label}.{step.name}" for step, _ in plan)
        raise CommandError(
            f"--no-migrate: the database lacks {names}. Run `./run manage migrate`, or start one"
            " node without --no-migrate."
        )


def refuse_another_mode(*, mark: bool = True) -> None:
    """Raise `CommandError` where the sandbox's database would serve real clouds, or the reverse.

    With `mark`, a database that belongs to nobody yet belongs to this mode from now on.
    """
    if not settings.EVSPORTAL_MODE:
        return
    if refusal := database_of_another_mode():
        raise CommandError(refusal)
    if not mark:
        return
    try:
        mark_database(settings.EVSPORTAL_MODE)
    except DatabaseError:  # a role that may only read, or a copy that is read-only
        connection.close()
