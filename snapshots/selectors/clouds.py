"""The quotas of the clouds, and how old the lists of their volumes are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from snapshots.models import CloudHealth, Quota

INVENTORY_STALE_AFTER = timedelta(minutes=10)


def quotas_of(clouds: Sequence[str]) -> list[Quota]:
    """The snapshot and gigabyte quotas of these clouds, as last read."""
    return list(
        Quota.objects.filter(cloud__in=clouds, resource__in=["snapshots", "gigabytes"]).order_by(
            "cloud", "-resource"
        )
    )


def inventory_state(*, now: datetime | None = None) -> list[CloudHealth]:
    """The clouds whose volumes were not read for a while."""
    moment = now or timezone.now()
    return [
        health
        for health in CloudHealth.objects.order_by("cloud")
        if health.is_stale(now=moment, after=INVENTORY_STALE_AFTER)
    ]
