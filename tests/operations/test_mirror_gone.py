"""What is gone says when it was last there, however that was found out."""

import uuid
from datetime import timedelta

from django.utils import timezone

from snapshots.models import CloudHealth, OperationKind, Snapshot, Volume, VolumeGrant
from snapshots.operations.asking import OperationArguments, ask_for_operation
from tests.operations.test_mirror import CLOUD, many_by_hand, remove


def test_deleted_snapshot_was_there_until_the_last_whole_reading(
    read, by_hand, sandbox, loop, alice
):
    made = by_hand("reports")
    read()
    read()
    Snapshot.objects.update(seen_at=timezone.now() - timedelta(days=20))
    confirmed_at = CloudHealth.objects.get().snapshots_at
    operation = asked_to_delete(made, alice)
    remove(sandbox, made)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.outcome_code == "already_gone"
    row = Snapshot.objects.get()
    assert (row.seen_at, row.gone_at is None) == (confirmed_at, False)


def test_held_back_snapshot_was_there_until_the_last_whole_reading(read, by_hand, sandbox):
    made = many_by_hand(by_hand)
    read()
    Snapshot.objects.update(seen_at=timezone.now() - timedelta(days=20))
    confirmed_at = CloudHealth.objects.get().snapshots_at
    remove(sandbox, *made)
    read()
    assert CloudHealth.objects.get().snapshots_held_back
    assert {row.seen_at for row in Snapshot.objects.filter(gone_at__isnull=False)} == {confirmed_at}


def asked_to_delete(snapshot_id, person):
    row = Snapshot.objects.get(snapshot_id=snapshot_id)
    now = timezone.now()
    defaults = {"name": "reports", "status": "available", "size_gb": 1, "seen_at": now}
    volume, _ = Volume.objects.get_or_create(
        cloud=CLOUD, volume_id=row.volume_id, defaults=defaults
    )
    VolumeGrant.objects.create(cloud=CLOUD, scope="cloud", user=person)
    arguments = OperationArguments(kind=OperationKind.DELETE, volume=volume, target_snapshot=row)
    return ask_for_operation(requester=person, key=uuid.uuid4(), arguments=arguments)[0]
