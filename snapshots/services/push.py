"""The worker's duty of pushing new rows of the trail outside: one for each place."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.audit.database.settled import WritersBusyError
from snapshots.audit.delivery.push import digest_of, push_new_rows, target_with
from snapshots.jobs.claims import hold, release
from snapshots.jobs.duties import end_duty
from snapshots.models import Duty

LOOK_EVERY = timedelta(seconds=2)


def places_to_push_to() -> list[str]:
    """Each place as its duty knows it: instead of a cloud, so that none waits for another."""
    return list(dict.fromkeys(map(digest_of, settings.EVSPORTAL_AUDIT_PUSH)))


def push(duty: Duty) -> None:
    """Push what is new to the duty's place. What it did not take stays for the next time.

    Raises `LostClaimError` when another worker does this by now; nothing is noted then.
    """
    target = target_with(duty.cloud)
    if target is None:  # it was taken out of the settings
        release(duty, due_at=None)
        return
    more, trouble_code = False, ""
    try:
        more = push_new_rows(target, fence=lambda: hold(duty))
    except WritersBusyError as error:
        trouble_code = type(error).__name__
    now = timezone.now()
    end_duty(duty, due_at=now if more else now + LOOK_EVERY, trouble_code=trouble_code)
