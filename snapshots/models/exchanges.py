"""The audit trail: every request that left and what came back. Inserted, never changed."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from snapshots.models.insert_only import InsertOnly
from snapshots.models.kinds import TargetKind
from snapshots.models.operations import Operation


class Exchange(InsertOnly):
    """A request, committed before its first byte left."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    purpose = models.CharField(max_length=20)  # a `Purpose`; one of an older version too
    background = models.BooleanField(default=False)  # nobody clicked for it

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.CharField(max_length=150)  # as it was then; "portal" for the worker itself
    on_behalf_of = models.CharField(max_length=150, blank=True)
    ticket = models.CharField(max_length=80, blank=True)
    operation = models.ForeignKey(
        Operation, null=True, on_delete=models.PROTECT, related_name="exchanges"
    )
    cause = models.UUIDField(null=True)  # the click it goes back to; null: nobody's

    cloud = models.CharField(max_length=80)
    sandbox = models.BooleanField()  # a simulated cloud, nothing real
    target_kind = models.CharField(max_length=20, choices=TargetKind, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=255, blank=True)  # as it was then

    method = models.CharField(max_length=10)
    url = models.TextField()
    headers = models.JSONField()
    body = models.TextField(blank=True)  # masked
    body_bytes = models.PositiveIntegerField(default=0)  # of the original
    body_sha256 = models.CharField(max_length=64, blank=True)  # of the original; empty for logins
    body_cut = models.BooleanField(default=False)

    class Meta(InsertOnly.Meta):
        ordering = ["-seq"]

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class AnomalyKind(models.TextChoices):
    """What should never happen, and did."""

    OTHER_VOLUME = "other_volume", _("The answer was about another volume")
    OTHER_MARKER = "other_marker", _("The snapshot bears the mark of another request")
    KNOWN_SNAPSHOT = "known_snapshot", _("The answer named the snapshot of another request")
    SEVERAL_MARKED = "several_marked", _("Several snapshots bear one mark")
    SEVERAL_ALIKE = "several_alike", _("Several snapshots could be the one asked for")
    UNMARKED = "unmarked", _("A snapshot without any mark could be the one asked for")
    UNREADABLE = "unreadable", _("A snapshot that cannot be read could be the one asked for")
    METADATA_DROPPED = "metadata_dropped", _("The cloud does not keep metadata")
    WRONG_ID = "wrong_id", _("The cloud named another snapshot than was meant")
    LATE_SNAPSHOT = "late_snapshot", _("A snapshot appeared after its request was called ended")


class AnomalyMessage(models.TextChoices):
    """How an anomaly was seen: `operations/messages.py` has a sentence for each."""

    ANSWER_NAMED = "answer_named"
    READING_SHOWED = "reading_showed"
    CANDIDATES = "candidates"
    CANDIDATE_VOLUMES = "candidate_volumes"
    ASKED_FOR_ANOTHER = "asked_for_another"
    MARK_ELSEWHERE = "mark_elsewhere"
    MARK_WATCHED = "mark_watched"
    LATE = "late"
    SECOND_MARK = "second_mark"
    METADATA_DROPPED = "metadata_dropped"


class Anomaly(InsertOnly):
    """Something in an answer that contradicts what was asked. Shown to auditors, never resolved
    silently.
    """

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=AnomalyKind)
    cloud = models.CharField(max_length=80)
    operation = models.ForeignKey(
        Operation, null=True, on_delete=models.PROTECT, related_name="anomalies"
    )
    # What was seen, as a code and the values its sentence needs: `operations/messages.py`.
    message_code = models.CharField(max_length=40)
    message_values = models.JSONField(default=dict)

    class Meta(InsertOnly.Meta):
        ordering = ["-seq"]
        verbose_name_plural = "anomalies"

    def __str__(self) -> str:
        return self.get_kind_display()


class Answer(InsertOnly):
    """What came back, or why nothing did. No such row: nobody was left to record it."""

    seq = models.BigAutoField(primary_key=True)
    # No constraint in the database: an archive may take an exchange away before its late answer.
    exchange = models.OneToOneField(
        Exchange, on_delete=models.PROTECT, related_name="answer", db_constraint=False
    )
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)  # null: no answer
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)  # masked
    body_bytes = models.PositiveIntegerField(default=0)
    body_sha256 = models.CharField(max_length=64, blank=True)
    body_cut = models.BooleanField(default=False)
    request_id = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=80, blank=True)  # the cloud's own, of an error: EVS.5400
    elapsed_ms = models.PositiveIntegerField()
    error = models.CharField(max_length=40, blank=True)  # the class: Timeout, NoConnection ...
    error_text = models.TextField(blank=True)

    def __str__(self) -> str:
        return str(self.status or self.error)
