"""What a person may do to an operation: ask, cancel, ask again. Nothing here calls the cloud."""

import uuid
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from snapshots import selectors
from snapshots.models import (
    Operation,
    OperationState,
    Volume,
    may_request,
    may_request_for_others,
)


class NotAllowedError(Exception):
    """The person may not do this; nothing was done."""


class KeyTakenError(Exception):
    """The form's key belongs to somebody else's operation; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """What is asked for: already validated by the form, exactly as the cloud will get it."""

    volume: Volume
    name: str | None = None
    description: str | None = None
    force: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    on_behalf_of: str = ""
    ticket: str = ""
    reason: str = ""


def request_snapshot(
    *,
    requester: User,
    key: uuid.UUID,
    wanted: SnapshotRequest,
    again_for: Operation | None = None,
) -> tuple[Operation, bool]:
    """Record one operation; a second submit of the same form finds the first. Returns it, and
    whether it is new.

    Raises `NotAllowedError` for a volume the person may not use, `KeyTakenError` for a key that
    somebody else has used.
    """
    first = Operation.objects.filter(key=key).first()
    if first is not None:
        return _own(first, requester), False
    if not selectors.volumes_usable_by(requester).filter(pk=wanted.volume.pk).exists():
        raise NotAllowedError(f"{requester} may not use volume {wanted.volume.volume_id}.")
    try:
        with transaction.atomic():
            return _record(requester, key, wanted, again_for), True
    except IntegrityError:  # the same form or button, at the same moment, in another process
        return _the_other(requester, key, again_for), False


def _record(
    requester: User, key: uuid.UUID, wanted: SnapshotRequest, again_for: Operation | None
) -> Operation:
    now = timezone.now()
    return Operation.objects.create(
        key=key,
        cloud=wanted.volume.cloud,
        volume_id=wanted.volume.volume_id,
        volume_name=wanted.volume.name,
        name=wanted.name,
        description=wanted.description,
        force=wanted.force,
        metadata=wanted.metadata,
        requester=requester,
        requester_name=requester.get_username(),
        on_behalf_of=wanted.on_behalf_of,
        ticket=wanted.ticket,
        reason=wanted.reason,
        again_for=again_for,
        asked_at=now,
        state_at=now,
        due_at=now,
    )


def _the_other(requester: User, key: uuid.UUID, again_for: Operation | None) -> Operation:
    """What was recorded a moment before us."""
    twin = Operation.objects.filter(key=key).first()
    if twin is None and again_for is not None:
        return Operation.objects.get(again_for=again_for)
    return _own(twin or Operation.objects.get(key=key), requester)


def _own(operation: Operation, requester: User) -> Operation:
    if operation.requester_id != requester.pk:
        raise KeyTakenError
    return operation


def cancel_operation(*, operation: Operation, person: User) -> bool:
    """Cancel an operation that was not sent yet; False when it is too late.

    Raises `NotAllowedError` for somebody else's operation, unless the helpdesk does it.
    """
    _check_hand(operation, person)
    now = timezone.now()
    changes = operation.enter(OperationState.CANCELLED, now=now)
    words = f"Cancelled by {person.get_username()} before it was sent. Nothing was made."
    waiting = Operation.objects.filter(pk=operation.pk, state=OperationState.QUEUED)
    # A worker may hold it already, a moment from sending: a new token takes its claim away.
    taken = {"token": F("token") + 1, "owner": "", "due_at": None}
    return waiting.update(**changes, **taken, outcome=words) == 1


def ask_again(*, operation: Operation, person: User, key: uuid.UUID) -> tuple[Operation, bool]:
    """Ask for the same once more, as a new operation linked to the old one: one, whoever asks and
    however often. Returns it, and whether it is new.

    Raises `NotAllowedError` when the person may not, when the volume is gone or cannot be
    snapshotted now, or when the old one is not finished without a snapshot.
    """
    _check_hand(operation, person)
    if not operation.can_be_asked_again:
        raise NotAllowedError("Only an operation that ended without a snapshot is asked again.")
    again = Operation.objects.filter(again_for=operation).first()
    if again is not None:
        return again, False
    usable = selectors.volumes_usable_by(person)
    volume = usable.filter(cloud=operation.cloud, volume_id=operation.volume_id).first()
    if volume is None or not volume.takes_snapshot:
        raise NotAllowedError("The volume cannot be snapshotted now.")
    if volume.needs_force and not operation.force:
        raise NotAllowedError("The volume is in use now; please fill in a new form.")
    wanted = SnapshotRequest(
        volume=volume,
        name=operation.name,
        description=operation.description,
        force=operation.force,
        metadata=operation.metadata,
        on_behalf_of=operation.on_behalf_of,
        ticket=operation.ticket,
        reason=operation.reason,
    )
    return request_snapshot(requester=person, key=key, wanted=wanted, again_for=operation)


def _check_hand(operation: Operation, person: User) -> None:
    """Only the requester and the helpdesk have a hand in an operation."""
    own = operation.requester_id == person.pk and may_request(person)
    if not own and not may_request_for_others(person):
        raise NotAllowedError(f"{person} has no hand in operation {operation.pk}.")
