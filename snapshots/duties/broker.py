"""Whether the broker answers: told on the status page and by `manage doctor`, and stops nothing."""

from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils import timezone

from snapshots.jobs.duties import end_duty
from snapshots.jobs.engine import CELERY
from snapshots.models import Duty

EVERY = timedelta(seconds=10)
AWAY = "broker does not answer"


def look_at_broker(duty: Duty) -> None:
    """Connect once. A portal without a broker does not do this again."""
    if settings.EVSPORTAL_ENGINE != CELERY:
        end_duty(duty, due_at=None)
        return
    trouble = broker_trouble()
    end_duty(
        duty, due_at=timezone.now() + EVERY, trouble_code=f"{AWAY} ({trouble})" if trouble else ""
    )


def broker_trouble() -> str:
    """The kind of error that connecting ended in, "" when the broker answers. Takes six seconds at
    most.
    """
    publisher = import_module("snapshots.jobs.broker.publisher")  # Celery need not be installed
    try:
        publisher.Publisher(_app(settings.EVSPORTAL_BROKER_URL)).look()
    except publisher.BrokerAwayError as error:
        return str(error)
    return ""


@cache
def _app(broker_url: str) -> Any:
    return import_module("snapshots.jobs.broker.app").make_app(broker_url, ())
