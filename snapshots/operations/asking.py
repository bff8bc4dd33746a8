"""What people may do to an operation: ask, cancel, end, ask again. Nothing here calls the cloud."""

import json
import uuid
from dataclasses import dataclass, field
from typing import NoReturn

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from snapshots.audit import actions
from snapshots.database.transactions import in_transaction
from snapshots.models import (
    ActionCode,
    Operation,
    OperationState,
    Volume,
    may_administer,
    may_request,
    may_request_for_others,
)
from snapshots.selectors import volumes as selectors
from snapshots.selectors.operations import is_stuck

# What the trail keeps of the moment of asking, and the auditors' questions read.
VOLUME_STATUS = "volume status"
OWN_VOLUME = "own volume"


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
    called_no_secret: bool = False  # what looked like a secret, by consent


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
        _refuse_to_ask(requester, wanted, again_for)
    try:
        return in_transaction(lambda: _record(requester, key, wanted, again_for)), True
    except IntegrityError:  # the same form or button, at the same moment, in another process
        return _the_other(requester, key, again_for), False


def _record(
    requester: User, key: uuid.UUID, wanted: SnapshotRequest, again_for: Operation | None
) -> Operation:
    now = timezone.now()
    operation = Operation.objects.create(
        cause=actions.cause(),
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
    code = ActionCode.OPERATION_AGAIN if again_for else ActionCode.OPERATION_ASKED
    actions.record(
        code,
        actor=requester,
        operation=operation,
        subject=str(operation.pk),
        details=_told(requester, wanted),
    )
    return operation


def _told(requester: User, wanted: SnapshotRequest) -> dict[str, str]:
    """What the person asked for, for the trail, and how things stood then."""
    # The helpdesk may use every volume; whether one is granted to them says that it is their own.
    is_own = may_request_for_others(requester) and selectors.is_granted(wanted.volume, requester)
    told = {
        "name": wanted.name or "",
        "description": wanted.description or "",
        "force": "yes" if wanted.force else "",
        "metadata": json.dumps(wanted.metadata, ensure_ascii=False) if wanted.metadata else "",
        "reason": wanted.reason,
        VOLUME_STATUS: wanted.volume.status,
        OWN_VOLUME: "yes" if is_own else "",
        "consent": "what looks like a secret is none" if wanted.called_no_secret else "",
    }
    return {name: text for name, text in told.items() if text}


def _refuse_to_ask(
    requester: User, wanted: SnapshotRequest, again_for: Operation | None
) -> NoReturn:
    why = "may not use the volume"
    actions.record(
        ActionCode.OPERATION_AGAIN_REFUSED if again_for else ActionCode.OPERATION_REFUSED,
        actor=requester,
        cloud=wanted.volume.cloud,
        volume_id=wanted.volume.volume_id,
        volume_name=wanted.volume.name,
        ticket=wanted.ticket,
        on_behalf_of=wanted.on_behalf_of,
        details={"why": why},
    )
    raise NotAllowedError(f"{requester} {why} {wanted.volume.volume_id}.")


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
    _check_hand(operation, person, ActionCode.OPERATION_CANCEL_REFUSED)
    now = timezone.now()
    changes = operation.enter(OperationState.CANCELLED, now=now)
    words = f"Cancelled by {person.get_username()} before it was sent. Nothing was made."
    waiting = Operation.objects.filter(pk=operation.pk, state=OperationState.QUEUED)
    # A worker may hold it already, a moment from sending: a new token takes its claim away.
    taken = {"token": F("token") + 1, "owner": "", "due_at": None}

    def cancel() -> bool:
        done = waiting.update(**changes, **taken, outcome=words) == 1
        code = ActionCode.OPERATION_CANCELLED if done else ActionCode.OPERATION_CANCEL_REFUSED
        details = {} if done else {"why": "It was already sent, or had ended."}
        actions.record(
            code, actor=person, operation=operation, subject=str(operation.pk), details=details
        )
        return done

    return in_transaction(cancel)


def end_operation(*, operation: Operation, person: User, why: str) -> bool:
    """An administrator has looked in the cloud and ends what the portal cannot: it counts as
    failed, and its volume is free for the next. False when it has ended by itself meanwhile.

    Raises `NotAllowedError` for anybody else, and for an operation that is not stuck.
    """
    refused = ActionCode.OPERATION_END_REFUSED
    if not may_administer(person):
        raise _refusal(refused, operation, person, "Only administrators end a request.")
    if not is_stuck(operation):
        raise _refusal(refused, operation, person, "The portal is still at it, or it has ended.")
    changes = operation.enter(OperationState.FAILED, now=timezone.now())
    words = (
        f"Ended by {person.get_username()}, an administrator: {why} "
        "A snapshot may be in the cloud: look there before you ask again."
    )
    stuck = Operation.objects.filter(pk=operation.pk, state=operation.state)
    # A worker may be looking at it: a new token takes its claim away.
    taken = {"token": F("token") + 1, "owner": "", "due_at": None}

    def end() -> bool:
        done = stuck.update(**changes, **taken, outcome=words) == 1
        code = ActionCode.OPERATION_ENDED if done else refused
        details = {"why": why if done else "It had ended."}
        actions.record(
            code, actor=person, operation=operation, subject=str(operation.pk), details=details
        )
        return done

    return in_transaction(end)


def ask_again(*, operation: Operation, person: User, key: uuid.UUID) -> tuple[Operation, bool]:
    """Ask for the same once more, as a new operation linked to the old one: one, whoever asks and
    however often. Returns it, and whether it is new.

    Raises `NotAllowedError` when the person may not, when the volume is gone or cannot be
    snapshotted now, or when the old one is not finished without a snapshot.
    """
    refused = ActionCode.OPERATION_AGAIN_REFUSED
    _check_hand(operation, person, refused)
    if not operation.can_be_asked_again:
        why = "Only an operation that ended without a snapshot is asked again."
        raise _refusal(refused, operation, person, why)
    again = Operation.objects.filter(again_for=operation).first()
    if again is not None:
        return again, False
    usable = selectors.volumes_usable_by(person)
    volume = usable.filter(cloud=operation.cloud, volume_id=operation.volume_id).first()
    if volume is None or not volume.takes_snapshot:
        raise _refusal(refused, operation, person, "The volume cannot be snapshotted now.")
    if volume.needs_force and not operation.force:
        why = "The volume is in use now; please fill in a new form."
        raise _refusal(refused, operation, person, why)
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


def _check_hand(operation: Operation, person: User, code: ActionCode) -> None:
    """Only the requester and the helpdesk have a hand in an operation."""
    own = operation.requester_id == person.pk and may_request(person)
    if not own and not may_request_for_others(person):
        raise _refusal(code, operation, person, "The operation is somebody else's.")


def _refusal(code: ActionCode, operation: Operation, person: User, why: str) -> NotAllowedError:
    """The refusal to raise, written down."""
    actions.record(
        code, actor=person, operation=operation, subject=str(operation.pk), details={"why": why}
    )
    return NotAllowedError(why)
