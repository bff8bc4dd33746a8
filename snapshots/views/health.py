"""Whether the portal lives and may get visitors, for whoever watches it."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from snapshots.models import Worker
from snapshots.selectors import portal_state
from snapshots.views.access import public


@public
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"alive": True})


@public
def readyz(_request: HttpRequest) -> HttpResponse:
    """Database writable, migrations applied, worker seen lately; else 503 and which is not."""
    checks = _checks()
    ready = all(word == "ok" for word in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def _checks() -> dict[str, str]:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return {"database": "ok", "migrations": "missing: run manage.py migrate"}
        alive = portal_state().worker_alive
    except DatabaseError:
        return {"database": "does not answer"}
    if not _takes_changes():
        return {"database": "takes no changes", "migrations": "ok"}
    worker = "ok" if alive else "not seen for a while"
    return {"database": "ok", "migrations": "ok", "worker": worker}


def _takes_changes() -> bool:
    """Tried with a change that meets no row: a read-only database reads well."""
    try:
        Worker.objects.filter(name="").update(name="")
    except DatabaseError:
        return False
    return True
