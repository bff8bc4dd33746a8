"""The worker's duties of the trail: sealing new rows, and telling seals outside."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import timezone

from snapshots.audit import anchors
from snapshots.audit.horizon import WritersBusyError
from snapshots.audit.seals import seal_new_rows
from snapshots.jobs.claims import release
from snapshots.models import Duty

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)


def seal(duty: Duty) -> None:
    """Seal what is due and tell the newest seal. A failure leaves all rows for the next time."""
    trouble = ""
    try:
        seal_new_rows()
        anchors.tell_latest()
    except WritersBusyError as error:
        trouble = str(error)
    except (IntegrityError, ImproperlyConfigured) as error:
        trouble = str(error)
        log.exception("The audit trail could not be sealed.")
    pause = min(LOOK_EVERY, timedelta(seconds=settings.EVSPORTAL_AUDIT_SEAL_SECONDS))
    now = timezone.now()
    release(duty, due_at=now + pause, done_at=now, trouble=trouble)
