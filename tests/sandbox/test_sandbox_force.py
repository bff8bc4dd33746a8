"""Both readings of `force` when a snapshot is created (docs/evs-api.md, Statuses)."""

import pytest
from sandbox_client import Client

from snapshots.sandbox import ForceReading
from snapshots.sandbox.scenarios import Trouble, volume_named, volume_with

VOLUMES = {
    "available": volume_named("web-01-logs"),
    "in-use": volume_named("web-01-system"),
    "attaching": volume_with(Trouble.ATTACHING),
    "error": volume_with(Trouble.VOLUME_IN_ERROR),
}


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    ("reading", "status", "without", "forced"),
    [
        (ForceReading.CINDER, "available", 202, 202),
        (ForceReading.CINDER, "in-use", 400, 202),
        (ForceReading.CINDER, "attaching", 400, 400),
        (ForceReading.CINDER, "error", 400, 400),
        (ForceReading.EVS, "available", 202, 202),
        (ForceReading.EVS, "in-use", 202, 202),
        (ForceReading.EVS, "attaching", 400, 202),
        (ForceReading.EVS, "error", 400, 400),
    ],
)
def test_force(start, version, reading, status, without, forced):
    client = Client(start(force_reading=reading))
    volume = VOLUMES[status]
    assert client.create(volume, version).status == without
    assert client.create(volume, version, force=False).status == without
    assert client.create(volume, version, force=True).status == forced


def test_refusal_has_the_message_seen_at_evs(client):
    reply = client.create(VOLUMES["in-use"])
    volume = VOLUMES["in-use"].id
    assert reply.body == {
        "error": {
            "code": "EVS.5400",
            "message": f"Invalid volume: Volume {volume} status must be available,"
            " but current status is: in-use.",
        }
    }
