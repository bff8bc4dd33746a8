"""Whether each cloud answers, noted by whoever just spoke to it."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from snapshots.evs.errors import AuthFailed, EvsError, Forbidden, NoConnection, NoSuchApi
from snapshots.models import CloudHealth

_REFRESH = timedelta(seconds=20)  # an answering cloud is not written down at each call


def cloud_answered(cloud: str) -> None:
    """Note that the cloud answers; ends a time of trouble."""
    now = timezone.now()
    health, new = CloudHealth.objects.get_or_create(cloud=cloud, defaults={"answered_at": now})
    stale = Q(failing_since__isnull=False) | Q(answered_at__isnull=True)
    stale |= Q(answered_at__lt=now - _REFRESH)
    if not new:
        CloudHealth.objects.filter(stale, pk=health.pk).update(
            answered_at=now, failing_since=None, trouble=""
        )


def cloud_failed(cloud: str, error: EvsError) -> None:
    """Note that the cloud does not answer, since when and why, in words for everybody."""
    now = timezone.now()
    CloudHealth.objects.get_or_create(cloud=cloud)
    CloudHealth.objects.filter(pk=cloud, failing_since__isnull=True).update(failing_since=now)
    CloudHealth.objects.filter(pk=cloud).update(trouble=_words(error))


def is_trouble_of_cloud(error: EvsError) -> bool:
    """Whether the error is about the cloud as a whole, not about one request."""
    return not error.outcome_known or isinstance(
        error, NoConnection | AuthFailed | NoSuchApi | Forbidden
    )


def _words(error: EvsError) -> str:
    if isinstance(error, NoConnection):
        return "it cannot be reached"
    if isinstance(error, AuthFailed):
        return "it does not accept the portal's sign-in"
    if isinstance(error, NoSuchApi):
        return "its address in the settings offers no such call"
    if isinstance(error, Forbidden):
        return "it does not let the portal do this"
    return "it gives no usable answers"
