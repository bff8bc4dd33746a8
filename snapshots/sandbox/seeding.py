"""Fills a new cloud with what `scenarios` lists."""

import uuid
from datetime import UTC, datetime
from typing import Any

from snapshots.sandbox.records import Server, Snapshot, Volume
from snapshots.sandbox.scenarios import (
    PROJECTS,
    SERVERS,
    SNAPSHOTS,
    USERS,
    VOLUMES,
    SeedSnapshot,
    SeedVolume,
    server_id,
)
from snapshots.sandbox.state import State

_CREATED_AT = int(datetime(2026, 1, 15, 8, 0, tzinfo=UTC).timestamp())
_FIRST_SNAPSHOT_AT = _CREATED_AT + 7 * 24 * 3600


def seed(state: State, *, with_snapshots: bool) -> None:
    """Puts all seeded volumes and quotas into a new state, and the snapshots if asked."""
    for number, volume in enumerate(VOLUMES):
        state.add_volume(_volume(volume, _CREATED_AT + 3600 * number))
    for number, snapshot in enumerate(SNAPSHOTS if with_snapshots else ()):
        state.add_snapshot(_snapshot(snapshot, _FIRST_SNAPSHOT_AT + 3600 * number))
    for project in PROJECTS:
        for resource, quota in project.quotas:
            state.set_quota(project.id, resource, quota)


def seed_servers(state: State) -> None:
    """Puts the seeded servers into a state that has none: a new one, or an older release's."""
    for seed in SERVERS:
        server = Server(
            id=seed.id,
            project_id=seed.project_id,
            user_id=USERS[0].id,
            name=seed.name,
            availability_zone=seed.az,
            created_at=_CREATED_AT,
        )
        state.add_server(server)


def _volume(seed: SeedVolume, created_at: int) -> Volume:
    return Volume(
        id=seed.id,
        project_id=seed.project_id,
        user_id=USERS[0].id,
        name=seed.name,
        size=seed.size_gb,
        created_at=created_at,
        updated_at=created_at + 5,
        status=seed.status,
        volume_type=seed.type,
        availability_zone=seed.az,
        trouble=seed.trouble,
        bootable=seed.bootable,
        encrypted=seed.encrypted,
        multiattach=seed.multiattach,
        attachments=[attachment(seed.id, seed.server, seed.device, created_at)]
        if seed.device
        else [],
        metadata=_metadata(seed),
    )


def _snapshot(seed: SeedSnapshot, created_at: int) -> Snapshot:
    volume = next(volume for volume in VOLUMES if volume.id == seed.volume_id)
    return Snapshot(
        id=seed.id,
        project_id=volume.project_id,
        user_id=USERS[0].id,
        volume_id=volume.id,
        name=seed.name,
        description=seed.description,
        status="available",
        size=volume.size_gb,
        metadata=dict(seed.metadata),
        created_at=created_at,
        updated_at=created_at + 5,
        progress="100%",
    )


def attachment(volume_id: str, server: str, device: str, at: int) -> dict[str, Any]:
    """One entry of a volume's `attachments`; server and attachment ids follow from volume and
    server.
    """
    return {
        "id": volume_id,
        "attachment_id": str(uuid.uuid5(uuid.UUID(volume_id), server)),
        "volume_id": volume_id,
        "server_id": server_id(server),
        "host_name": None,
        "device": device,
        "attached_at": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000"),
    }


def _metadata(seed: SeedVolume) -> dict[str, str]:
    if not seed.encrypted:
        return {}
    # EVS says so in the metadata, not in "encrypted" (A-2069).
    return {
        "__system__encrypted": "1",
        "__system__cmkid": str(uuid.uuid5(uuid.UUID(seed.id), "key")),
    }
