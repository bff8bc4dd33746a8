"""Workers, duties, and requests that wait."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from snapshots.duties.broker import broker_trouble
from snapshots.jobs.duties import SERVERS
from snapshots.jobs.engine import CELERY
from snapshots.management.checkup.finding import Finding, good, warning, wrong
from snapshots.models import LONG_UNKNOWN, CloudHealth, Duty, Operation, OperationState, Worker
from snapshots.selectors.hanging import hanging_operations
from snapshots.selectors.portal import WORKER_SILENT_AFTER, portal_state

WORKERS, DUTIES, REQUESTS, CLOUDS = "workers", "duties", "requests", "clouds"
BROKER = "broker"
DUTY_LATE = timedelta(minutes=5)
QUEUED_LONG = timedelta(minutes=10)
WAITING = "See docs/operations.md, 'Requests are waiting'."


def look_at_workers() -> Iterator[Finding]:
    """By their beats, as the banner of every page does."""
    state, now = portal_state(), timezone.now()
    if state.worker_alive:
        alive = Worker.objects.filter(seen_at__gt=now - WORKER_SILENT_AFTER).count()
        yield good(WORKERS, f"{alive} worker{'s' if alive > 1 else ''} seen within 20 seconds.")
        return
    when = f"since {state.worker_seen_at:%Y-%m-%d %H:%M} UTC" if state.worker_seen_at else "ever"
    text = f"No worker was seen {when}: requests are kept, and nothing is sent."
    yield wrong(WORKERS, text, "Start the portal with `./run`, or `manage worker`.")


def look_at_duties() -> Iterator[Finding]:
    """What the worker repeats, and whether the last time went well."""
    now = timezone.now()
    late = Duty.objects.filter(due_at__lt=now - DUTY_LATE).order_by("due_at")
    for duty in late:
        minutes = (now - (duty.due_at or now)).total_seconds() / 60
        held = _has_open_breaker(duty.cloud)
        text = f"{_name_of(duty)} is {minutes:,.0f} minutes late."
        if held:
            yield warning(DUTIES, text, "It goes on by itself when the cloud answers again.")
        else:
            yield wrong(DUTIES, text, "Look at the worker's log for this duty, and restart it.")
    troubled = Duty.objects.exclude(trouble_code="").order_by("name")
    for duty in troubled.filter(kind=SERVERS):  # a help only, which many an account may not read
        yield good(DUTIES, f"{_name_of(duty)} reads no names: {duty.trouble_code}.")
    troubled = troubled.exclude(kind=SERVERS)
    for duty in troubled:
        text = f"{_name_of(duty)} went wrong last time: {duty.trouble_code}."
        yield warning(DUTIES, text, "The log of the worker has the reason; it is tried again.")
    if not late and not troubled:
        yield good(DUTIES, f"All {Duty.objects.count()} duties of the worker are in time.")


def look_at_broker() -> Iterator[Finding]:
    """Asked directly; nothing stands still without it."""
    if settings.EVSPORTAL_ENGINE != CELERY:
        return
    if trouble := broker_trouble():
        text = f"The broker does not answer ({trouble}); workers find work by themselves, later."
        yield warning(BROKER, text, "Look at RabbitMQ and EVSPORTAL_BROKER_URL: docs/engine.md.")
    else:
        yield good(BROKER, "The broker answers.")


def look_at_breakers() -> Iterator[Finding]:
    """Clouds that the worker found not answering."""
    for health in portal_state().troubled:
        since = f" since {health.failing_since:%Y-%m-%d %H:%M} UTC" if health.failing_since else ""
        yield wrong(
            CLOUDS,
            f"{health.cloud} does not answer{since}: {health.trouble.label}.",
            f"Run `manage cloud_ping {health.cloud}`, and see docs/operations.md, 'A cloud refuses "
            "the sign-in'.",
        )
    for health in CloudHealth.objects.filter(snapshots_held_back__gt=0):
        yield warning(
            CLOUDS,
            f"{health.cloud}: {health.snapshots_held_back} snapshots were missing from the last "
            "list, too many to believe it.",
            "Look in the cloud's console whether they are gone; each is asked for by itself.",
        )


def look_at_requests() -> Iterator[Finding]:
    """The oldest of those that should have gone on."""
    now = timezone.now()
    queued = Operation.objects.filter(state=OperationState.QUEUED).order_by("asked_at")
    oldest = queued.first()
    if oldest is not None and now - oldest.asked_at > QUEUED_LONG:
        text = f"{queued.count()} requests wait; {oldest.pk} since {_since(oldest.asked_at)}."
        yield warning(REQUESTS, text, WAITING)
    unknown = Operation.objects.filter(
        state=OperationState.UNKNOWN, sent_at__lt=now - LONG_UNKNOWN
    ).order_by("sent_at")
    if first := unknown.first():
        text = f"What became of {unknown.count()} requests is unknown for long; {first.pk} since "
        todo = "Open its page as an administrator: it names what was found, and can end it."
        yield warning(REQUESTS, f"{text}{_since(first.sent_at or first.asked_at)}.", todo)
    for operation in hanging_operations(now=now)[:1]:
        text = f"{operation.pk} was accepted and has hung since {_since(operation.state_at)}."
        yield warning(REQUESTS, text, "Its page lets the helpdesk end it; look in the cloud first.")
    if not (oldest or first):
        yield good(REQUESTS, "No request waits.")


def _has_open_breaker(cloud: str) -> bool:
    return CloudHealth.objects.filter(cloud=cloud, retry_at__isnull=False).exists()


def _name_of(duty: Duty) -> str:
    return f"The duty {duty.kind}" + (f" of {duty.cloud[:20]}" if duty.cloud else "")


def _since(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
