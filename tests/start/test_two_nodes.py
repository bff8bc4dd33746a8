"""Two nodes of one portal that start at the same moment on one PostgreSQL database."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.database.pooler import new_database
from tests.e2e.stack import Stack

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="nodes share a database of PostgreSQL's"
)
ROUNDS = 2  # seen by hand: 20 in a row


@pytest.fixture
def nodes(tmp_path):
    with new_database("two_nodes") as url:
        folders = [tmp_path / name for name in ("first", "second")]
        stacks = []
        for folder in folders:
            folder.mkdir()
            stacks.append(Stack(folder, DATABASE_URL=url))
        yield stacks
        for stack in stacks:
            stack.stop()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_both_nodes_come_up_on_an_empty_database(nodes, _round):
    with ThreadPoolExecutor(2) as together:
        list(together.map(lambda stack: stack.start("--no-sandbox"), nodes))
    logs = [stack.log() for stack in nodes]
    assert ["Traceback" in log for log in logs] == [False, False]
    assert sum("The database is up to date." in log for log in logs) == 1


def test_node_without_migration_names_what_is_missing(nodes):
    with pytest.raises(AssertionError, match="--no-migrate") as stopped:
        nodes[0].start("--no-migrate", "--no-sandbox")
    assert "snapshots.0" in str(stopped.value)
    assert "Traceback" not in str(stopped.value)


def test_node_without_migration_starts_on_migrated_database(nodes):
    nodes[0].manage("migrate")
    nodes[0].start("--no-migrate", "--no-sandbox")
    assert "The database is up to date." not in nodes[0].log()
