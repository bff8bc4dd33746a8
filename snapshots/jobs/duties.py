"""Periodic rows: they go through the same claim as operations, so each runs once per interval."""

from datetime import datetime
from typing import TypedDict

from django.utils import timezone

from snapshots.clock import is_plausible
from snapshots.database.transactions import in_transaction
from snapshots.jobs.claims import release
from snapshots.models import Duty

WATCH = "watch"
INVENTORY = "inventory"
SNAPSHOTS = "snapshots"
LOOK = "look"
PROBE = "probe"
SEAL = "seal"
PUSH = "push"

NO_CLOUD = ""  # the cloud of a duty that has none


def start_duty(kind: str, cloud: str, *, due_at: datetime) -> None:
    """Make the duty due by then at the latest, or when its rest is over, and make its row if it is
    new.

    One that runs just now is left alone: its claim's lease lies in `due_at`. When it ends it lets
    go of its row first and then looks whether there is more to do; the row lock makes that end wait
    for the caller's transaction, or the caller for that end.
    """

    def start() -> None:
        duty = _locked(kind, cloud, due_at)
        start_at = max(due_at, _rest_of(duty) or due_at)
        if not duty.owner and (duty.due_at is None or duty.due_at > start_at):
            Duty.objects.filter(pk=duty.pk).update(due_at=start_at)

    in_transaction(start)


def _locked(kind: str, cloud: str, due_at: datetime) -> Duty:
    """The duty's row, locked until the transaction ends, and made if it is new."""
    name = f"{kind}:{cloud}"
    defaults = {"kind": kind, "cloud": cloud, "due_at": due_at}
    Duty.objects.get_or_create(name=name, defaults=defaults)
    return Duty.objects.select_for_update(no_key=True).get(name=name)


def _rest_of(duty: Duty) -> datetime | None:
    """Until when it rests."""
    planned_at = duty.done_at
    if planned_at is not None and not is_plausible(planned_at, now=timezone.now()):
        return None
    return duty.rests_until


class DutyColumns(TypedDict, total=False):
    """What the end of a duty writes."""

    done_at: datetime
    rests_until: datetime | None
    fails: int
    trouble_code: str


def end_duty(
    duty: Duty,
    *,
    due_at: datetime | None,
    trouble_code: str = "",
    fails: int = 0,
    rests_until: datetime | None = None,
) -> None:
    """Let go of a duty that has run. `trouble_code` says what went wrong; the log has the rest.

    Raises `LostClaimError` when the claim has passed to another worker.
    """
    columns = DutyColumns(
        done_at=timezone.now(), rests_until=rests_until, fails=fails, trouble_code=trouble_code[:80]
    )
    release(duty, due_at=due_at, columns=columns)
