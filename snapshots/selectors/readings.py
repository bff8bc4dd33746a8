"""How far the worker is with reading the clouds' volumes for the first time."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from snapshots.models import CloudHealth, Duty

_INVENTORY = "inventory"  # the duty's kind, as in jobs/duties.py
# The row of a cloud that is no longer in the settings stays, and is never due again.
_ABANDONED_AFTER = timedelta(minutes=10)
_SOON_SECONDS = 1
_LATER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class FirstReading:
    """The clouds whose volumes were never read, and those of them that do not answer."""

    clouds: list[str]
    troubled: list[CloudHealth]
    is_planned: bool  # by a worker; without one nothing is read

    @property
    def is_over(self) -> bool:
        return self.is_planned and not self.clouds

    @property
    def poll_seconds(self) -> int:
        """Usually it takes a moment; a cloud that does not answer is not worth asking often."""
        return _LATER_SECONDS if self.troubled else _SOON_SECONDS


def first_reading_state() -> FirstReading:
    """Of all clouds that a worker reads. Two cheap reads."""
    planned = Duty.objects.filter(
        kind=_INVENTORY, due_at__gt=timezone.now() - _ABANDONED_AFTER
    ).values_list("cloud", flat=True)
    by_cloud = {health.cloud: health for health in CloudHealth.objects.all()}
    read = {cloud for cloud, health in by_cloud.items() if health.inventory_at is not None}
    clouds = sorted(set(planned) - read)
    troubled = [
        by_cloud[cloud] for cloud in clouds if cloud in by_cloud and by_cloud[cloud].trouble_code
    ]
    return FirstReading(clouds, troubled, is_planned=bool(planned) or bool(read))
