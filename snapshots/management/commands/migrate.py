"""Django's `migrate`, which notes a migration in the transaction that carries it out, and leaves
tables from before the first release alone.
"""

from typing import Any

from django.core.management.commands import migrate
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from snapshots.management.database import refuse_earlier_state


class Executor(MigrationExecutor):
    """Django makes indexes and keys last, and notes the migration after the commit. One that is
    killed in between would be carried out again, and fail because its tables are there.
    """

    def apply_migration(
        self, state: ProjectState, migration: Migration, *args: Any, **kwargs: Any
    ) -> ProjectState:
        apply = migration.apply

        def apply_whole(
            project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor
        ) -> ProjectState:
            after = apply(project_state, schema_editor)
            for statement in schema_editor.deferred_sql:
                schema_editor.execute(statement, None)
            schema_editor.deferred_sql.clear()
            return after

        # For this one call: Django's method has no place between the two steps.
        migration.apply = apply_whole  # type: ignore[method-assign,assignment]
        try:
            return super().apply_migration(state, migration, *args, **kwargs)
        finally:
            del migration.apply


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        refuse_earlier_state()
        # Django's command makes its executor by this name, and takes no other.
        migrate.MigrationExecutor = Executor  # type: ignore[attr-defined]
        super().handle(*args, **options)
