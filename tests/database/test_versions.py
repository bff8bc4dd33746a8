"""Numbers of changes: what counts, what does not, and that no commit can slip past a reader."""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from snapshots.jobs.claims import claim
from snapshots.models import CloudHealth, Operation, Snapshot, Volume
from snapshots.models import version_triggers as triggers
from snapshots.models.versions import (
    CLOUDS,
    GRANTS,
    OPERATIONS,
    RIGHTS,
    SNAPSHOTS,
    numbers_of,
    topic_of_person,
    topic_of_volume,
)
from tests import factories as scene

pytestmark = pytest.mark.django_db(transaction=True)


def counted(topic, change):
    """By how much the change moved the topic's number."""
    before = numbers_of([topic]).get(topic, 0)
    change()
    return numbers_of([topic]).get(topic, 0) - before


@pytest.fixture
def volume(alice):
    return scene.volume(granted_to=alice)


@pytest.fixture
def operation(alice, volume):
    return scene.operation(alice, volume, state="accepted")


def test_every_trigger_is_there():
    assert triggers.missing() == []


def test_new_and_changed_requests_count(alice, bob, volume):
    topics = [OPERATIONS, topic_of_person(alice.pk), topic_of_volume("sandbox", volume.volume_id)]
    for topic in topics:
        assert counted(topic, lambda: scene.operation(alice, volume, state="succeeded")) > 0
        assert counted(topic, lambda: Operation.objects.update(state_at=timezone.now())) > 0
    assert counted(topic_of_person(bob.pk), lambda: scene.operation(alice, volume)) == 0


def test_what_was_asked_again_counts_for_the_first_requester(alice, helen, volume):
    first = scene.operation(alice, volume, state="failed")
    topic = topic_of_person(alice.pk)
    again = scene.operation(helen, volume, again_for=first, state="accepted")
    assert counted(topic, lambda: Operation.objects.filter(pk=again.pk).update(state="failed")) > 0
    assert counted(topic, lambda: scene.snapshot(again)) > 0


def test_claims_and_heartbeats_do_not_count(operation):
    Operation.objects.filter(pk=operation.pk).update(state="queued", due_at=timezone.now())

    def work():
        claim(Operation.objects.all(), owner="w", lease=timezone.timedelta(seconds=60))

    assert counted(OPERATIONS, work) == 0
    assert Operation.objects.get().owner == "w"


def test_snapshots_count_for_who_asked_for_them(alice, operation):
    made = scene.snapshot(operation)
    for topic in (SNAPSHOTS, topic_of_person(alice.pk)):
        change = Snapshot.objects.filter(pk=made.pk)
        assert counted(topic, lambda of=change: of.update(progress=f"{of[0].pk}%")) >= 0
        assert counted(topic, lambda of=change: of.update(gone_at=timezone.now())) > 0


def test_same_values_written_again_do_not_count(operation):
    made = scene.snapshot(operation)
    same = Snapshot.objects.filter(pk=made.pk)
    assert counted(SNAPSHOTS, lambda: same.update(status=made.status)) == 0


def test_reading_all_volumes_counts_where_one_changed(volume):
    topic = topic_of_volume("sandbox", volume.volume_id)
    row = Volume.objects.filter(pk=volume.pk)
    assert counted(topic, lambda: row.update(seen_at=timezone.now())) == 0
    assert counted(topic, lambda: row.update(status="error")) > 0


def test_trouble_of_a_cloud_counts():
    scene.healthy_portal()
    rows = CloudHealth.objects.all()
    assert counted(CLOUDS, lambda: rows.update(answered_at=timezone.now())) == 0
    assert counted(CLOUDS, lambda: rows.update(failing_since=timezone.now())) > 0


def test_grants_and_roles_count(alice, volume):
    assert counted(GRANTS, lambda: scene.volume("other", granted_to=alice)) > 0
    assert counted(RIGHTS, lambda: alice.groups.add(Group.objects.get(name="auditor"))) > 0
    assert counted(RIGHTS, lambda: type(alice).objects.update(is_active=False)) > 0
    assert counted(RIGHTS, lambda: type(alice).objects.update(last_login=timezone.now())) == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_late_commits_are_both_seen(alice, volume):
    """The first transaction writes first and commits last; both numbers are seen to change."""
    from django.db import transaction

    written, others_done = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            scene.operation(alice, volume, name="first")
            written.set()
            assert others_done.wait(10)
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert written.wait(10)
    before = numbers_of([OPERATIONS])
    scene.operation(alice, volume, name="second")  # waits for nobody
    between = numbers_of([OPERATIONS])
    names = set(Operation.objects.values_list("name", flat=True))
    others_done.set()
    thread.join()
    assert (before != between, names) == (True, {"second"})
    assert numbers_of([OPERATIONS]) != between
