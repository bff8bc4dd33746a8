"""Periodic rows: they go through the same claim as operations, so each runs once per interval."""

from datetime import datetime, timedelta
from typing import TypedDict

from django.db import connection, transaction
from django.utils import timezone

from snapshots.clock import is_plausible
from snapshots.database.transactions import in_transaction
from snapshots.jobs.claims import release
from snapshots.jobs.wakeup import wake_workers
from snapshots.models import Duty

WATCH = "watch"
INVENTORY = "inventory"
SNAPSHOTS = "snapshots"
SERVERS = "servers"
LOOK = "look"
PROBE = "probe"
SEAL = "seal"
PUSH = "push"
TIDY = "tidy"
BROKER = "broker"

NO_CLOUD = ""  # the cloud of a duty that has none

SLOWEST_RETRY_SECONDS = 300.0


def start_duty(kind: str, cloud: str, *, due_at: datetime) -> None:
    """Make the duty due by then at the latest, or when its rest is over, and make its row if it is
    new.

    One that runs just now is left alone: its claim's lease lies in `due_at`. When it ends it lets
    go of its row first and then looks whether there is more to do; the row lock makes that end wait
    for the caller's transaction, or the caller for that end.
    """
    name = f"{kind}:{cloud}"

    def start() -> None:
        duty, _is_new = Duty.objects.get_or_create(
            name=name, defaults={"kind": kind, "cloud": cloud, "due_at": due_at}
        )
        if connection.vendor == "postgresql":  # SQLite has one writer at a time: nothing to lock
            if _is_started(name, due_at):
                return
            duty = Duty.objects.select_for_update(no_key=True).get(name=name)
        start_at = _start_of(duty, due_at)
        if start_at is not None:
            Duty.objects.filter(pk=duty.pk).update(due_at=start_at)
            if start_at <= timezone.now():
                wake_workers()

    in_transaction(start)


def _start_of(duty: Duty, due_at: datetime) -> datetime | None:
    """When it must start for the caller; None: it runs, or starts by then."""
    start_at = max(due_at, _rest_of(duty) or due_at)
    is_in_time = duty.due_at is not None and duty.due_at <= start_at
    return None if duty.owner or is_in_time else start_at


def _is_started(name: str, due_at: datetime) -> bool:
    """On PostgreSQL: whether nothing is to be written. Then the row stays locked against the duty's
    end, but not against others who start the duty too: a process that is suspended with many
    threads at this point would keep all others waiting, for one thread after the other.
    """
    with transaction.atomic():
        duty = Duty.objects.raw("SELECT * FROM snapshots_duty WHERE name = %s FOR SHARE", [name])[0]
        is_started = _start_of(duty, due_at) is None
        if not is_started:  # gives the lock back: two that share it and write would wait for ever
            transaction.set_rollback(True)
    return is_started


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


def pause_after_failure(fails: int) -> timedelta:
    """The pause after a whole reading that failed, and so many in a row before it."""
    return timedelta(seconds=min(SLOWEST_RETRY_SECONDS, 5.0 * 2 ** min(fails, 6)))
