"""Asking for the same of several snapshots at once: one operation for each, all or none."""

import uuid
from collections.abc import Sequence

from django.contrib.auth.models import User

from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.models import Operation, OperationKind, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation, record_refusal
from snapshots.operations.refusals import NotAllowedError


def batch_id(key: uuid.UUID, requester: User) -> uuid.UUID:
    """The batch that a form asks for. Nobody's batch is another person's, whatever the key."""
    return uuid.uuid5(key, str(requester.pk))


def ask_for_batch(*, requester: User, requests: Sequence[OperationArguments]) -> list[Operation]:
    """Record an operation for each request, in one transaction. Each has a key made of its batch
    and its snapshot, so a second submit of the form finds the operations of the first.

    Raises `NotAllowedError` when one of them is refused: that is recorded, and nothing was asked.
    """
    current = requests[0]
    deleted_of = {row.volume.pk for row in requests if row.kind is OperationKind.DELETE}

    def ask_for_all() -> list[Operation]:
        nonlocal current
        lock_rows(User.objects.filter(pk=requester.pk))  # as each request does, before volumes
        # Each deletion locks its volume: here first, all in the same order.
        lock_rows(Volume.objects.filter(pk__in=deleted_of))
        operations = []
        for current in requests:
            operation, _is_new = ask_for_operation(
                requester=requester, key=_key_of(current), arguments=current
            )
            operations.append(operation)
        return operations

    try:
        return in_transaction(ask_for_all, may_be_stored=True)
    except NotAllowedError as error:  # its record was rolled back with everything else
        record_refusal(requester, current, error.refusal)
        raise


def _key_of(request: OperationArguments) -> uuid.UUID:
    batch, snapshot = request.batch, request.target_snapshot
    if batch is None or snapshot is None:
        raise ValueError("A batch changes snapshots.")
    return uuid.uuid5(batch, text_of(snapshot))


def text_of(snapshot: Snapshot) -> str:
    """How a form names a snapshot."""
    return f"{snapshot.cloud}/{snapshot.snapshot_id}"
