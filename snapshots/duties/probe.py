"""Tries a cloud's connection: for people who set one up, and for an open breaker."""

from snapshots import clouds
from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_answered, cloud_failed, keeps_open
from snapshots.database.transactions import in_transaction
from snapshots.evs.errors import EvsError, LoginFailed
from snapshots.jobs.duties import end_duty
from snapshots.models import CloudHealth, Duty, Purpose, SignInAttempt


def ping(cloud: str) -> str:
    """Sign in and read a little; what was reached, in words. Raises `EvsError`. Recorded.

    An answer closes the cloud's breaker.
    """
    reached = client_for_portal(cloud, Purpose.PING).ping()
    cloud_answered(cloud)
    return reached


def try_new_credentials(cloud: str) -> str:
    """Sign in with credentials that were never tried before; why the cloud refused them, or "".

    A cloud that does not answer says nothing about them.
    """
    digest = clouds.credentials_digest(cloud)
    if SignInAttempt.objects.filter(credentials=digest).exists():
        return ""
    try:
        ping(cloud)
    except LoginFailed as error:
        return str(error)
    except EvsError:
        return ""
    return ""


def probe(duty: Duty) -> None:
    """One try while the breaker is open; a failure plans the next."""
    trouble_code = ""
    try:
        ping(duty.cloud)
    except EvsError as error:
        trouble_code = type(error).__name__
        if keeps_open(error):
            cloud_failed(duty.cloud, error)
        else:
            cloud_answered(duty.cloud)  # if badly: that is for the others to deal with

    def plan() -> None:
        # Our own row is locked first, so that a failure noted at the same time is seen here, or
        # starts the duty after this.
        end_duty(duty, due_at=None, trouble_code=trouble_code)
        held = CloudHealth.objects.filter(cloud=duty.cloud, retry_at__isnull=False).first()
        if held is not None:
            Duty.objects.filter(pk=duty.pk, token=duty.token).update(due_at=held.retry_at)

    in_transaction(plan)
