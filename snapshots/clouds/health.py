"""Whether each cloud answers, noted after each exchange; and the circuit breaker this makes.

After repeated failure to connect or to sign in, or one refused sign-in, the breaker opens: nothing
is sent to that cloud but a probe now and then, and the first probe that is answered closes it. It
lives in the database, so all workers share it and a restart does not forget it. A breaker that
opened because the cloud refused credentials holds back those credentials only: corrected ones are
tried at once. `SignInAttempt` limits how often refused ones are tried.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from snapshots import clouds
from snapshots.clock import is_to_come, is_within
from snapshots.database.transactions import in_transaction
from snapshots.evs.errors import (
    AuthFailed,
    EvsError,
    LoginFailed,
    NoConnection,
    NoEndpoint,
    Unreachable,
)
from snapshots.jobs.duties import PROBE, start_duty
from snapshots.models import CloudHealth, CloudTrouble
from snapshots.selectors.silence import silent_since

OPENS_AFTER = 3  # failures to connect in a row
LONGEST_PAUSE_SECONDS = 60.0
SIGN_IN_PAUSES_SECONDS = (60.0, 600.0)
_REFRESH = timedelta(seconds=20)  # an answering cloud is not written down at each call


def cloud_answered(cloud: str) -> None:
    """Note that the cloud answers; ends a time of trouble and closes the breaker."""
    now = timezone.now()
    health, new = CloudHealth.objects.get_or_create(cloud=cloud, defaults={"answered_at": now})
    if new or _is_known_to_answer(health, now):
        return
    changes: dict[str, object] = {"answered_at": now, "failing_since": None, "trouble_code": ""}
    changes["refused_credentials"] = ""
    if health.retry_at is not None:
        changes["recovered_at"] = now
    CloudHealth.objects.filter(pk=cloud).update(**changes, fails=0, retry_at=None)


def _is_known_to_answer(health: CloudHealth, now: datetime) -> bool:
    """Then nothing is written: this is asked after each answer, and a write waits for others."""
    at = health.answered_at
    return (
        health.failing_since is None and at is not None and is_within(at, now=now, period=_REFRESH)
    )


def cloud_failed(cloud: str, error: EvsError) -> None:
    """Note that the cloud does not answer, since when and why."""
    now = timezone.now()

    def note() -> None:
        CloudHealth.objects.get_or_create(cloud=cloud)
        health = CloudHealth.objects.select_for_update(no_key=True).get(cloud=cloud)
        if _has_other_credentials(health):
            health.fails, health.retry_at, health.refused_credentials = 0, None, ""
        # A call that timed out has failed since it left, not since it was given up.
        health.failing_since = health.failing_since or silent_since(cloud, now=now) or now
        health.trouble_code = _trouble_in(error)
        if _counts(health, error, now):
            _count(health, error, now)
        health.save(
            update_fields=[
                "failing_since",
                "trouble_code",
                "fails",
                "retry_at",
                "refused_credentials",
            ]
        )

    in_transaction(note)


def _counts(health: CloudHealth, error: EvsError, now: datetime) -> bool:
    if health.retry_at is None:
        return is_trouble_of_cloud(error)
    # What was on its way when the breaker opened is the same failure, not one more.
    longest = timedelta(seconds=max(SIGN_IN_PAUSES_SECONDS))
    if is_to_come(health.retry_at, now=now, ahead=longest):
        return False
    return keeps_open(error)


def _count(health: CloudHealth, error: EvsError, now: datetime) -> None:
    health.fails += 1
    pause = breaker_pause(error, health.fails, is_open=health.retry_at is not None)
    refused = isinstance(error, AuthFailed)
    health.refused_credentials = clouds.credentials_digest(health.cloud) if refused else ""
    if pause is not None:
        health.retry_at = now + pause
        start_duty(PROBE, health.cloud, due_at=health.retry_at)


def recovered_at(cloud: str) -> datetime | None:
    """When the cloud's last outage ended."""
    times = CloudHealth.objects.filter(cloud=cloud).values_list("recovered_at", flat=True)
    return times.first()


def closed_off_clouds() -> list[str]:
    """The clouds whose breaker is open: nothing but a probe goes there."""
    held = CloudHealth.objects.filter(retry_at__isnull=False)
    return [health.cloud for health in held if not _has_other_credentials(health)]


def plan_probes() -> None:
    """Every open breaker has its probe, no sooner than it is due: a worker that dies and is
    restarted again and again must not sign in each time. Credentials that were not refused are
    probed now.
    """
    now = timezone.now()
    for health in CloudHealth.objects.filter(retry_at__isnull=False):
        corrected = _has_other_credentials(health)
        start_duty(PROBE, health.cloud, due_at=now if corrected else health.retry_at or now)


def _has_other_credentials(health: CloudHealth) -> bool:
    """Whether the cloud refused credentials that are not those in the settings now."""
    if not health.refused_credentials or health.cloud not in clouds.cloud_names():
        return False
    return health.refused_credentials != clouds.credentials_digest(health.cloud)


def is_trouble_of_cloud(error: EvsError) -> bool:
    """Whether the error is about reaching the cloud at all, not about one request. A call that is
    not accepted with a new token either, or with an access key, is.
    """
    return isinstance(error, NoConnection | AuthFailed) or error.at_sign_in


def keeps_open(error: EvsError) -> bool:
    """Whether an open breaker stays so: a probe without any answer is no good news."""
    return is_trouble_of_cloud(error) or isinstance(error, Unreachable)


def breaker_pause(error: EvsError, fails: int, *, is_open: bool) -> timedelta | None:
    """How long the breaker stays open; None: it does not open yet."""
    if isinstance(error, LoginFailed):
        first, later = SIGN_IN_PAUSES_SECONDS
        return timedelta(seconds=error.retry_after or (first if fails <= 1 else later))
    if fails < OPENS_AFTER and not is_open:
        return None
    doubled = min(max(fails - OPENS_AFTER, 0), 4)
    return timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 5.0 * 2**doubled))


def _trouble_in(error: EvsError) -> CloudTrouble:
    if isinstance(error, NoConnection):
        return CloudTrouble.UNREACHABLE
    if isinstance(error, AuthFailed):
        return CloudTrouble.SIGN_IN_REFUSED
    if isinstance(error, NoEndpoint):
        return CloudTrouble.NO_ENDPOINT
    return CloudTrouble.NO_USABLE_ANSWER
