"""Snapshots and volumes of a cloud's project, as readings would have left them in the tables."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

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
    OutcomeCode,
    Snapshot,
    Volume,
)

_OF_A_VOLUME = 10  # snapshots, on average
_MADE_HERE = 3  # of so many snapshots at most one was made by an operation
_AT_ONCE = 2000
# What requests of each kind ask for, beside deletions.
_OTHER_CHANGES: dict[OperationKind, dict[str, Any]] = {
    OperationKind.RENAME: {"name": "after-the-upgrade", "description": "kept for the auditors"},
    OperationKind.METADATA: {"metadata": {"team": "payroll"}, "removed_keys": ["old"]},
    OperationKind.ROLLBACK: {},
    OperationKind.RESTORE: {"name": "restored", "size_gb": 40},
}


def fill(world: World, count: int, advance: Callable[[int], None]) -> Counter[str]:
    """So many snapshots, and a tenth of that in volumes that are there. Returns how many rows of
    each table it made.
    """
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
    total = Counter(snapshot=count, volume=len(volumes))
    while some := list(islice(rows, _AT_ONCE)):
        with transaction.atomic():
            Snapshot.objects.bulk_create(some)
            total["operation"] += len(Operation.objects.bulk_create(_changes(world, some)))
        advance(len(some))
    return total


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


def _changes(world: World, rows: list[Snapshot]) -> Iterator[Operation]:
    """What is gone was deleted here, by the helpdesk, half of it several at once; now and then a
    snapshot was changed, or a volume rolled back or made from it.
    """
    batch = uuid.UUID(world.chance.uuid())
    for row in rows:
        if row.gone_at is not None and row.operation is not None:
            is_young = world.chance.happens(0.5)
            lived = timedelta(hours=12 if is_young else 240)
            yield _change(
                world,
                row,
                OperationKind.DELETE,
                row.listed_at + lived,
                deletes_young=is_young,
                deletes_others=world.chance.happens(0.5),
                batch=batch if world.chance.happens(0.5) else None,
            )
        elif world.chance.happens(0.03):
            yield _change(
                world,
                row,
                world.chance.rng.choice(list(_OTHER_CHANGES)),
                row.listed_at + timedelta(days=1),
            )


def _change(
    world: World, row: Snapshot, kind: OperationKind, asked_at: datetime, **columns: Any
) -> Operation:
    person = world.chance.rng.choice(world.desk)
    return Operation(
        id=uuid.UUID(world.chance.uuid()),
        key=uuid.UUID(world.chance.uuid()),
        kind=kind,
        cloud=row.cloud,
        volume_id=row.volume_id,
        volume_name=row.volume_name,
        target_snapshot=row,
        target_name=row.name,
        requester_id=person.pk,
        requester_name=person.name,
        state=OperationState.SUCCEEDED,
        outcome_code=OutcomeCode.READY,
        asked_at=asked_at,
        state_at=asked_at,
        sent_at=asked_at,
        finished_at=asked_at + timedelta(seconds=9),
        **_OTHER_CHANGES.get(kind, {}),
        **columns,
    )


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
