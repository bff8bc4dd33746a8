"""What the cloud holds, as last seen."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from snapshots.clock import if_plausible

# EVS appendix "EVS Disk Status" (A-0040): only these two take a snapshot for certain; "attaching"
# takes one with force by one reading of the documents, so it is offered with a warning.
SNAPSHOT_STATUSES = frozenset({"available", "in-use", "attaching"})
FORCE_STATUSES = frozenset({"in-use", "attaching"})


def status_word(status: str) -> str:
    """A status for comparing: clouds write `In-Use`, ` in-use` and `in_use` for the same."""
    return "-".join(status.lower().replace("_", " ").replace("-", " ").split())


class Volume(models.Model):
    """An EVS disk from the inventory."""

    cloud = models.CharField(max_length=80)
    volume_id = models.CharField(max_length=64)
    project_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=64)
    size_gb = models.PositiveIntegerField(null=True)  # GiB; null: the cloud did not tell
    volume_type = models.CharField(max_length=255, blank=True)
    availability_zone = models.CharField(max_length=255, blank=True)
    bootable = models.BooleanField(default=False)
    encrypted = models.BooleanField(default=False)
    multiattach = models.BooleanField(default=False)
    attached_to = models.CharField(max_length=500, blank=True)  # server ids and devices, for people
    # For grants by rule (`rights/rules.py`); null: not read since these columns are there.
    server_ids = models.JSONField(null=True, blank=True)  # of the servers that it is attached to
    # Of `models/servers.py`: names by these ids, as far as they are known; null: none is.
    server_names = models.JSONField(null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True)  # texts by key, tags too
    folded = models.TextField(null=True, editable=False)  # by a trigger: `models/folded.py`
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)  # no longer in the cloud's list
    # Its snapshots are read at once when somebody looks at it: asked for, and begun last.
    look_asked_at = models.DateTimeField(null=True, blank=True)
    snapshots_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "volume_id"]
        constraints = [
            models.UniqueConstraint(fields=["cloud", "volume_id"], name="volume_once_per_cloud"),
        ]
        indexes = [
            models.Index(
                fields=["cloud", "look_asked_at"],
                name="volume_to_look_at",
                condition=Q(look_asked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return self.name or self.volume_id

    @property
    def servers(self) -> dict[str, str]:
        """The servers that it is attached to, by the last reading: their names by their ids, ""
        where none is known.
        """
        names = self.server_names or {}
        return {str(key): str(names.get(key, "")) for key in self.server_ids or () if key}

    @property
    def read_at(self) -> datetime | None:
        """When it was read last; None: nobody knows, for a clock was wrong."""
        return if_plausible(self.seen_at, now=timezone.now())

    @property
    def snapshots_read_at(self) -> datetime | None:
        return if_plausible(self.snapshots_at, now=timezone.now())

    @property
    def takes_snapshot(self) -> bool:
        return self.gone_at is None and status_word(self.status) in SNAPSHOT_STATUSES

    @property
    def needs_force(self) -> bool:
        return status_word(self.status) in FORCE_STATUSES

    @property
    def is_attaching(self) -> bool:
        return status_word(self.status) == "attaching"


class Quota(models.Model):
    """A quota of a cloud's project as last read. Advisory: the create call decides."""

    cloud = models.CharField(max_length=80)
    resource = models.CharField(max_length=80)  # snapshots, gigabytes, snapshots_SSD ...
    limit = models.IntegerField()  # -1: no limit
    in_use = models.IntegerField(null=True)  # null: the cloud did not tell
    reserved = models.IntegerField(default=0)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cloud", "resource"], name="quota_once_per_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.resource} of {self.cloud}"

    @property
    def free(self) -> int | None:
        """What is left, by Cinder's arithmetic; None where there is no limit, or nobody knows."""
        if self.limit < 0 or self.used is None:
            return None
        return max(0, self.limit - self.used)

    @property
    def used(self) -> int | None:
        """In use and reserved together: what cannot be had any more; None: not told."""
        return None if self.in_use is None else self.in_use + self.reserved


class CloudTrouble(models.TextChoices):
    """Why a cloud does not answer as it should, for everybody."""

    NONE = "", ""
    UNREACHABLE = "unreachable", _("it cannot be reached")
    SIGN_IN_REFUSED = "sign_in_refused", _("it does not accept the portal's sign-in")
    NO_ENDPOINT = "no_endpoint", _("the settings do not lead to its block storage")
    NO_USABLE_ANSWER = "no_usable_answer", _("it gives no usable answers")


class CloudHealth(models.Model):
    """Whether a cloud answers, as the worker found it; the banner on every page reads this."""

    cloud = models.CharField(max_length=80, primary_key=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    fails = models.PositiveIntegerField(default=0)  # in a row, to connect or to sign in
    retry_at = models.DateTimeField(null=True, blank=True)  # set: the breaker is open until a probe
    # The digest of the credentials that the cloud refused last, while it does: the open breaker
    # holds back these and no others.
    refused_credentials = models.CharField(max_length=64, blank=True, default="")
    recovered_at = models.DateTimeField(null=True, blank=True)  # when the breaker closed last
    trouble_code = models.CharField(max_length=40, blank=True)
    keeps_metadata = models.BooleanField(null=True)  # null: no marker came back yet
    # When the last reading of its volumes began, but for those held back since they lack too many.
    inventory_at = models.DateTimeField(null=True, blank=True)
    # When all its volumes were matched with all its grants by rule; null: they are to be.
    matched_at = models.DateTimeField(null=True, blank=True)
    # When the last whole reading of its snapshots began that was believed.
    snapshots_at = models.DateTimeField(null=True, blank=True)
    # Snapshots that the last reading missed, too many to believe it; 0: it was believed.
    snapshots_held_back = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.cloud

    @property
    def trouble(self) -> CloudTrouble:
        return CloudTrouble(self.trouble_code)

    @property
    def holds_back_refused(self) -> bool:
        """Whether nothing is sent because the cloud refused the portal's credentials."""
        return self.retry_at is not None and bool(self.refused_credentials)

    @property
    def snapshots_read_at(self) -> datetime | None:
        return if_plausible(self.snapshots_at, now=timezone.now())

    @property
    def inventory_read_at(self) -> datetime | None:
        return if_plausible(self.inventory_at, now=timezone.now())

    def is_stale(self, *, now: datetime | None = None, after: timedelta) -> bool:
        """Whether the inventory is older than `after`, or was never read."""
        moment = now or timezone.now()
        read_at = if_plausible(self.inventory_at, now=moment)
        return read_at is None or moment - read_at > after
