"""Asking for an operation, and for the same once more. Nothing here calls the cloud."""

import json
import uuid
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from snapshots import clouds
from snapshots.audit.record import actions
from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.jobs.wakeup import wake_workers
from snapshots.models import (
    ActionCode,
    Operation,
    OperationKind,
    Snapshot,
    Target,
    TargetKind,
    Volume,
)
from snapshots.operations.kinds import KINDS, kind_of
from snapshots.operations.refusals import NotAllowedError, Refusal, check_share, refused
from snapshots.questions.asking import note_circumstances
from snapshots.rights.grants import is_granted
from snapshots.rights.limits import most_requests, requests_of
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import volumes_usable_by
from snapshots.selectors.changes import volumes_left_with_none


class KeyTakenError(Exception):
    """The form's key belongs to somebody else's operation; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationArguments:
    """What is asked for: already validated by the form, exactly as the cloud will get it."""

    volume: Volume
    kind: OperationKind = OperationKind.CREATE
    target_snapshot: Snapshot | None = None  # to be changed, where the kind does not make one
    name: str | None = None
    description: str | None = None
    force: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    on_behalf_of: str = ""
    ticket: str = ""
    reason: str = ""
    removed_keys: list[str] = field(default_factory=list)
    size_gb: int | None = None  # of the volume to be made
    needs: Operation | None = None  # must have succeeded before this one is sent
    batch: uuid.UUID | None = None  # of several that are asked for together
    called_no_secret: bool = False  # what looked like a secret, by consent
    # A deletion that nobody confirmed by typing: refused where its volume has no other snapshot.
    leaves_another: bool = False


def ask_for_operation(
    *,
    requester: User,
    key: uuid.UUID,
    arguments: OperationArguments,
    again_for: Operation | None = None,
) -> tuple[Operation, bool]:
    """Record one operation; a second submit of the same form finds the first. Returns it, and
    whether it is new.

    Raises `NotAllowedError` for a volume the person may not use and for what its kind refuses them,
    `KeyTakenError` for a key that somebody else has used.
    """
    first = Operation.objects.filter(key=key).first()
    if first is not None:
        return _of_requester(first, requester), False
    if not volumes_usable_by(requester).filter(pk=arguments.volume.pk).exists():
        _refuse_to_ask(requester, arguments, again_for, Refusal.VOLUME_NOT_USABLE)
    kind, snapshot = KINDS[arguments.kind], arguments.target_snapshot
    if refusal := kind.refusal(requester, arguments.volume, snapshot):
        _refuse_to_ask(requester, arguments, again_for, refusal)
    try:
        record = partial(_record, requester, key, arguments, again_for)
        return in_transaction(record, may_be_stored=True), True
    except _CannotRecordError as error:
        if (recorded := _recorded_before(requester, key, again_for)) is not None:
            return recorded, False  # it took the last place
        _refuse_to_ask(requester, arguments, again_for, error.refusal)
    # The same form or button at the same moment in another process, or here in a lost commit.
    except IntegrityError:
        if (recorded := _recorded_before(requester, key, again_for)) is None:
            raise
        return recorded, False


def ask_after(
    *, requester: User, key: uuid.UUID, arguments: OperationArguments, first: OperationArguments
) -> tuple[Operation, bool]:
    """Record two operations, both or none: `first` must have succeeded before the other is sent.
    Returns the other, and whether it is new. Raises as `ask_for_operation` does.
    """
    recorded = Operation.objects.filter(key=key).first()
    if recorded is not None:
        return _of_requester(recorded, requester), False
    first_key = uuid.uuid5(key, "first")  # a second submit finds this one too

    def ask_both() -> tuple[Operation, bool]:
        # In this order: the older one is sent first.
        needs, _ = ask_for_operation(requester=requester, key=first_key, arguments=first)
        return ask_for_operation(
            requester=requester, key=key, arguments=replace(arguments, needs=needs)
        )

    try:
        return in_transaction(ask_both, may_be_stored=True)
    except NotAllowedError as error:  # its record was taken back with the transaction
        _refuse_to_ask(requester, arguments, None, error.refusal)


def _record(
    requester: User, key: uuid.UUID, arguments: OperationArguments, again_for: Operation | None
) -> Operation:
    _keep_within_limits(requester)
    if arguments.kind is OperationKind.DELETE:
        _keep_last(arguments)
    now = timezone.now()
    # The helpdesk may use every volume; whether one is granted to them says that it is their own.
    is_own = may(requester, Right.REQUEST_FOR_OTHERS) and is_granted(arguments.volume, requester)
    operation = Operation(
        cause=actions.cause(),
        key=key,
        batch=arguments.batch,
        kind=arguments.kind,
        cloud=arguments.volume.cloud,
        volume_id=arguments.volume.volume_id,
        volume_name=arguments.volume.name,
        target_snapshot=arguments.target_snapshot,
        target_name=arguments.target_snapshot.name if arguments.target_snapshot else "",
        target_description=(
            arguments.target_snapshot.description if arguments.target_snapshot else None
        ),
        name=arguments.name,
        description=arguments.description,
        force=arguments.force,
        metadata=arguments.metadata,
        removed_keys=arguments.removed_keys,
        size_gb=arguments.size_gb,
        needs=arguments.needs,
        shares_volume=_may_share_volume(arguments) or None,
        requester=requester,
        requester_name=requester.get_username(),
        on_behalf_of=arguments.on_behalf_of,
        ticket=arguments.ticket,
        reason=arguments.reason,
        again_for=again_for,
        asked_at=now,
        state_at=now,
        due_at=now,
    )
    note_circumstances(operation, volume_status=arguments.volume.status, is_own_volume=is_own)
    operation.save(force_insert=True)
    code = ActionCode.OPERATION_AGAIN if again_for else ActionCode.OPERATION_ASKED
    actions.record(
        code,
        actor=requester,
        operation=operation,
        subject=str(operation.pk),
        details=_details(arguments, is_own_volume=is_own),
    )
    wake_workers()
    return operation


def _may_share_volume(arguments: OperationArguments) -> bool:
    """A rollback changes the volume itself, so it is alone in every cloud."""
    if arguments.kind is OperationKind.ROLLBACK:
        return False
    return clouds.takes_parallel_changes(arguments.volume.cloud)


class _CannotRecordError(Exception):
    """What was recorded by now forbids it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _keep_within_limits(requester: User) -> None:
    """Forms that are sent at the same moment are counted one after the other. Raises
    `_CannotRecordError`.
    """
    lock_rows(User.objects.filter(pk=requester.pk))
    now, most = requests_of(requester), most_requests(requester)
    if now.open >= most.open:
        raise _CannotRecordError(Refusal.TOO_MANY_OPEN)
    if now.in_a_day >= most.in_a_day:
        raise _CannotRecordError(Refusal.TOO_MANY_A_DAY)


def _keep_last(arguments: OperationArguments) -> None:
    """Two pages that are sent at the same moment may each count on the snapshot that the other
    deletes: deletions of a volume are recorded one after the other. Raises `_CannotRecordError`.
    """
    lock_rows(Volume.objects.filter(pk=arguments.volume.pk))
    snapshot = arguments.target_snapshot
    if arguments.leaves_another and snapshot and volumes_left_with_none([snapshot]):
        raise _CannotRecordError(Refusal.LAST_OF_VOLUME)


def _details(arguments: OperationArguments, *, is_own_volume: bool) -> dict[str, str]:
    """What the person asked for, for the trail, and how things stood then."""
    details = {
        "kind": arguments.kind.value,
        "name": arguments.name or "",
        "description": arguments.description or "",
        "force": "yes" if arguments.force else "",
        "metadata": _as_json(arguments.metadata),
        "removed keys": ", ".join(arguments.removed_keys),
        "size": f"{arguments.size_gb} GiB" if arguments.size_gb else "",
        "after": str(arguments.needs.pk) if arguments.needs else "",
        "reason": arguments.reason,
        "batch": str(arguments.batch or ""),
        "volume status": arguments.volume.status,
        "own volume": "yes" if is_own_volume else "",
        "consent": "what looks like a secret is none" if arguments.called_no_secret else "",
    }
    return {name: text for name, text in details.items() if text}


def _as_json(metadata: dict[str, str]) -> str:
    return json.dumps(metadata, ensure_ascii=False) if metadata else ""


def _refuse_to_ask(
    requester: User,
    arguments: OperationArguments,
    again_for: Operation | None,
    refusal: Refusal,
) -> NoReturn:
    record_refusal(requester, arguments, refusal, again_for=again_for)
    raise NotAllowedError(refusal)


def record_refusal(
    requester: User,
    arguments: OperationArguments,
    refusal: Refusal,
    *,
    again_for: Operation | None = None,
) -> None:
    actions.record(
        ActionCode.OPERATION_AGAIN_REFUSED if again_for else ActionCode.OPERATION_REFUSED,
        actor=requester,
        cloud=arguments.volume.cloud,
        target=Target(TargetKind.VOLUME, arguments.volume.volume_id, arguments.volume.name),
        ticket=arguments.ticket,
        on_behalf_of=arguments.on_behalf_of,
        details={"kind": arguments.kind.value, "why": refusal.value},
    )


def _recorded_before(
    requester: User, key: uuid.UUID, again_for: Operation | None
) -> Operation | None:
    """The operation that was recorded for the same form or button. Raises `KeyTakenError`."""
    if same_key := Operation.objects.filter(key=key).first():
        return _of_requester(same_key, requester)
    if again_for is None:
        return None
    return Operation.objects.filter(again_for=again_for).first()


def _of_requester(operation: Operation, requester: User) -> Operation:
    if operation.requester_id != requester.pk:
        raise KeyTakenError
    return operation


def ask_again(*, operation: Operation, person: User, key: uuid.UUID) -> tuple[Operation, bool]:
    """Ask for the same once more, as a new operation that is linked to the old. There is one such
    operation, however often and by whom it is asked. Returns it, and whether it is new.

    Raises `NotAllowedError` when the person may not, when the volume is gone or cannot be
    snapshotted now, or when the old one is not finished without a snapshot.
    """
    code = ActionCode.OPERATION_AGAIN_REFUSED
    check_share(operation, person, code)
    if not operation.can_be_asked_again:
        raise refused(code, operation, person, Refusal.NOT_ENDED_WITHOUT_SNAPSHOT)
    again = Operation.objects.filter(again_for=operation).first()
    if again is not None:
        return again, False
    usable = volumes_usable_by(person)
    volume = usable.filter(cloud=operation.cloud, volume_id=operation.volume_id).first()
    if volume is None:
        raise refused(code, operation, person, Refusal.VOLUME_NOT_READY)
    if obstacle := kind_of(operation).obstacle(operation, volume):
        raise refused(code, operation, person, obstacle)
    arguments = OperationArguments(
        volume=volume,
        kind=OperationKind(operation.kind),
        target_snapshot=operation.target_snapshot,
        name=operation.name,
        description=operation.description,
        force=operation.force,
        metadata=operation.metadata,
        removed_keys=operation.removed_keys,
        size_gb=operation.size_gb,
        on_behalf_of=operation.on_behalf_of,
        ticket=operation.ticket,
        reason=operation.reason,
    )
    return ask_for_operation(requester=person, key=key, arguments=arguments, again_for=operation)
