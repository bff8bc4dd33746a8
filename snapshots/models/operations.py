"""What a person asked for, exactly once, and what became of it."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from snapshots.models.claims import Claimable
from snapshots.models.kinds import OperationKind, Target, TargetKind
from snapshots.models.outcome_codes import OutcomeCode


class OperationState(models.TextChoices):
    """The state machine of an operation; `FINAL` decides alone what is finished."""

    QUEUED = "queued", _("Waiting")
    SENDING = "sending", _("Being sent")
    ACCEPTED = "accepted", _("Creating")
    UNKNOWN = "unknown", _("Being checked")
    SUCCEEDED = "succeeded", _("Available")
    FAILED = "failed", _("Failed")
    REFUSED = "refused", _("Refused")
    NOT_CREATED = "not_created", _("Not created")
    CANCELLED = "cancelled", _("Cancelled")

    @property
    def tone(self) -> str:
        """The colour family its badge takes; the word itself always stands beside it."""
        return TONES[self]


TONES = {
    OperationState.QUEUED: "waiting",
    OperationState.SENDING: "working",
    OperationState.ACCEPTED: "working",
    OperationState.UNKNOWN: "warning",
    OperationState.SUCCEEDED: "good",
    OperationState.FAILED: "bad",
    OperationState.REFUSED: "bad",
    OperationState.NOT_CREATED: "bad",
    OperationState.CANCELLED: "quiet",
}
FINAL = frozenset(
    {
        OperationState.SUCCEEDED,
        OperationState.FAILED,
        OperationState.REFUSED,
        OperationState.NOT_CREATED,
        OperationState.CANCELLED,
    }
)
OPEN = frozenset(OperationState) - FINAL
# What a worker takes a step on; an accepted one is watched with all others of its cloud.
WORKED_ON = OPEN - {OperationState.ACCEPTED}
# While one operation of a volume is in one of these, no other of that volume is sent, unless both
# share the volume.
BUSY = frozenset({OperationState.SENDING, OperationState.UNKNOWN, OperationState.ACCEPTED})
# Where a person may ask again: nothing was made, or what was made is of no use.
ASKABLE_AGAIN = frozenset(
    {
        OperationState.NOT_CREATED,
        OperationState.FAILED,
        OperationState.REFUSED,
        OperationState.CANCELLED,
    }
)


LONG_UNKNOWN = timedelta(minutes=10)  # longer than this, auditors ask why


# What the helpdesk may by its role, and others by these permissions.
OWN_RIGHTS = [
    ("roll_back_volume", _("May roll volumes back to a snapshot")),
    ("restore_volume", _("May make volumes from a snapshot")),
]


def right_label(permission: Permission) -> str:
    """In the reader's language; the database has the English. A right of others is as it has it."""
    return str(dict(OWN_RIGHTS).get(permission.codename, permission.name))


class OperationQuerySet(models.QuerySet["Operation"]):
    def worked_on(self) -> "OperationQuerySet":
        """What a worker takes steps on, also what waits in its line."""
        return self.filter(state__in=sorted(WORKED_ON))

    def claimable(self) -> "OperationQuerySet":
        """What a worker may take: unfinished, and a waiting one only as the first of its line. One
        that shares its volume waits for those that do not, and for others of its snapshot.
        """
        line = Operation.objects.filter(cloud=OuterRef("cloud"), volume_id=OuterRef("volume_id"))
        of_snapshot = Q(target_snapshot=OuterRef("target_snapshot"))
        waits = Q(state=OperationState.QUEUED) & (
            Q(shares_volume__isnull=True) & _somebody_is_before(line)
            | Q(shares_volume__isnull=False)
            & _somebody_is_before(line.filter(Q(shares_volume__isnull=True) | of_snapshot))
        )
        return self.worked_on().exclude(waits)

    def in_the_way_of(self, operation: "Operation") -> "OperationQuerySet":
        """The others of its volume that may not be sent beside it."""
        line = self.filter(cloud=operation.cloud, volume_id=operation.volume_id)
        line = line.exclude(pk=operation.pk)
        if not operation.shares_volume:
            return line
        alone = Q(shares_volume__isnull=True)
        if operation.target_snapshot_id is None:
            return line.filter(alone)
        return line.filter(alone | Q(target_snapshot=operation.target_snapshot_id))


def _somebody_is_before(line: "OperationQuerySet") -> Q:
    """Two lookups of an index, not one with a list of states and an age."""
    older = Q(asked_at__lt=OuterRef("asked_at")) | Q(
        asked_at=OuterRef("asked_at"), id__lt=OuterRef("id")
    )
    return Q(Exists(line.filter(state__in=sorted(BUSY)))) | Q(
        Exists(line.filter(older, state=OperationState.QUEUED))
    )


class Operation(Claimable):
    """One request of one person. `id` is the marker that goes with the snapshot into the cloud."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cause = models.UUIDField(null=True, editable=False)  # the click that asked for it
    key = models.UUIDField(unique=True)  # of the form it came from: a second submit finds this row
    batch = models.UUIDField(null=True, editable=False)  # asked for together with others
    kind = models.CharField(max_length=20, default=OperationKind.CREATE)
    state = models.CharField(max_length=20, choices=OperationState, default=OperationState.QUEUED)

    cloud = models.CharField(max_length=80)
    volume_id = models.CharField(max_length=64)
    volume_name = models.CharField(max_length=255, blank=True)  # as it was when asked
    # The snapshot to be changed; null: the operation makes one.
    target_snapshot = models.ForeignKey(
        "Snapshot", null=True, blank=True, on_delete=models.PROTECT, related_name="changes"
    )
    target_name = models.CharField(max_length=255, blank=True)  # as it was when asked
    # As it was when asked; null: it was not noted.
    target_description = models.CharField(max_length=255, null=True, editable=False)
    # The volume's status right before sending. Null: not noted, or the cloud was seen to work.
    start_status = models.CharField(max_length=64, null=True, editable=False)
    # What its target and volume were like then, where a later look tells by it what was done.
    start_mark = models.CharField(max_length=80, default="", editable=False)
    name = models.CharField(max_length=255, null=True, blank=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    force = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict)  # the person's own; the marker is added on sending
    removed_keys = models.JSONField(default=list)  # of the target's metadata
    size_gb = models.PositiveIntegerField(null=True, blank=True)  # of the volume to be made
    made_volume_id = models.CharField(max_length=64, blank=True)
    # Whether others that share the volume too may run at the same time; null: it runs alone.
    shares_volume = models.BooleanField(null=True, editable=False)
    # Nothing is sent unless this one has succeeded.
    needs = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="needed_by"
    )

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="operations"
    )
    requester_name = models.CharField(max_length=150)  # as it was when asked
    on_behalf_of = models.CharField(max_length=150, blank=True)
    ticket = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    again_for = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="asked_again"
    )

    asked_at = models.DateTimeField()
    state_at = models.DateTimeField()  # since when it is in its state
    sent_at = models.DateTimeField(null=True, blank=True)  # set before the first byte leaves
    finished_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0)  # successful looks for the marker, while unknown
    failing_since = models.DateTimeField(null=True, blank=True)  # tries that provably did nothing
    waited_seconds = models.FloatField(default=0)  # the pauses between those looks, added up

    code = models.CharField(max_length=80, blank=True)  # of the cloud's last error
    request_id = models.CharField(max_length=120, blank=True)  # the cloud's, to quote to support
    # What happened, as a code and the values its sentence needs: `operations/messages.py`.
    outcome_code = models.CharField(max_length=40, blank=True)
    outcome_values = models.JSONField(default=dict)
    # What the auditors' questions find it by (`snapshots/questions`). They are set when it is asked
    # for, and `long_unknown` when its outcome becomes known.
    forced_in_use = models.BooleanField(default=False, editable=False)  # and without a ticket
    for_own_volume = models.BooleanField(default=False, editable=False)  # by the helpdesk
    out_of_hours = models.BooleanField(default=False, editable=False)
    deletes_young = models.BooleanField(null=True, editable=False)  # made less than a day before
    deletes_others = models.BooleanField(null=True, editable=False)  # what somebody else asked for
    long_unknown = models.BooleanField(default=False, editable=False)
    folded = models.TextField(null=True, editable=False)  # by a trigger: `models/folded.py`

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        permissions = list(OWN_RIGHTS)
        constraints = [
            models.UniqueConstraint(
                fields=["cloud", "volume_id"],
                condition=Q(state__in=sorted(BUSY), shares_volume__isnull=True),
                name="one_change_at_a_time_per_volume",
            ),
            models.UniqueConstraint(
                fields=["target_snapshot"],
                condition=Q(state__in=sorted(BUSY)),
                name="one_change_at_a_time_per_snapshot",
            ),
            models.UniqueConstraint(fields=["again_for"], name="asked_again_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="operation_due", condition=Q(state__in=sorted(OPEN))
            ),
            models.Index(fields=["-asked_at", "-id"], name="operation_newest"),
            models.Index(fields=["requester", "-asked_at", "-id"], name="operation_of_person"),
            models.Index(fields=["cloud", "volume_id", "state"], name="operation_volume_line"),
            # The list in other orders.
            models.Index(fields=["volume_name", "id"], name="operation_by_volume"),
            models.Index(fields=["requester_name", "id"], name="operation_by_requester"),
            # The list, narrowed by state, for everybody's and for a person's own.
            models.Index(fields=["state", "-asked_at", "-id"], name="operation_of_state"),
            models.Index(
                fields=["requester", "state", "-asked_at", "-id"], name="operation_of_person_state"
            ),
            models.Index(fields=["cloud", "state", "-asked_at"], name="operation_of_cloud"),
            # How long a kind usually takes; some kinds are rare.
            models.Index(fields=["cloud", "kind", "state", "-asked_at"], name="operation_of_kind"),
            models.Index(
                fields=["-asked_at", "-id"],
                name="operation_unfinished",
                condition=Q(finished_at__isnull=True),
            ),
            models.Index(
                fields=["-finished_at"],
                name="operation_finished",
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(
                fields=["-asked_at", "-id"],
                name="operation_again",
                condition=Q(again_for__isnull=False),
            ),
            models.Index(
                fields=["batch", "asked_at"],
                name="operation_of_batch",
                condition=Q(batch__isnull=False),
            ),
            # For the auditors' questions. SQLite reads the table again for a column of the
            # condition, unless the index has it too.
            *(
                models.Index(
                    fields=["-asked_at", "-id", column],
                    name=f"operation_{column}",
                    condition=Q(**{column: True}),
                )
                for column in ("forced_in_use", "for_own_volume", "out_of_hours")
            ),
            *(
                models.Index(
                    fields=["-asked_at", "-id", column, "state", "outcome_code"],
                    name=f"operation_{column}",
                    condition=Q(**{column: True}),
                )
                for column in ("deletes_young", "deletes_others")
            ),
            models.Index(
                fields=["-asked_at", "-id", "kind", "state", "outcome_code"],
                name="operation_rollback",
                condition=Q(kind=OperationKind.ROLLBACK),
            ),
            models.Index(
                fields=["-asked_at", "-id", "long_unknown", "state"],
                name="operation_long_unknown",
                condition=Q(long_unknown=True) | Q(state=OperationState.UNKNOWN),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def subject_name(self) -> str:
        """The name of the snapshot that it is about: the new one, or that of its target."""
        return self.name or self.target_name

    @property
    def status(self) -> OperationState:
        return OperationState(self.state)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def can_be_cancelled(self) -> bool:
        return self.status is OperationState.QUEUED and not self.may_have_been_sent

    @property
    def may_have_been_sent(self) -> bool:
        """Whether only looking tells what became of it. A waiting one: the database was restored
        from a backup that is older than its sending may be.
        """
        return self.sent_at is not None

    @property
    def can_be_asked_again(self) -> bool:
        return self.status in ASKABLE_AGAIN

    @property
    def elapsed(self) -> timedelta:
        """From the click to the end, or to now."""
        return (self.finished_at or timezone.now()) - self.asked_at

    @property
    def target(self) -> Target:
        """The volume or snapshot that the request is about."""
        if self.target_snapshot is not None:
            return Target(TargetKind.SNAPSHOT, self.target_snapshot.snapshot_id, self.target_name)
        return Target(TargetKind.VOLUME, self.volume_id, self.volume_name)

    @property
    def outcome(self) -> OutcomeCode:
        return OutcomeCode(self.outcome_code)

    def sent_metadata(self) -> dict[str, str]:
        """The metadata as the cloud gets it: the person's own and the marker."""
        return {**self.metadata, MARKER: str(self.id)}

    def is_long_unknown(self, now: datetime) -> bool:
        """Whether its outcome has been unknown for long. The pauses between the looks count too:
        after the clock was set back, the time since sending says too little.
        """
        if self.status is not OperationState.UNKNOWN or self.sent_at is None:
            return False
        waited = timedelta(seconds=self.waited_seconds)
        return max(now - self.sent_at, waited) > LONG_UNKNOWN


MARKER = "evsportal-operation"
