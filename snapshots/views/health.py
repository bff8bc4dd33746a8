"""Whether the portal lives and may get visitors, for load balancers and monitoring."""

from dataclasses import dataclass

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse

from snapshots.database.state import missing_migrations, takes_changes
from snapshots.selectors.portal import PortalState, portal_state
from snapshots.views.access import public

_KEY = "readiness"
_CACHED_SECONDS = 1
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METRICS = """\
# HELP evsportal_ready Whether this web node may get visitors.
# TYPE evsportal_ready gauge
evsportal_ready {ready:d}
# HELP evsportal_worker_alive Whether any worker was seen within the last 20 seconds.
# TYPE evsportal_worker_alive gauge
evsportal_worker_alive {worker_alive:d}
# HELP evsportal_worker_seen_timestamp_seconds When a worker was seen last; 0 for never.
# TYPE evsportal_worker_seen_timestamp_seconds gauge
evsportal_worker_seen_timestamp_seconds {worker_seen_at:.3f}
"""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a web node needs, and whether a worker is there, which it does not need."""

    checks: dict[str, str]
    worker_alive: bool = False
    worker_seen_at: float = 0.0  # seconds since 1970

    @property
    def ready(self) -> bool:
        return all(finding == "ok" for finding in self.checks.values())


@public
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"alive": True})


@public
def readyz(_request: HttpRequest) -> HttpResponse:
    """503 and what is missing, unless the database takes changes and has all migrations.

    A missing worker is told and stops no visitor: requests are kept and sent when it is back.
    """
    state = _readiness()
    worker = "ok" if state.worker_alive else "not seen for a while"
    body = {"ready": state.ready, "checks": state.checks, "worker": worker}
    return JsonResponse(body, status=200 if state.ready else 503)


@public
def metrics(_request: HttpRequest) -> HttpResponse:
    """The same for Prometheus."""
    state = _readiness()
    text = _METRICS.format(
        ready=state.ready, worker_alive=state.worker_alive, worker_seen_at=state.worker_seen_at
    )
    return HttpResponse(text, content_type=_METRICS_TYPE)


def _readiness() -> Readiness:
    """Looked for at most once a second in each process, however often it is asked."""
    state: Readiness | None = cache.get(_KEY)
    if state is None:
        state = _look()
        cache.set(_KEY, state, _CACHED_SECONDS)
    return state


def _look() -> Readiness:
    try:
        if missing := missing_migrations():
            names = ", ".join(missing)
            return Readiness({"database": "ok", "migrations": f"missing: {names}"})
        if not takes_changes():
            return Readiness({"database": "takes no changes", "migrations": "ok"})
        portal = portal_state()
    except DatabaseError:
        return Readiness({"database": "does not answer"})
    return _with_worker(portal)


def _with_worker(portal: PortalState) -> Readiness:
    seen_at = portal.worker_seen_at.timestamp() if portal.worker_seen_at else 0.0
    checks = {"database": "ok", "migrations": "ok"}
    return Readiness(checks, worker_alive=portal.worker_alive, worker_seen_at=seen_at)
