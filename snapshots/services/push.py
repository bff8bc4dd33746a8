"""The worker's duty of pushing new rows of the trail outside."""

from datetime import timedelta

from django.utils import timezone

from snapshots.audit.horizon import WritersBusyError
from snapshots.audit.push import push_new_rows
from snapshots.jobs.claims import release
from snapshots.models import Duty

LOOK_EVERY = timedelta(seconds=2)


def push(duty: Duty) -> None:
    """Push what is new. What a target did not take stays for the next time."""
    more, trouble = False, ""
    try:
        more = push_new_rows()
    except WritersBusyError as error:
        trouble = str(error)
    now = timezone.now()
    release(duty, due_at=now if more else now + LOOK_EVERY, done_at=now, trouble=trouble)
