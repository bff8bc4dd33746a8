"""The migration that gives grants a word for what they cover, on a table with grants."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from snapshots.audit.database import guards
from snapshots.database.state import missing_migrations
from snapshots.models import VolumeGrant, folded

BEFORE, AFTER = [("snapshots", "0015_sessions")], [("snapshots", "0016_grants")]


@pytest.fixture
def before_scopes(transactional_db):
    """The tables before the migration; afterwards all migrations, for the tests that follow."""
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps
    call_command("migrate", verbosity=0)
    assert missing_migrations() == []


def migrate(to):
    MigrationExecutor(connection).migrate(to)


def old_grant(apps, volume_id):
    person = User.objects.create(username=f"p-{volume_id}")
    grants = apps.get_model("snapshots", "VolumeGrant").objects
    return grants.create(cloud="sandbox", volume_id=volume_id, user_id=person.pk).pk


def test_old_grants_keep_what_they_cover(before_scopes):
    whole, single = old_grant(before_scopes, ""), old_grant(before_scopes, "v-1")
    with CaptureQueriesContext(connection) as queries:
        migrate(AFTER)
    assert not [query for query in queries if "new__snapshots_operation" in query["sql"]]
    assert VolumeGrant.objects.get(pk=whole).scope == "cloud"
    grant = VolumeGrant.objects.get(pk=single)
    assert (grant.scope, grant.volume_id, grant.until) == ("volume", "v-1", None)
    # The trigger of volumes names columns of later migrations, and comes after them all.
    assert [name for name in folded.missing() if "volume" not in name] == []
    assert guards.missing() == []


def test_old_code_goes_on_beside_it(before_scopes):
    """It grants single volumes; what it meant as every volume is refused."""
    migrate(AFTER)
    single = old_grant(before_scopes, "v-1")
    assert VolumeGrant.objects.get(pk=single).scope == "volume"
    with pytest.raises(IntegrityError), transaction.atomic():
        old_grant(before_scopes, "")


def test_going_back_makes_no_rule_a_whole_cloud(before_scopes):
    migrate(AFTER)
    person = User.objects.create(username="alice")
    columns = {"cloud": "sandbox", "user": person, "volume_id": None, "name_pattern": "web-*"}
    VolumeGrant.objects.create(scope="rule", **columns)
    VolumeGrant.objects.create(scope="cloud", cloud="sandbox", user=person)
    migrate(BEFORE)
    grants = before_scopes.get_model("snapshots", "VolumeGrant").objects
    assert list(grants.values_list("volume_id", flat=True)) == [""]
