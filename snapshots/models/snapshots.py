"""The table of snapshots: all that a cloud holds, made by the portal or not."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from snapshots.clock import if_plausible
from snapshots.models.operations import Operation


class Maker(models.TextChoices):
    """Who made a snapshot, as far as the cloud tells."""

    PORTAL = "portal", _("This portal")
    OTHER = "other", _("Somebody in the cloud")
    SYSTEM = "system", _("The backup service")


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    def of_operations(self) -> "SnapshotQuerySet":
        """Those that an operation of this portal made."""
        return self.filter(operation__isnull=False)

    def present(self) -> "SnapshotQuerySet":
        """Those that the cloud still holds, as far as is known."""
        return self.filter(gone_at__isnull=True)


class Snapshot(models.Model):
    """A snapshot as the cloud last showed it.

    A reading writes a row only where something changed: `seen_at` is when what the row says was
    read first, and a whole reading of the volume or cloud confirms it later (`read_at`).
    """

    operation = models.OneToOneField(
        Operation, null=True, blank=True, on_delete=models.PROTECT, related_name="snapshot"
    )
    cloud = models.CharField(max_length=80)
    snapshot_id = models.CharField(max_length=64)
    volume_id = models.CharField(max_length=64)
    volume_name = models.CharField(max_length=255, blank=True)  # as last read
    maker = models.CharField(max_length=10, choices=Maker, default=Maker.OTHER)
    # Of the operation that made it: for whom, or by whom, it was asked for, and why.
    owner_name = models.CharField(max_length=150, blank=True)
    ticket = models.CharField(max_length=80, blank=True)

    name = models.CharField(max_length=255, blank=True)  # as the cloud kept it
    status = models.CharField(max_length=64)  # the cloud's own word, also one never seen before
    progress = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=255, blank=True)
    metadata = models.JSONField(default=dict)
    size_gb = models.PositiveIntegerField(null=True)  # as of a volume
    created_at = models.DateTimeField(null=True, blank=True)  # by the cloud's clock
    # `created_at`, or when it was first seen: lists go by it.
    listed_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField()
    missed = models.PositiveSmallIntegerField(default=0)  # readings in a row that did not find it
    missing_since = models.DateTimeField(null=True, blank=True)  # not listed, not yet confirmed
    gone_at = models.DateTimeField(null=True, blank=True)  # its own address said so
    unread_since = models.DateTimeField(null=True, blank=True)  # listed, but not readable
    # When it was last asked for by itself, because a list lacked it.
    asked_alone_at = models.DateTimeField(null=True, editable=False)
    folded = models.TextField(null=True, editable=False)  # by a trigger: `models/folded.py`

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cloud", "snapshot_id"], name="snapshot_once_per_cloud"
            ),
        ]
        indexes = [
            models.Index(
                fields=["cloud", "volume_id", "-listed_at", "-id"], name="snapshot_of_volume"
            ),
            *(
                models.Index(
                    fields=[*columns, "id"],
                    name=f"snapshot_by_{columns[-1]}",
                    condition=Q(gone_at__isnull=True),
                )
                for columns in (
                    ["listed_at"],
                    ["name"],
                    ["volume_name"],
                    ["status"],
                )
            ),
            models.Index(fields=["maker", "listed_at", "id"], name="snapshot_of_maker"),
            # Not for rows with a text alone: SQLite does not know that a given text is not empty.
            models.Index(fields=["owner_name", "listed_at", "id"], name="snapshot_of_owner"),
            models.Index(fields=["ticket", "listed_at", "id"], name="snapshot_of_ticket"),
            models.Index(fields=["listed_at", "id"], name="snapshot_present_or_gone"),
            models.Index(
                fields=["gone_at"], name="snapshot_gone", condition=Q(gone_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.snapshot_id

    @property
    def label(self) -> str:
        return self.name or self.snapshot_id

    @property
    def is_systems(self) -> bool:
        """Whether the cloud itself or its backup service made it: the portal only shows it."""
        return self.maker == Maker.SYSTEM

    @property
    def is_listed(self) -> bool:
        """Whether no reading since this one has missed it."""
        return self.gone_at is None and self.missing_since is None

    @property
    def is_confirmed(self) -> bool:
        """Whether each whole reading since this one showed the same."""
        return self.is_listed and self.unread_since is None

    def read_at(self, *whole_readings: datetime | None) -> datetime:
        """When the cloud was last seen to hold what the row says. `whole_readings`: when the last
        ones of its volume and its cloud began. Where no time is plausible: when it was made.
        """
        now = timezone.now()
        moments = [self.seen_at, *(whole_readings if self.is_confirmed else ())]
        plausible = (if_plausible(at, now=now) for at in moments)
        return max(filter(None, plausible), default=min(self.listed_at, now))


def watched_snapshot(operation: Operation) -> Snapshot | None:
    """The snapshot that tells what became of the operation; None: none is there yet."""
    made: Snapshot | None = getattr(operation, "snapshot", None)
    return operation.target_snapshot or made
