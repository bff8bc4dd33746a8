"""What counts as a transaction in the bench."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from snapshots.database.transactions import in_transaction
from tests.bench.traced_worker import count_transactions


@pytest.fixture
def commits(transactional_db):
    noted, statements = [], []
    connection.close()  # the next is noted
    end = count_transactions(lambda: noted.append(1), lambda: statements.append(1))
    yield noted
    end()
    connection.execute_wrappers.clear()


def test_writes_of_a_transaction_are_one(commits):
    in_transaction(lambda: [Group.objects.create(name=name) for name in "ab"])
    assert len(commits) == 1


def test_write_without_a_transaction_is_one(commits):
    Group.objects.filter(name="a").update(name="b")
    assert len(commits) == 1


def test_readings_are_none(commits):
    list(Group.objects.all())
    assert commits == []
