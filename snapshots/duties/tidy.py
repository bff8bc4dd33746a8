"""Removes what sign-ins left, keeps names unique, cancels what waits for a right that ended."""

from datetime import timedelta

from django.utils import timezone

from snapshots.jobs.duties import end_duty
from snapshots.models import Duty
from snapshots.operations.withdrawing import withdraw_passed_requests
from snapshots.sign_in.brakes import forget_old_failures
from snapshots.sign_in.names import name_new_accounts
from snapshots.sign_in.open_sessions import remove_ended_sessions

EVERY = timedelta(minutes=10)


def tidy(duty: Duty) -> None:
    forget_old_failures()
    remove_ended_sessions()
    name_new_accounts()
    withdraw_passed_requests()
    end_duty(duty, due_at=timezone.now() + EVERY)
