"""SQLite keeps no statistics: what asks for snapshots must leave it no bad choice of an index."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from snapshots.models import Snapshot
from snapshots.selectors.snapshots import Filter, few_or_all

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="a plan of SQLite's"),
]


def plan_of(sql):
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"))
        return [row[3] for row in cursor.fetchall()]


def test_words_are_sought_in_the_order_of_the_table():
    with CaptureQueriesContext(connection) as asked:
        few_or_all(Snapshot.objects.all(), Filter(text="nightly web"))
    (query,) = asked.captured_queries
    assert plan_of(query["sql"]) == ["SCAN snapshots_snapshot"]
