"""Writes down with which settings of its clouds the portal was started."""

from django.utils import timezone

from snapshots import clouds
from snapshots.audit.record.actions import record
from snapshots.database.transactions import in_transaction
from snapshots.jobs.duties import NO_CLOUD, SEAL, start_duty
from snapshots.models import Action, ActionCode, Duty

# The last of these says how a cloud stands.
_CODES = (ActionCode.CLOUD_SEEN, ActionCode.CLOUD_GONE)


def record_cloud_settings() -> None:
    """One action for each cloud whose settings are not those recorded last, or that is gone.

    Workers that start at the same moment take turns: the second finds what the first has written.
    Raises `ImproperlyConfigured` for settings that cannot be read.
    """
    now = {name: clouds.settings_of(name) for name in clouds.cloud_names()}
    start_duty(SEAL, NO_CLOUD, due_at=timezone.now())

    def store() -> None:
        Duty.objects.select_for_update(no_key=True).get(kind=SEAL, cloud=NO_CLOUD)
        seen = Action.objects.filter(code__in=_CODES)
        for cloud in sorted({*now, *seen.values_list("cloud", flat=True)}):
            last = seen.filter(cloud=cloud).order_by("-seq").first()
            details = now.get(cloud)
            if details is None and last is not None and last.code != ActionCode.CLOUD_GONE:
                record(ActionCode.CLOUD_GONE, cloud=cloud)
            elif details is not None and (last is None or last.details != details):
                record(ActionCode.CLOUD_SEEN, cloud=cloud, details=details)

    in_transaction(store)
