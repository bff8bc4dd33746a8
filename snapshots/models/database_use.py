"""Whether a database belongs to the sandbox or to a portal with real clouds."""

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from snapshots.models.exchanges import Exchange
from snapshots.models.grants import VolumeGrant
from snapshots.models.mirrors import Volume
from snapshots.models.operations import Operation

SANDBOX = "sandbox"  # the mode, and the name of the simulated cloud in every table
CLOUD = "cloud"
_ONLY_ROW = 1


class DatabaseUse(models.Model):
    """One row, written by the first start on this database and never changed."""

    mode = models.CharField(max_length=16)  # SANDBOX or CLOUD
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=_ONLY_ROW), name="one_use_of_a_database"),
        ]

    def __str__(self) -> str:
        return self.mode


def mark_database(mode: str) -> None:
    """Note for good that the database belongs to this mode, if nothing is noted yet."""
    defaults = {"mode": mode, "since": timezone.now()}
    DatabaseUse.objects.get_or_create(pk=_ONLY_ROW, defaults=defaults)


def is_of_another_mode(mode: str) -> bool:
    """Whether the database was used in another mode than this.

    A database of before the mark shows it by its rows: only the sandbox's cloud is called
    "sandbox", and each exchange says whether it was with a simulated cloud.
    """
    has_table = DatabaseUse._meta.db_table in connection.introspection.table_names()
    use = DatabaseUse.objects.filter(pk=_ONLY_ROW).first() if has_table else None
    if use is not None:
        return use.mode != mode
    if mode == CLOUD:
        return _has_rows(cloud=Q(cloud=SANDBOX), exchange=Q(sandbox=True))
    return _has_rows(cloud=~Q(cloud=SANDBOX), exchange=Q(sandbox=False))


def _has_rows(*, cloud: Q, exchange: Q) -> bool:
    tables = (Volume, VolumeGrant, Operation)
    return (
        any(table._default_manager.filter(cloud).exists() for table in tables)
        or Exchange.objects.filter(exchange).exists()
    )
