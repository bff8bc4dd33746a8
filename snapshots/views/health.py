"""Whether the portal lives and may get visitors, for load balancers and monitoring."""

from dataclasses import dataclass

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse

from snapshots.database.state import missing_migrations, takes_changes
from snapshots.monitoring.exposition import CONTENT_TYPE, exposition
from snapshots.selectors.portal import portal_state
from snapshots.views.access import for_monitoring, public

_KEY = "readiness"
_CACHED_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a web node needs, and whether a worker is there, which it does not need."""

    checks: dict[str, str]
    worker_alive: bool = False

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


@for_monitoring
def metrics(_request: HttpRequest) -> HttpResponse:
    """All figures of `snapshots/monitoring`, for Prometheus."""
    return HttpResponse(exposition(is_ready=_readiness().ready), content_type=CONTENT_TYPE)


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
    checks = {"database": "ok", "migrations": "ok"}
    return Readiness(checks, worker_alive=portal.worker_alive)
