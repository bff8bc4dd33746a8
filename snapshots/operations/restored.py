"""After the database was restored from a backup: nothing that may have been sent is sent again.

Between the backup and its restore the portal may have sent whatever was waiting. It does not know
any more, so each unfinished request is settled by looking in the cloud, and absence is no proof.
"""

import secrets
from datetime import datetime

from django.contrib.sessions.models import Session

from snapshots.audit.database.numbers import go_on_after
from snapshots.audit.database.settled import highest
from snapshots.audit.record.actions import COMMAND_LINE, record
from snapshots.models import (
    OPEN,
    Action,
    ActionCode,
    Duty,
    OpenSession,
    Operation,
    OperationState,
    OutcomeCode,
    Worker,
)

# A claim's token after a restore: no worker of before holds the same.
_TOKENS = 2**30
# More than any portal writes over the years. So the first number after a restore, made of the time,
# is beyond those since the backup, and beyond those since an earlier restore of the same backup.
_ROWS_A_SECOND = 1000
_MAY_BE_SENT = (OperationState.QUEUED, OperationState.SENDING)


def take_over_backup(*, made_at: datetime, name: str, now: datetime) -> list[Operation]:
    """Make a restored database safe to work on; returns the requests that are looked for.

    Called before any worker or web process sees it, in a transaction where there is one. Sessions
    end, since some had been ended after the backup was made, and with them the forms that were open
    in browsers: a form sent a second time would be a second request. Claims end too.
    """
    go_on_after(int(_ROWS_A_SECOND * now.timestamp()))
    unfinished = list(Operation.objects.filter(state__in=sorted(OPEN)).order_by("pk"))
    for operation in unfinished:
        _hold_back(operation, made_at=made_at, now=now)
        _end_claim(operation, now)
    for duty in Duty.objects.order_by("pk"):
        _end_claim(duty, now)
    Worker.objects.all().delete()
    Session.objects.all().delete()
    OpenSession.objects.all().delete()
    details = {"made at": made_at.isoformat(), "requests looked for": str(len(unfinished))}
    record(
        ActionCode.DATABASE_RESTORED, actor_name=COMMAND_LINE, subject=name[:255], details=details
    )
    return unfinished


def was_restored(operation: Operation) -> bool:
    """Whether it was unfinished in a backup that was restored."""
    return operation.actions.filter(code=ActionCode.OPERATION_RESTORED).exists()


class RestoreWatch:
    """Notices that the database has been replaced by a backup since this was made."""

    def __init__(self) -> None:
        self._last_action = highest()["action"]

    def was_replaced(self) -> bool:
        """The trail's numbers go on far beyond those from before a restore."""
        newer = Action.objects.filter(seq__gt=self._last_action)
        return newer.filter(code=ActionCode.DATABASE_RESTORED).exists()


def _hold_back(operation: Operation, *, made_at: datetime, now: datetime) -> None:
    record(
        ActionCode.OPERATION_RESTORED,
        actor_name=COMMAND_LINE,
        operation=operation,
        subject=str(operation.pk),
        details={"state": operation.state, "backup made at": made_at.isoformat()},
    )
    if operation.status not in _MAY_BE_SENT:
        return
    # What bears a time of sending is looked for, never sent (`perform.py`).
    facts: dict[str, object] = {"outcome_code": OutcomeCode.RESTORED, "outcome_values": {}}
    if operation.sent_at is None:
        facts["sent_at"] = min(made_at, now)
    Operation.objects.filter(pk=operation.pk).update(**facts)


def _end_claim(row: Operation | Duty, now: datetime) -> None:
    row.token, row.owner = secrets.randbelow(_TOKENS) + 1, ""
    row.due_at = now if row.due_at is not None else None
    row.save(update_fields=["token", "owner", "due_at"])
