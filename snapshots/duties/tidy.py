"""Removes what sign-ins left behind, and cancels what waits for a right that has ended."""

from datetime import timedelta

from django.utils import timezone

from snapshots.jobs.duties import end_duty
from snapshots.models import Duty
from snapshots.operations.withdrawing import withdraw_passed_requests
from snapshots.sign_in.brakes import forget_old_failures

EVERY = timedelta(minutes=10)


def tidy(duty: Duty) -> None:
    forget_old_failures()
    withdraw_passed_requests()
    end_duty(duty, due_at=timezone.now() + EVERY)
