"""The quotas of the clouds, and how old the lists of their volumes are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.models import CloudHealth, Quota

_LEAST_STALE_AFTER = timedelta(minutes=10)


def quotas_of(clouds: Sequence[str]) -> list[Quota]:
    """The snapshot and gigabyte quotas of these clouds, as last read."""
    return list(
        Quota.objects.filter(cloud__in=clouds, resource__in=["snapshots", "gigabytes"]).order_by(
            "cloud", "-resource"
        )
    )


def inventory_state(*, now: datetime | None = None) -> list[CloudHealth]:
    """The clouds whose volumes were not read for a while: no list is old before its next reading
    was missed.
    """
    moment = now or timezone.now()
    two_readings = timedelta(seconds=2 * settings.EVSPORTAL_INVENTORY_SECONDS)
    stale_after = max(_LEAST_STALE_AFTER, two_readings)
    return [
        health
        for health in CloudHealth.objects.order_by("cloud")
        if health.is_stale(now=moment, after=stale_after)
    ]
