"""Whether the database has the tables that this code needs. Only reads, for a few hundred
microseconds.
"""

import os
from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def missing_migrations() -> list[str]:
    """The newest migration of each app that the database lacks, as `app.name`."""
    recorder = MigrationRecorder(connection)
    try:
        applied = set(recorder.migration_qs.values_list("app", "name"))
    except DatabaseError:
        if recorder.has_table():
            raise
        applied = set()  # a new database
    missing = [key for key in _newest_migrations() if key not in applied]
    return sorted(".".join(key) for key in missing)


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """The migrations that this code needs; files do not change while a process runs."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def takes_changes() -> bool:
    """Whether the database accepts writes, asked without writing."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('transaction_read_only') = 'off'")
            return bool(cursor.fetchone()[0])
        cursor.execute("PRAGMA query_only")
        may_write = cursor.fetchone()[0] == 0
    return may_write and os.access(connection.settings_dict["NAME"], os.W_OK)
