"""SQLite keeps no statistics: what asks for snapshots must leave it no bad choice of an index."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from snapshots.models import Snapshot, VolumeGrant
from snapshots.rights.visible import snapshots_visible_to
from snapshots.selectors.snapshots import (
    NEWEST_FIRST,
    Filter,
    few_or_all,
    in_order,
    snapshots_matching,
)
from tests import factories as scene

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps statistics"),
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


def test_list_of_a_whole_cloud_is_not_sorted():
    alice = scene.person("alice")
    VolumeGrant.objects.create(cloud=scene.CLOUD, scope="cloud", user=alice)
    rows = snapshots_matching(snapshots_visible_to(alice), Filter())
    plan = in_order(rows, NEWEST_FIRST)[:51].explain()
    assert "SCAN snapshots_snapshot USING INDEX snapshot_by_listed_at" in plan
    assert "TEMP B-TREE" not in plan
