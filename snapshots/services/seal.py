"""The worker's duties of the trail: sealing new rows, and telling seals outside."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import timezone

from snapshots.audit.database.settled import WritersBusyError
from snapshots.audit.delivery import anchors
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.jobs.duties import end_duty
from snapshots.models import Duty

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)


def seal(duty: Duty) -> None:
    """Seal what is due and tell the newest seal. A failure leaves all rows for the next time."""
    trouble_code = ""
    try:
        seal_new_rows()
        anchors.tell_latest()
    except WritersBusyError as error:
        trouble_code = type(error).__name__
    except (IntegrityError, ImproperlyConfigured) as error:
        trouble_code = type(error).__name__
        log.exception("The audit trail could not be sealed.")
    pause = min(LOOK_EVERY, timedelta(seconds=settings.EVSPORTAL_AUDIT_SEAL_SECONDS))
    end_duty(duty, due_at=timezone.now() + pause, trouble_code=trouble_code)
