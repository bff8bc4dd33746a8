"""Clients whose recorder knows for whom and why requests leave."""

from collections.abc import Callable

from snapshots import clouds
from snapshots.audit.record.recorder import AuditRecorder, Context
from snapshots.evs.client import EvsClient
from snapshots.models import Operation, Purpose


def client_for_operation(
    operation: Operation, purpose: Purpose, *, before_sending: Callable[[], None] | None = None
) -> EvsClient:
    """A client whose requests leave on behalf of the operation's requester.

    `before_sending` runs in the transaction that records a request to change something.
    """
    context = Context(
        cloud=operation.cloud,
        sandbox=clouds.is_sandbox(),
        purpose=purpose,
        operation=operation,
        actor=operation.requester,
    )
    return _client(context, before_sending)


def client_for_portal(cloud: str, purpose: Purpose) -> EvsClient:
    """A client for the portal's own readings."""
    return _client(Context(cloud=cloud, sandbox=clouds.is_sandbox(), purpose=purpose), None)


def _client(context: Context, before_sending: Callable[[], None] | None) -> EvsClient:
    recorder = AuditRecorder(
        context, secrets=clouds.secrets_of(context.cloud), before_sending=before_sending
    )
    cause = context.operation.cause if context.operation else None
    return clouds.client(context.cloud, recorder, cause=cause)
