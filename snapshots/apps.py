from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from snapshots.database.state import missing_migrations


class SnapshotsConfig(AppConfig):
    name = "snapshots"
    verbose_name = "EVS snapshots"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Here, since they need loaded models.
        from snapshots import accounts, step_up
        from snapshots.audit.record import account_names, people
        from snapshots.database import kept_file
        from snapshots.models import folded
        from snapshots.rights import matches
        from snapshots.sign_in import names, new_address, one_time, open_sessions

        for checks in (
            "checks",
            "directory.checks",
            "jobs.checks",
            "mfa.checks",
            "monitoring.checks",
            "operations.checks",
            "sign_in.checks",
            "sso.checks",
        ):
            import_module(f"snapshots.{checks}")  # it registers them
        kept_file.watch()
        people.watch()
        accounts.watch()
        step_up.watch()
        account_names.watch()
        names.watch()
        open_sessions.watch()
        one_time.watch()
        new_address.watch()
        matches.watch()
        connection_created.connect(folded.register_functions, dispatch_uid="folding")
        # SQLite drops the triggers of a table that a migration rebuilds.
        post_migrate.connect(_install_triggers, sender=self, dispatch_uid="triggers")


def _install_triggers(**_kwargs: Any) -> None:
    """Triggers name columns of the newest tables: after a migration backwards there are none."""
    from snapshots.audit.database import guards
    from snapshots.models import folded, version_triggers

    if not [name for name in missing_migrations() if name.startswith("snapshots.")]:
        folded.install()
        guards.install()
        version_triggers.install()
