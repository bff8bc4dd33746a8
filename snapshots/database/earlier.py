"""Databases of states before the first release."""

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

# The first migration of every such state; no file of ours has its name.
FIRST_OF_EARLIER_STATES = ("snapshots", "0001_tables")


def is_of_earlier_state() -> bool:
    return FIRST_OF_EARLIER_STATES in MigrationRecorder(connection).applied_migrations()
