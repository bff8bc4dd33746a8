"""Writes down with which settings of its clouds the portal was started."""

from django.db import transaction
from django.utils import timezone

from snapshots import clouds
from snapshots.audit.actions import record
from snapshots.jobs.duties import HOUSE, SEAL, start_duty
from snapshots.models import Action, ActionCode, Duty

GONE = {"state": "no longer in the settings"}


def record_cloud_settings() -> None:
    """One action for each cloud whose settings are not those recorded last, or that is gone.

    Workers that start at the same moment take turns: the second finds what the first has written.
    Raises `ImproperlyConfigured` for settings that cannot be read.
    """
    now = {name: clouds.settings_of(name) for name in clouds.cloud_names()}
    start_duty(SEAL, HOUSE, due_at=timezone.now())
    with transaction.atomic():
        Duty.objects.select_for_update().get(kind=SEAL, cloud=HOUSE)
        seen = Action.objects.filter(code=ActionCode.CLOUD_SEEN)
        for cloud in sorted({*now, *seen.values_list("cloud", flat=True)}):
            last = (
                seen.filter(cloud=cloud).order_by("-seq").values_list("details", flat=True).first()
            )
            told = now.get(cloud, GONE)
            if last != told:
                record(ActionCode.CLOUD_SEEN, cloud=cloud, details=told)
