"""The migration that adds the batch to requests changes nothing else."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from snapshots.audit.database import guards
from snapshots.database.state import missing_migrations
from snapshots.models import folded


@pytest.fixture
def before_batches(transactional_db):
    """The tables before the migration; afterwards all migrations, for the tests that follow."""
    MigrationExecutor(connection).migrate([("snapshots", "0007_permissions")])
    yield
    call_command("migrate", verbosity=0)
    assert missing_migrations() == []


def test_column_comes_without_a_new_table(before_batches):
    """SQLite drops the triggers of a table that it copies."""
    with CaptureQueriesContext(connection) as queries:
        MigrationExecutor(connection).migrate([("snapshots", "0008_batch")])
    statements = "\n".join(query["sql"] for query in queries)
    assert "ADD COLUMN" in statements
    assert "new__snapshots_operation" not in statements
    # The trigger of volumes names columns of later migrations, and comes after them all.
    assert [name for name in folded.missing() if "volume" not in name] == []
    assert guards.missing() == []
