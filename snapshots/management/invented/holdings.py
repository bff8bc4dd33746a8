"""Snapshots and volumes of a cloud's project, as readings would have left them in the tables."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone

from snapshots.clouds import SANDBOX
from snapshots.management.invented import texts
from snapshots.management.invented.world import DAYS, World, hyphened
from snapshots.models import (
    CloudHealth,
    Maker,
    Operation,
    OperationKind,
    OperationState,
    Snapshot,
    Volume,
)

_OF_A_VOLUME = 10  # snapshots, on average
_MADE_HERE = 3  # of so many snapshots at most one was made by an operation
_AT_ONCE = 2000


def fill(world: World, count: int) -> None:
    """So many snapshots, and a tenth of that in volumes that are there."""
    now = timezone.now()
    volumes = [_volume(world, number, now) for number in range(max(1, count // _OF_A_VOLUME))]
    with transaction.atomic():
        Volume.objects.bulk_create(volumes, batch_size=_AT_ONCE)
        CloudHealth.objects.update_or_create(
            cloud=SANDBOX, defaults={"snapshots_at": now, "inventory_at": now, "answered_at": now}
        )
    made_here = list(_made_here(world, now, count // _MADE_HERE))
    others = (_by_others(world, volumes, now) for _ in range(count - len(made_here)))
    rows = iter([*made_here, *others])
    while some := list(islice(rows, _AT_ONCE)):
        with transaction.atomic():
            Snapshot.objects.bulk_create(some)


def _volume(world: World, number: int, now: datetime) -> Volume:
    system = world.chance.rng.choice(texts.SYSTEMS)
    return Volume(
        cloud=SANDBOX,
        volume_id=hyphened(world.chance.uuid()),
        name=f"{system}-disk-{number:05d}",
        status="available",
        size_gb=world.chance.rng.choice((10, 40, 100, 500)),
        seen_at=now,
        snapshots_at=now,
    )


def _made_here(world: World, now: datetime, most: int) -> Iterator[Snapshot]:
    """By the operations of the trail that succeeded, the newest first."""
    succeeded = Operation.objects.filter(
        kind=OperationKind.CREATE, state=OperationState.SUCCEEDED, snapshot=None
    )
    for operation in succeeded.order_by("-asked_at")[:most]:
        row = _row(world, now, operation.volume_id, operation.volume_name, operation.asked_at)
        row.operation, row.maker = operation, Maker.PORTAL
        row.name, row.ticket = operation.name or "", operation.ticket
        row.owner_name = operation.on_behalf_of or operation.requester_name
        yield row


def _by_others(world: World, volumes: list[Volume], now: datetime) -> Snapshot:
    volume = world.chance.rng.choice(volumes)
    made_at = (world.begins + timedelta(days=DAYS * world.chance.rng.random())).replace(tzinfo=UTC)
    row = _row(world, now, volume.volume_id, volume.name, made_at)
    row.maker = Maker.SYSTEM if world.chance.happens(0.3) else Maker.OTHER
    row.name = f"{world.chance.rng.choice(world.chance.vocabulary)}-{made_at:%Y%m%d}"
    return row


def _row(
    world: World, now: datetime, volume_id: str, volume_name: str, made_at: datetime
) -> Snapshot:
    return Snapshot(
        cloud=SANDBOX,
        snapshot_id=hyphened(world.chance.uuid()),
        volume_id=volume_id,
        volume_name=volume_name,
        status="error" if world.chance.happens(0.02) else "available",
        size_gb=40,
        created_at=made_at,
        listed_at=made_at,
        seen_at=now,
        gone_at=now if world.chance.happens(0.05) else None,
    )
