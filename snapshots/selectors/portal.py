"""Whether the portal itself works: its worker, and the clouds as it reaches them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.models import CloudHealth, Worker
from snapshots.selectors.silence import Silence, silences

TROUBLE_SHOWN_AFTER = timedelta(seconds=30)
WORKER_SILENT_AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class PortalState:
    """What the banners of every page say. A few cheap reads."""

    sandbox: bool
    worker_alive: bool
    worker_seen_at: datetime | None
    troubled: list[CloudHealth]
    silent: Sequence[Silence] = field(default=())  # calls hang; none has failed yet


def portal_state(*, now: datetime | None = None) -> PortalState:
    """Whether the worker lives and which clouds do not answer."""
    moment = now or timezone.now()
    worker = Worker.objects.order_by("-seen_at").first()
    seen_at = worker.seen_at if worker else None
    healths = list(CloudHealth.objects.order_by("cloud"))
    troubled = [health for health in healths if _is_lasting(health, moment)]
    quiet = [health for health in healths if health not in troubled]
    return PortalState(
        sandbox=settings.EVSPORTAL_MODE == "sandbox",
        worker_alive=seen_at is not None and moment - seen_at < WORKER_SILENT_AFTER,
        worker_seen_at=seen_at,
        troubled=troubled,
        silent=silences(quiet, now=moment, after=TROUBLE_SHOWN_AFTER),
    )


def _is_lasting(health: CloudHealth, now: datetime) -> bool:
    """A single failed reading is no reason for a banner."""
    since = health.failing_since
    return health.retry_at is not None or (since is not None and since < now - TROUBLE_SHOWN_AFTER)
