"""`manage check`: Django's, which with `--database default` also says whether that can be used."""

from typing import Any

from django.core.management.base import CommandError, SystemCheckError
from django.core.management.commands import check
from django.db import DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor

from evsportal.databases import sentence_for
from snapshots.database.earlier import FIRST_OF_EARLIER_STATES
from snapshots.management.database import INSTEAD_OF_EARLIER_STATE, MADE_EARLIER


class Command(check.Command):
    # Not a system check: `migrate` runs those too, and they must not stop what it is about to mend.
    def handle(self, *app_labels: Any, **options: Any) -> None:
        if options["list_tags"]:
            super().handle(*app_labels, **options)
            return
        troubles = [_trouble_of(alias) for alias in options["databases"] or ()]
        sentences = list(filter(None, troubles))
        try:
            super().handle(*app_labels, **options)
        except SystemCheckError as error:
            raise SystemCheckError("\n".join([*sentences, str(error)])) from error
        if sentences:
            raise CommandError("\n".join(sentences))


def _trouble_of(alias: str) -> str:
    """Why the database cannot be used as it is; "" when it can be."""
    connection = connections[alias]
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError) as error:
        return sentence_for(error, connection) or str(error)
    if FIRST_OF_EARLIER_STATES in executor.loader.applied_migrations:
        return f"The database {MADE_EARLIER}. {INSTEAD_OF_EARLIER_STATE}"
    if not missing:
        return ""
    return f"The database lacks {len(missing)} migrations: run `manage migrate`."
