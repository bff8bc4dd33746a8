"""Whether the portal itself works: its worker, and the clouds as it reaches them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from snapshots.models import CloudHealth, Worker

TROUBLE_SHOWN_AFTER = timedelta(seconds=30)
WORKER_SILENT_AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class PortalState:
    """What the banners of every page say. Three cheap reads."""

    sandbox: bool
    worker_alive: bool
    worker_seen_at: datetime | None
    troubled: list[CloudHealth]


def portal_state(*, now: datetime | None = None) -> PortalState:
    """Whether the worker lives and which clouds do not answer."""
    moment = now or timezone.now()
    # A single failed reading is no reason for a banner.
    lasting = Q(retry_at__isnull=False) | Q(failing_since__lt=moment - TROUBLE_SHOWN_AFTER)
    worker = Worker.objects.order_by("-seen_at").first()
    seen_at = worker.seen_at if worker else None
    return PortalState(
        sandbox=settings.EVSPORTAL_MODE == "sandbox",
        worker_alive=seen_at is not None and moment - seen_at < WORKER_SILENT_AFTER,
        worker_seen_at=seen_at,
        troubled=list(CloudHealth.objects.filter(lasting).order_by("cloud")),
    )
