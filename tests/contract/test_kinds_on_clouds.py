"""Rollback and restore as the kinds carry them out: on the sandbox, and on a live cloud."""

import time
import uuid
from datetime import timedelta

import pytest
from contract_client import CLOUDS, cloud_with_a_volume
from django.utils import timezone

from snapshots.evs.dialects import RollbackCall
from snapshots.models import Operation, OperationState, OutcomeCode, Snapshot, Volume
from snapshots.operations.decisions import Absent
from snapshots.operations.kinds.base import Reading
from snapshots.operations.kinds.restore import RestoreKind
from snapshots.operations.kinds.rollback import RollbackKind

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(hours=1)


@pytest.fixture(scope="module", params=CLOUDS, ids="-".join)
def cloud(request):
    with cloud_with_a_volume(*request.param) as cloud:
        yield cloud


@pytest.fixture
def ident(cloud):
    return cloud.stage.snapshot("newest")


@pytest.fixture
def operation(cloud, ident):
    """Of either kind, about the newest snapshot; it is not stored."""
    volume_id = cloud.stage.names["vol"]
    row = Snapshot(cloud="live", snapshot_id=ident, volume_id=volume_id, status="available")
    volume = cloud.client().show_volume(volume_id)
    return Operation(
        id=uuid.uuid4(),
        cloud="live",
        volume_id=volume_id,
        volume_name=volume.name,
        target_snapshot=row,
        name="restored",
        size_gb=10,
        state="accepted",
        asked_at=timezone.now(),
        state_at=LONG_AGO,
        sent_at=timezone.now(),
    )


def end_of(kind, operation, cloud):
    """What a reading says when the cloud is done."""
    client, volume_id = cloud.client(), kind.watched_volume_id(operation)
    cloud.stage.target.wait("mine", "volumes", volume_id, "available")
    cloud.stage.target.wait("mine", "snapshots", operation.target.id, "available")
    reading = Reading(
        client.show_snapshot(operation.target.id), volume=client.show_volume(volume_id)
    )
    row = operation.target_snapshot
    return kind.after_reading(operation, row, reading, now=timezone.now()).move.to


def test_rollback_is_checked_sent_and_seen_to_end(cloud, operation):
    kind, client = RollbackKind(), cloud.client()
    checked = kind.check(client, operation)
    assert (checked.move, checked.start.status) == (None, "available")
    kind.send(client, operation)
    assert end_of(kind, operation, cloud) is OperationState.SUCCEEDED
    finding = kind.look(client, operation)
    assert finding == Absent(proves=False, values={"status": "available"})


def test_older_snapshot_is_refused_where_only_the_newest_goes(cloud, operation):
    time.sleep(1.1)  # a live Cinder counts whole seconds
    cloud.stage.snapshot("newer")
    decision = RollbackKind().check(cloud.client(), operation)
    if cloud.client().rollback_call is RollbackCall.ROLLBACK:
        assert decision.move is None
    else:
        assert decision.move.outcome.code is OutcomeCode.NOT_NEWEST


def test_volume_of_another_name_is_refused(cloud, operation):
    operation.volume_name = "not its name"
    decision = RollbackKind().check(cloud.client(), operation)
    assert decision.move.outcome.code is OutcomeCode.CHANGED_SINCE


def test_restore_is_found_by_its_mark(cloud, operation):
    kind, client = RestoreKind(), cloud.client()
    source = client.show_volume(operation.volume_id)
    Volume.objects.create(
        cloud="live",
        volume_id=source.id,
        status=source.status,
        volume_type=source.volume_type,
        availability_zone=source.availability_zone,
        seen_at=timezone.now(),
    )
    assert kind.look(client, operation) == Absent()
    answer = kind.send(client, operation)
    cloud.stage.remember_volume(answer.id)
    assert kind.after_answer(operation, answer, now=timezone.now()).made_volume_id == answer.id
    assert kind.look(client, operation).made_volume_id == answer.id
    operation.made_volume_id = answer.id
    assert end_of(kind, operation, cloud) is OperationState.SUCCEEDED
