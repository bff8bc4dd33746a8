"""Grants by rule, and grants that end: what they give, in lists and at the moment of sending."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots.duties.inventory import store_volume
from snapshots.evs.types import volume_from
from snapshots.models import CloudHealth, Duty, GrantMatch, Operation, Volume, VolumeGrant
from snapshots.operations.granting import give_grants
from snapshots.operations.withdrawing import withdraw_passed_requests
from snapshots.rights.grants import FEW_RULES, is_granted
from snapshots.rights.visible import snapshots_visible_to, volumes_usable_by
from tests import factories as scene
from tests.factories import rule
from tests.operations.conftest import control

# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"scope": "volume", "volume_id": ""},
        {"scope": "volume", "volume_id": None},
        {"scope": "volume", "volume_id": "v", "name_pattern": "*"},
        {"scope": "cloud", "volume_id": "v"},
        {"scope": "cloud", "volume_id": None},
        {"scope": "cloud", "volume_type": "SSD"},
        {"scope": "rule", "volume_id": None},
        {"scope": "rule", "volume_id": "", "volume_type": "SSD"},
        {"scope": "rule", "volume_id": None, "metadata_key": "team"},
        {"scope": "rule", "volume_id": None, "volume_type": "SSD", "metadata_value": "x"},
        {"scope": "else", "volume_id": "v"},
    ],
)
def test_database_refuses_a_grant_that_is_none(alice, columns):
    with pytest.raises(IntegrityError), transaction.atomic():
        VolumeGrant.objects.create(cloud="sandbox", user=alice, **columns)


def give(person, **conditions):
    grant = rule(**conditions)
    if isinstance(person, Group):
        grant.group = person
    else:
        grant.user = person
    grant.save()
    return grant


def names(volumes):
    return sorted(volumes.values_list("name", flat=True))


def test_rule_gives_what_matches_now_and_later(alice, bob):
    scene.volume("web-01")
    scene.volume("db-01")
    scene.volume("web-elsewhere", cloud="other")
    give(alice, name_pattern="web-*")
    scene.volume("web-02")
    assert names(volumes_usable_by(alice)) == ["web-01", "web-02"]
    assert names(volumes_usable_by(bob)) == []


def test_changed_rule_gives_other_volumes(alice):
    for name in ("web-01", "db-01"):
        scene.volume(name)
    grant = give(alice, name_pattern="web-*")
    grant.name_pattern = "db-*"
    grant.save()
    assert names(volumes_usable_by(alice)) == ["db-01"]
    grant.delete()
    assert not GrantMatch.objects.exists()
    assert names(volumes_usable_by(alice)) == []


def test_rule_of_a_team_gives_its_people(alice, bob):
    made, _other = scene.volume("web-01"), scene.volume("db-01")
    team = Group.objects.create(name="web team")
    alice.groups.add(team)
    give(team, name_pattern="web-*")
    assert is_granted(made, alice)
    assert not is_granted(made, bob)


def test_snapshots_of_matched_volumes_are_visible(alice):
    of_web = scene.foreign_snapshot(scene.volume("web-01"))
    scene.foreign_snapshot(scene.volume("db-01"))
    give(alice, name_pattern="web-*")
    assert list(snapshots_visible_to(alice)) == [of_web]


@pytest.mark.parametrize("rules", [FEW_RULES, FEW_RULES + 1], ids=["few", "many"])
def test_many_rules_give_what_few_do(alice, bob, rules):
    """The database is asked in another way."""
    web, ended = scene.volume("web-01"), scene.volume("old-01")
    snapshots = [scene.foreign_snapshot(volume) for volume in (web, ended, scene.volume("db-01"))]
    team = Group.objects.create(name="web team")
    alice.groups.add(team)
    give(team, name_pattern="web-*")
    for number in range(rules - 1):
        give(alice, name_pattern=f"web-{number:02}")
    past = give(alice, name_pattern="old-*")
    VolumeGrant.objects.filter(pk=past.pk).update(until=timezone.now() - timedelta(hours=1))
    give(bob, name_pattern="db-*")
    scene.volume("web-01", cloud="other")
    assert list(volumes_usable_by(alice)) == [web]
    assert list(snapshots_visible_to(alice)) == snapshots[:1]
    assert is_granted(web, alice)
    assert not is_granted(ended, alice)


def test_same_id_in_another_cloud_is_not_granted(alice):
    scene.volume("web-01", volume_id="v-1")
    other = scene.volume("web-01", volume_id="v-1", cloud="other")
    snapshot = scene.foreign_snapshot(other)
    give(alice, name_pattern="web-*")
    assert not is_granted(other, alice)
    assert snapshot not in snapshots_visible_to(alice)


# --- readings -----------------------------------------------------------------------------------


@pytest.fixture
def inventory(loop):
    loop._enlist()
    loop.run_until_idle()
    return loop


def read_again(loop):
    Duty.objects.filter(kind="inventory").update(due_at=timezone.now())
    loop.run_until_idle()


def test_reading_keeps_the_matches(inventory, sandbox, bob):
    give(bob, name_pattern="report*")
    reports = Volume.objects.filter(name="reports").first()
    assert is_granted(reports, bob)
    control(sandbox, "POST", f"volumes/{reports.volume_id}", json={"name": "archive"})
    read_again(inventory)
    assert Volume.objects.get(pk=reports.pk).name == "archive"
    assert not is_granted(reports, bob)
    control(sandbox, "POST", f"volumes/{reports.volume_id}", json={"name": "reports-2"})
    read_again(inventory)
    assert is_granted(reports, bob)


def test_servers_and_metadata_are_read(inventory, bob):
    in_use = Volume.objects.get(name="db-primary-data", status="in-use")
    give(bob, server_id=in_use.server_ids[0])
    assert in_use in volumes_usable_by(bob)
    duty = Duty.objects.get(kind="inventory")
    row = {"id": "v-1", "status": "available", "metadata": {"a": "1"}, "tags": {"team": "x"}}
    store_volume(duty, volume_from(row), asked_at=timezone.now())
    assert Volume.objects.get(volume_id="v-1").metadata == {"a": "1", "team": "x"}


def test_unchanged_volumes_are_not_matched_again(inventory, bob):
    give(bob, name_pattern="report*")
    GrantMatch.objects.all().delete()  # a match that comes back was matched again
    read_again(inventory)
    assert not GrantMatch.objects.exists()


@pytest.mark.parametrize("what", ["lost", "stale"])
def test_table_is_mended_when_a_worker_starts(inventory, bob, what):
    grant = give(bob, name_pattern="report*")
    _spoil(grant, what)
    read_again(inventory)
    assert not _is_mended(grant)  # no sooner than it is due
    inventory._enlist()
    read_again(inventory)
    assert _is_mended(grant)


@pytest.mark.parametrize("what", ["lost", "stale"])
def test_table_is_mended_each_day(inventory, bob, what, sandbox):
    grant = give(bob, name_pattern="report*")
    _spoil(grant, what)
    day_ago = timezone.now() - timedelta(hours=24, seconds=1)
    CloudHealth.objects.update(matched_at=day_ago)
    sandbox.stop()  # the cloud need not answer for that
    read_again(inventory)
    assert _is_mended(grant)
    assert CloudHealth.objects.get().matched_at > day_ago


def _spoil(grant, what):
    """As the version before does, which changes volumes and matches none."""
    if what == "lost":
        GrantMatch.objects.all().delete()
    else:
        other = Volume.objects.exclude(name__startswith="report").first()
        GrantMatch.objects.create(grant=grant, volume=other)


def _is_mended(grant):
    reports = Volume.objects.filter(name__startswith="report").values_list("pk", flat=True)
    matched = grant.matches.values_list("volume", flat=True)
    return sorted(matched) == sorted(reports) != []


# --- ends and sending ---------------------------------------------------------------------------


def test_grant_ends_at_its_moment(alice):
    end = datetime(2026, 12, 2, tzinfo=UTC)
    made = scene.volume(granted_to=alice)
    VolumeGrant.objects.update(until=end)
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        assert is_granted(made, alice)
    with time_machine.travel(end, tick=False):
        assert not is_granted(made, alice)


def _only_rule(operation, pattern="report*"):
    VolumeGrant.objects.filter(user=operation.requester).delete()
    return give(operation.requester, name_pattern=pattern)


def test_request_by_a_rule_is_sent(loop, ask):
    operation = ask("reports")
    _only_rule(operation)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.state == "accepted"


def test_stale_match_sends_nothing(loop, ask):
    """The table still says that the rule covers the volume; the rule itself does not."""
    operation = ask("reports")
    grant = _only_rule(operation)
    VolumeGrant.objects.filter(pk=grant.pk).update(name_pattern="web-*")
    assert GrantMatch.objects.filter(grant=grant).exists()
    loop.run_until_idle()
    operation.refresh_from_db()
    assert (operation.state, operation.outcome_code) == ("cancelled", "grant_lost")


def test_ended_grant_sends_nothing(loop, ask):
    operation = ask("reports")
    VolumeGrant.objects.update(until=timezone.now())
    loop.run_until_idle()
    operation.refresh_from_db()
    assert (operation.state, operation.outcome_code) == ("cancelled", "grant_lost")


@pytest.mark.parametrize("way", ["end", "rule"])
def test_passed_right_cancels_what_waits(ask, way):
    operation = ask("reports")
    grant = _only_rule(operation)
    assert withdraw_passed_requests() == []
    if way == "end":
        VolumeGrant.objects.filter(pk=grant.pk).update(until=timezone.now())
    else:
        volume = Volume.objects.get(volume_id=operation.volume_id)
        volume.name = "archive"
        volume.save()
    assert withdraw_passed_requests() == [operation]
    operation.refresh_from_db()
    assert (operation.state, operation.outcome_code) == ("cancelled", "grant_lost")


def test_tidying_cancels_what_waits(loop, ask):
    operation = ask("reports")
    Operation.objects.update(due_at=timezone.now() + timedelta(hours=1))
    VolumeGrant.objects.update(until=timezone.now())
    loop._enlist()
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.outcome_code == "grant_lost"


# --- many ---------------------------------------------------------------------------------------


def _readings_of_names(queries):
    """How often the names of volumes were read."""
    name = '"snapshots_volume"."name"'
    return sum(query["sql"].startswith("SELECT") and name in query["sql"] for query in queries)


def test_rules_given_together_read_the_volumes_once(alice, bob):
    made = [scene.volume(f"web-{number}") for number in range(5)]
    scene.volume("web-1", cloud="other")
    rules = [rule(name_pattern=f"web-{number}", user=alice) for number in range(5)]
    rules.append(rule(name_pattern="*", user=bob))
    with CaptureQueriesContext(connection) as queries:
        give_grants(rules)
    assert _readings_of_names(queries) == 1
    assert set(volumes_usable_by(alice)) == set(volumes_usable_by(bob)) == set(made)
    assert GrantMatch.objects.count() == 10


def test_rule_saved_after_others_is_matched_at_once(alice):
    made = scene.volume("web-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        give_grants([rule(name_pattern="web-*")])  # to nobody
    give(alice, name_pattern="web-*")
    assert made in volumes_usable_by(alice)


def test_look_at_a_volume_reads_no_others(inventory, bob):
    give(bob, name_pattern="report*")
    duty = Duty.objects.get(kind="inventory")
    row = {"id": "v-1", "status": "available", "name": "reports-9"}
    with CaptureQueriesContext(connection) as queries:
        store_volume(duty, volume_from(row), asked_at=timezone.now())
    name = '"snapshots_volume"."name"'
    of_names = [query["sql"] for query in queries if name in query["sql"].partition("FROM")[0]]
    assert of_names
    assert all('"volume_id"' in sql.partition("WHERE")[2] for sql in of_names)
    assert is_granted(Volume.objects.get(volume_id="v-1"), bob)


def test_ten_thousand_grants_cost_no_more_queries(alice, bob):
    made = [scene.volume(f"web-{number}") for number in range(3)]
    rows = [
        VolumeGrant(cloud="sandbox", volume_id=f"v-{number}", user=alice)
        for number in range(10_000)
    ]
    VolumeGrant.objects.bulk_create(rows, batch_size=500)
    give(alice, name_pattern="web-1")
    with CaptureQueriesContext(connection) as queries:
        usable = list(volumes_usable_by(alice))
    assert usable == [made[1]]
    assert len(queries) <= 3  # the roles, how many grants there are of which scope, the volumes
    assert list(volumes_usable_by(bob)) == []
