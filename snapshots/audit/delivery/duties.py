"""The worker's duties for the trail: sealing new rows, and sending seals and rows outside."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import timezone

from snapshots.audit.database.settled import WritersBusyError
from snapshots.audit.delivery import anchors
from snapshots.audit.delivery.push import digest_of, push_new_rows, target_with
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.jobs.claims import hold, release
from snapshots.jobs.duties import end_duty
from snapshots.models import Duty

log = logging.getLogger(__name__)

SEAL_EVERY, PUSH_EVERY = timedelta(seconds=5), timedelta(seconds=2)


def seal(duty: Duty) -> None:
    """Seal what is due and tell the newest seal. A failure leaves all rows for the next time."""
    trouble_code = ""
    try:
        seal_new_rows()
        anchors.send_latest()
    except WritersBusyError as error:
        trouble_code = type(error).__name__
    except (IntegrityError, ImproperlyConfigured) as error:
        trouble_code = type(error).__name__
        log.exception("The audit trail could not be sealed.")
    pause = min(SEAL_EVERY, timedelta(seconds=settings.EVSPORTAL_AUDIT_SEAL_SECONDS))
    end_duty(duty, due_at=timezone.now() + pause, trouble_code=trouble_code)


def push_lanes() -> list[str]:
    """The lane of each target's duty, in place of a cloud: no target waits for another."""
    return list(dict.fromkeys(map(digest_of, settings.EVSPORTAL_AUDIT_PUSH)))


def push(duty: Duty) -> None:
    """Push new rows to the duty's target. Rows that it did not take wait for the next time.

    Raises `LostClaimError` when another worker has taken over; nothing is stored then.
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
    end_duty(duty, due_at=now if more else now + PUSH_EVERY, trouble_code=trouble_code)
