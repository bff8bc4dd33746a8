"""The migration that adds the batch to requests changes nothing else."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from snapshots.audit.database import guards
from snapshots.models import folded


@pytest.mark.django_db(transaction=True)
def test_column_comes_without_a_new_table():
    """SQLite drops the triggers of a table that it copies."""
    executor = MigrationExecutor(connection)
    executor.migrate([("snapshots", "0007_permissions")])
    executor = MigrationExecutor(connection)
    with CaptureQueriesContext(connection) as queries:
        executor.migrate([("snapshots", "0008_batch")])
    statements = "\n".join(query["sql"] for query in queries)
    assert "ADD COLUMN" in statements
    assert "new__snapshots_operation" not in statements
    assert folded.missing() == []
    assert guards.missing() == []
