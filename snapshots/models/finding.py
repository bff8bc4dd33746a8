"""What makes the audit trail quick to search. All of it can be made again from the trail."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class EntryKind(models.TextChoices):
    EXCHANGE = "exchange", _("Request")
    ACTION = "action", _("Action")
    ANOMALY = "anomaly", _("Anomaly")


class Entry(models.Model):
    """One exchange with its answer, one action or one anomaly, as the search sees it.

    Triggers keep it (`audit/database/guards.py`). Pages find rows here and show them from the trail
    itself: names and words are folded here (`models/folding.py`).
    """

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=EntryKind)
    row = models.BigIntegerField()  # the key in the table of its kind
    record = models.UUIDField(unique=True)  # its id there
    what = models.CharField(max_length=40)  # purpose, action code or kind of anomaly
    background = models.BooleanField()  # nobody clicked for it
    cause = models.UUIDField(null=True)
    actor_id = models.BigIntegerField(null=True)  # of the account; null: nobody, or the portal
    actor_name = models.CharField(max_length=150)
    on_behalf_of = models.CharField(max_length=150)
    ticket = models.CharField(max_length=80)
    operation_id = models.UUIDField(null=True)
    cloud = models.CharField(max_length=80)
    volume_id = models.CharField(max_length=64)  # the target's own, or that of its operation
    volume_name = models.CharField(max_length=255)
    target_id = models.CharField(max_length=64)
    target_name = models.CharField(max_length=255)
    status = models.PositiveSmallIntegerField(null=True)  # null: no answer, or no exchange
    code = models.CharField(max_length=80)  # the cloud's error code, or why there is no answer
    text = models.TextField()  # for free text: names, words, the beginning of both bodies

    class Meta:
        ordering = ["-at", "-seq"]
        indexes = [
            models.Index(fields=["kind", "row"], name="entry_row"),
            # What people narrow the list by, each with and without background readings. How a
            # search goes by them is in `audit/search/newest.py`.
            *(
                models.Index(fields=[*fields, "background", "-at", "-seq"], name=f"entry_{name}")
                for name, fields in {
                    "newest": [],
                    "by_status": ["status"],
                    "by_code": ["code"],
                    "by_what": ["what"],
                    "by_cloud": ["cloud"],
                    "by_kind": ["kind"],
                    "by_actor": ["actor_name"],
                    "by_actor_id": ["actor_id"],
                    "by_behalf": ["on_behalf_of"],
                    "by_ticket": ["ticket"],
                    "by_volume": ["volume_id"],
                    "by_volume_name": ["volume_name"],
                    "by_target": ["target_id"],
                    "by_target_name": ["target_name"],
                }.items()
            ),
            models.Index(
                fields=["kind", "background", "-at", "-seq"],
                name="entry_unanswered",
                condition=Q(kind=EntryKind.EXCHANGE, status__isnull=True),
            ),
            *(
                models.Index(
                    fields=[field, "-at", "-seq"],
                    name=f"entry_by_{name}",
                    condition=Q(**{f"{field}__isnull": False}),
                )
                for name, field in {"operation": "operation_id", "cause": "cause"}.items()
            ),
            models.Index(  # which accounts had a name
                fields=["actor_name", "actor_id"],
                name="entry_name_of",
                condition=Q(actor_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.row}"


def longest_of(column: str) -> int:
    """How many characters this column of an entry takes."""
    field = Entry._meta.get_field(column)
    return int(getattr(field, "max_length", None) or 0)
