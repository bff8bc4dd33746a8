"""Tries a cloud's connection."""

from snapshots.models import Purpose
from snapshots.services.speaking import client_for_portal


def ping(cloud: str) -> str:
    """Sign in and read a little; what was reached, in words. Raises `EvsError`. Recorded."""
    return client_for_portal(cloud, Purpose.PING).ping()
