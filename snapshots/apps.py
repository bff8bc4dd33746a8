from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class SnapshotsConfig(AppConfig):
    name = "snapshots"
    verbose_name = "EVS snapshots"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Here, since they need loaded models.
        from snapshots import accounts, checks  # noqa: F401, PLC0415 - registers them
        from snapshots.audit import guards, names, people  # noqa: PLC0415
        from snapshots.models import folded  # noqa: PLC0415

        people.watch()
        accounts.watch()
        names.watch()
        connection_created.connect(folded.register_functions, dispatch_uid="folding")
        # SQLite drops the triggers of a table that a migration rebuilds.
        post_migrate.connect(
            lambda **_kwargs: folded.install(), sender=self, weak=False, dispatch_uid="folded"
        )
        post_migrate.connect(
            lambda **_told: guards.install(), sender=self, weak=False, dispatch_uid="guards"
        )
