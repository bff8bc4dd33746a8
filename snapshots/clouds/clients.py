"""How services speak to a cloud: a client whose recorder knows for whom and why."""

from collections.abc import Callable

from snapshots import clouds
from snapshots.audit.recorder import AuditRecorder, Context
from snapshots.evs.client import EvsClient
from snapshots.models import Operation, Purpose


def client_for_operation(
    operation: Operation, purpose: Purpose, *, before_create: Callable[[], None] | None = None
) -> EvsClient:
    """A client that speaks on behalf of the operation's requester."""
    context = Context(
        cloud=operation.cloud,
        sandbox=clouds.is_sandbox(),
        purpose=purpose,
        operation=operation,
        actor=operation.requester,
    )
    return _client(context, before_create)


def client_for_portal(cloud: str, purpose: Purpose) -> EvsClient:
    """A client for the portal's own readings."""
    return _client(Context(cloud=cloud, sandbox=clouds.is_sandbox(), purpose=purpose), None)


def _client(context: Context, before_create: Callable[[], None] | None) -> EvsClient:
    recorder = AuditRecorder(
        context, secrets=clouds.secrets_of(context.cloud), before_create=before_create
    )
    return clouds.client(context.cloud, recorder)
