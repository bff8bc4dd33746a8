"""The form that makes a new volume from a snapshot."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import clouds
from snapshots.evs.dialects import RollbackCall
from snapshots.forms.change import ChangeForm
from snapshots.models import Quota, Snapshot, Volume, status_word
from snapshots.rights.policy import Right, may

LEAST_GB_OF_EVS = 10  # of a data disk (evs_04_2065)
MOST_GB = 2**31 - 1  # of the column; the cloud has limits of its own


class RestoreForm(ChangeForm):
    """Nothing that is there is changed; the new volume is like the snapshot's own."""

    size_gb = forms.IntegerField(
        label=gettext_lazy("Size in GiB"),
        max_value=MOST_GB,
        error_messages={
            "required": gettext_lazy("Give the size of the new volume."),
            "invalid": gettext_lazy("Give the size as a whole number of GiB."),
        },
    )
    field_order = ["key", "name", "description", "size_gb"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the new volume")
        self.fields["size_gb"].help_text = _(
            "At least {least} GiB. Type and zone are those of the snapshot's volume. The new "
            "volume costs money until it is deleted in the cloud."
        ).format(least=least_size_gb(self.snapshot))

    @classmethod
    def initial_of(cls, snapshot: Snapshot) -> dict[str, str]:
        return {"size_gb": str(least_size_gb(snapshot))}

    @classmethod
    def why_not(cls, snapshot: Snapshot, volume: Volume, requester: User) -> str:
        if not may(requester, Right.RESTORE):
            return _("Your role does not include this. Ask the helpdesk.")
        if snapshot.cloud not in clouds.cloud_names():
            return _("Its cloud is not in the portal's settings any more.")
        if status_word(snapshot.status) != "available":
            return _("Only an available snapshot can be restored; this one is “{status}”.").format(
                status=snapshot.status
            )
        return _why_no_volume(snapshot.cloud)

    def clean_size_gb(self) -> int:
        size_gb = int(self.cleaned_data["size_gb"])
        least = least_size_gb(self.snapshot)
        if size_gb < least:
            raise ValidationError(
                _("The new volume must have at least {least} GiB.").format(least=least)
            )
        self._check_quota(size_gb)
        return size_gb

    def _check_quota(self, size_gb: int) -> None:
        """By the quota as last read, for the project and for the volume's type."""
        names = ["gigabytes"]
        if self.volume.volume_type:
            names.append(f"gigabytes_{self.volume.volume_type}")
        for quota in Quota.objects.filter(cloud=self.snapshot.cloud, resource__in=names):
            if quota.free is not None and size_gb > quota.free:
                raise ValidationError(
                    _(
                        "The cloud project has only {free} GiB left of its quota “{name}”. Old "
                        "volumes or snapshots must be deleted or the quota raised first."
                    ).format(free=quota.free, name=quota.resource)
                )


def _why_no_volume(cloud: str) -> str:
    """By the quota of the number of volumes as last read."""
    quota = Quota.objects.filter(cloud=cloud, resource="volumes").first()
    if quota is None or quota.free != 0:
        return ""
    return _(
        "The cloud project's quota of {limit} volumes is used up. Old volumes must be deleted or "
        "the quota raised first."
    ).format(limit=quota.limit)


def least_size_gb(snapshot: Snapshot) -> int:
    """What the cloud takes at least: the snapshot's size, and that of the smallest disk."""
    is_evs = clouds.rollback_call_of(snapshot.cloud) is RollbackCall.ROLLBACK
    return max(snapshot.size_gb or 1, LEAST_GB_OF_EVS if is_evs else 1)
