"""Removes rows that sign-ins left behind and that mean nothing any more; keeps names unique."""

from datetime import timedelta

from django.utils import timezone

from snapshots.jobs.duties import end_duty
from snapshots.models import Duty
from snapshots.sign_in.brakes import forget_old_failures
from snapshots.sign_in.names import name_new_accounts
from snapshots.sign_in.open_sessions import remove_ended_sessions

EVERY = timedelta(minutes=10)


def tidy(duty: Duty) -> None:
    forget_old_failures()
    remove_ended_sessions()
    name_new_accounts()
    end_duty(duty, due_at=timezone.now() + EVERY)
