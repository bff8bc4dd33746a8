"""What people ask for, what the clouds hold, and who may use which volumes."""

import uuid

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

BUSY = ["accepted", "sending", "unknown"]
NAMES_VOLUME = Q(volume_id__isnull=False) & ~Q(volume_id="")
NO_RULE = Q(
    name_pattern="",
    server_id="",
    metadata_key="",
    metadata_value="",
    volume_type="",
    availability_zone="",
)


def number():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def condition(length=255):
    """Of a rule; empty: it asks nothing of this."""
    return models.CharField(blank=True, db_default="", default="", max_length=length)


class Migration(migrations.Migration):
    old_code_may_run = False  # there is none
    initial = True
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="CloudHealth",
            fields=[
                ("cloud", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("fails", models.PositiveIntegerField(default=0)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("refused_credentials", models.CharField(blank=True, default="", max_length=64)),
                ("recovered_at", models.DateTimeField(blank=True, null=True)),
                ("trouble_code", models.CharField(blank=True, max_length=40)),
                ("keeps_metadata", models.BooleanField(null=True)),
                ("inventory_at", models.DateTimeField(blank=True, null=True)),
                ("matched_at", models.DateTimeField(blank=True, null=True)),
                ("snapshots_at", models.DateTimeField(blank=True, null=True)),
                ("snapshots_held_back", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="SignInAttempt",
            fields=[
                ("credentials", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("cloud", models.CharField(max_length=80)),
                ("locked_until", models.DateTimeField(blank=True, null=True)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("refusals", models.PositiveIntegerField(default=0)),
                ("tried_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Server",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                ("server_id", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("given_name", models.CharField(blank=True, max_length=255)),
                ("gone_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["cloud", "server_id"], name="server_once_per_cloud"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Quota",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                ("resource", models.CharField(max_length=80)),
                ("limit", models.IntegerField()),
                ("in_use", models.IntegerField(null=True)),
                ("reserved", models.IntegerField(default=0)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cloud", "resource"), name="quota_once_per_resource"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="QuotaDay",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                ("resource", models.CharField(max_length=80)),
                ("day", models.DateField()),
                ("limit", models.IntegerField()),
                ("used", models.IntegerField()),
            ],
            options={
                "ordering": ["cloud", "resource", "day"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cloud", "resource", "day"), name="quota_day_once_per_resource"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Volume",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                ("volume_id", models.CharField(max_length=64)),
                ("project_id", models.CharField(blank=True, max_length=64)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(max_length=64)),
                ("size_gb", models.PositiveIntegerField(null=True)),
                ("volume_type", models.CharField(blank=True, max_length=255)),
                ("availability_zone", models.CharField(blank=True, max_length=255)),
                ("bootable", models.BooleanField(default=False)),
                ("encrypted", models.BooleanField(default=False)),
                ("multiattach", models.BooleanField(default=False)),
                ("attached_to", models.CharField(blank=True, max_length=500)),
                ("server_ids", models.JSONField(blank=True, null=True)),
                ("server_names", models.JSONField(blank=True, null=True)),
                ("metadata", models.JSONField(blank=True, null=True)),
                ("folded", models.TextField(editable=False, null=True)),
                ("seen_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(blank=True, null=True)),
                ("look_asked_at", models.DateTimeField(blank=True, null=True)),
                ("snapshots_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "volume_id"],
                "indexes": [
                    models.Index(
                        condition=Q(look_asked_at__isnull=False),
                        fields=["cloud", "look_asked_at"],
                        name="volume_to_look_at",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cloud", "volume_id"), name="volume_once_per_cloud"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VolumeGrant",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("volume", "One volume"),
                            ("rule", "Volumes by rule"),
                            ("cloud", "The whole cloud"),
                        ],
                        db_default="volume",
                        default="volume",
                        max_length=10,
                    ),
                ),
                ("volume_id", models.CharField(blank=True, default="", max_length=64, null=True)),
                (
                    "name_pattern",
                    condition(),
                ),
                (
                    "server_id",
                    condition(64),
                ),
                (
                    "metadata_key",
                    condition(),
                ),
                (
                    "metadata_value",
                    condition(),
                ),
                (
                    "volume_type",
                    condition(),
                ),
                (
                    "availability_zone",
                    condition(),
                ),
                ("until", models.DateTimeField(blank=True, null=True)),
                (
                    "given_at",
                    models.DateTimeField(
                        db_default=Now(),
                        default=timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.CASCADE,
                        related_name="volume_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.CASCADE,
                        related_name="volume_grants",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["given_at"], name="grant_given_at")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(user__isnull=True) ^ Q(group__isnull=True),
                        name="grant_to_a_person_or_a_group",
                        violation_error_message="Choose a person or a group, not both.",
                    ),
                    models.CheckConstraint(
                        condition=(Q(scope="volume") & NAMES_VOLUME & NO_RULE)
                        | (Q(scope="rule", volume_id__isnull=True) & ~NO_RULE)
                        | (Q(scope="cloud", volume_id__isnull=False, volume_id="") & NO_RULE),
                        name="grant_says_what_it_covers",
                        violation_error_message=(
                            "A grant covers one volume by its id, volumes by a rule, or a whole"
                            " cloud."
                        ),
                    ),
                    models.CheckConstraint(
                        condition=Q(metadata_key="", metadata_value="")
                        | (~Q(metadata_key="") & ~Q(metadata_value="")),
                        name="rule_has_metadata_key_and_value",
                        violation_error_message="A metadata entry needs a key and a value.",
                    ),
                    models.UniqueConstraint(
                        fields=("cloud", "volume_id", "user"), name="grant_once_per_person"
                    ),
                    models.UniqueConstraint(
                        fields=("cloud", "volume_id", "group"), name="grant_once_per_group"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GrantMatch",
            fields=[
                ("id", number()),
                (
                    "grant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="matches",
                        to="snapshots.volumegrant",
                    ),
                ),
                (
                    "volume",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="matches",
                        to="snapshots.volume",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["volume", "grant"], name="grants_of_volume")],
                "constraints": [
                    models.UniqueConstraint(fields=("grant", "volume"), name="grant_match_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                ("snapshot_id", models.CharField(max_length=64)),
                ("volume_id", models.CharField(max_length=64)),
                ("volume_name", models.CharField(blank=True, max_length=255)),
                (
                    "maker",
                    models.CharField(
                        choices=[
                            ("portal", "This portal"),
                            ("other", "Somebody in the cloud"),
                            ("system", "The backup service"),
                        ],
                        default="other",
                        max_length=10,
                    ),
                ),
                ("owner_name", models.CharField(blank=True, max_length=150)),
                ("ticket", models.CharField(blank=True, max_length=80)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(max_length=64)),
                ("progress", models.CharField(blank=True, max_length=16)),
                ("description", models.CharField(blank=True, max_length=255)),
                ("metadata", models.JSONField(default=dict)),
                ("size_gb", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("listed_at", models.DateTimeField(default=timezone.now)),
                ("seen_at", models.DateTimeField()),
                ("missed", models.PositiveSmallIntegerField(default=0)),
                ("missing_since", models.DateTimeField(blank=True, null=True)),
                ("gone_at", models.DateTimeField(blank=True, null=True)),
                ("unread_since", models.DateTimeField(blank=True, null=True)),
                ("asked_alone_at", models.DateTimeField(editable=False, null=True)),
                ("folded", models.TextField(editable=False, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["cloud", "volume_id", "-listed_at", "-id"],
                        name="snapshot_of_volume",
                    ),
                    models.Index(
                        condition=Q(gone_at__isnull=True),
                        fields=["listed_at", "id"],
                        name="snapshot_by_listed_at",
                    ),
                    models.Index(
                        condition=Q(gone_at__isnull=True),
                        fields=["name", "id"],
                        name="snapshot_by_name",
                    ),
                    models.Index(
                        condition=Q(gone_at__isnull=True),
                        fields=["volume_name", "id"],
                        name="snapshot_by_volume_name",
                    ),
                    models.Index(
                        condition=Q(gone_at__isnull=True),
                        fields=["status", "id"],
                        name="snapshot_by_status",
                    ),
                    models.Index(fields=["maker", "listed_at", "id"], name="snapshot_of_maker"),
                    models.Index(
                        fields=["owner_name", "listed_at", "id"], name="snapshot_of_owner"
                    ),
                    models.Index(fields=["ticket", "listed_at", "id"], name="snapshot_of_ticket"),
                    models.Index(fields=["listed_at", "id"], name="snapshot_present_or_gone"),
                    models.Index(
                        condition=Q(gone_at__isnull=False),
                        fields=["gone_at"],
                        name="snapshot_gone",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cloud", "snapshot_id"), name="snapshot_once_per_cloud"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("token", models.PositiveIntegerField(default=0)),
                ("owner", models.CharField(blank=True, max_length=80)),
                ("fails", models.PositiveIntegerField(default=0)),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("cause", models.UUIDField(editable=False, null=True)),
                ("key", models.UUIDField(unique=True)),
                ("batch", models.UUIDField(editable=False, null=True)),
                ("kind", models.CharField(default="create", max_length=20)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("sending", "Being sent"),
                            ("accepted", "Creating"),
                            ("unknown", "Being checked"),
                            ("succeeded", "Available"),
                            ("failed", "Failed"),
                            ("refused", "Refused"),
                            ("not_created", "Not created"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("cloud", models.CharField(max_length=80)),
                ("volume_id", models.CharField(max_length=64)),
                ("volume_name", models.CharField(blank=True, max_length=255)),
                (
                    "target_snapshot",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="changes",
                        to="snapshots.snapshot",
                    ),
                ),
                ("target_name", models.CharField(blank=True, max_length=255)),
                ("target_description", models.CharField(editable=False, max_length=255, null=True)),
                ("start_status", models.CharField(editable=False, max_length=64, null=True)),
                ("start_mark", models.CharField(default="", editable=False, max_length=80)),
                ("name", models.CharField(blank=True, max_length=255, null=True)),
                ("description", models.CharField(blank=True, max_length=255, null=True)),
                ("force", models.BooleanField(default=False)),
                ("metadata", models.JSONField(default=dict)),
                ("removed_keys", models.JSONField(default=list)),
                ("size_gb", models.PositiveIntegerField(blank=True, null=True)),
                ("made_volume_id", models.CharField(blank=True, max_length=64)),
                ("shares_volume", models.BooleanField(editable=False, null=True)),
                (
                    "needs",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="needed_by",
                        to="snapshots.operation",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=models.PROTECT,
                        related_name="operations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("requester_name", models.CharField(max_length=150)),
                ("on_behalf_of", models.CharField(blank=True, max_length=150)),
                ("ticket", models.CharField(blank=True, max_length=80)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "again_for",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="asked_again",
                        to="snapshots.operation",
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("state_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("looks", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("waited_seconds", models.FloatField(default=0)),
                ("code", models.CharField(blank=True, max_length=80)),
                ("request_id", models.CharField(blank=True, max_length=120)),
                ("outcome_code", models.CharField(blank=True, max_length=40)),
                ("outcome_values", models.JSONField(default=dict)),
                ("forced_in_use", models.BooleanField(default=False, editable=False)),
                ("for_own_volume", models.BooleanField(default=False, editable=False)),
                ("out_of_hours", models.BooleanField(default=False, editable=False)),
                ("deletes_young", models.BooleanField(editable=False, null=True)),
                ("deletes_others", models.BooleanField(editable=False, null=True)),
                ("long_unknown", models.BooleanField(default=False, editable=False)),
                ("folded", models.TextField(editable=False, null=True)),
            ],
            options={
                "ordering": ["-asked_at", "-id"],
                "permissions": [
                    ("roll_back_volume", "May roll volumes back to a snapshot"),
                    ("restore_volume", "May make volumes from a snapshot"),
                ],
                "indexes": [
                    models.Index(
                        condition=Q(state__in=["accepted", "queued", "sending", "unknown"]),
                        fields=["due_at"],
                        name="operation_due",
                    ),
                    models.Index(fields=["-asked_at", "-id"], name="operation_newest"),
                    models.Index(
                        fields=["requester", "-asked_at", "-id"], name="operation_of_person"
                    ),
                    models.Index(
                        fields=["cloud", "volume_id", "state"], name="operation_volume_line"
                    ),
                    models.Index(fields=["volume_name", "id"], name="operation_by_volume"),
                    models.Index(fields=["requester_name", "id"], name="operation_by_requester"),
                    models.Index(fields=["state", "-asked_at", "-id"], name="operation_of_state"),
                    models.Index(
                        fields=["requester", "state", "-asked_at", "-id"],
                        name="operation_of_person_state",
                    ),
                    models.Index(fields=["cloud", "state", "-asked_at"], name="operation_of_cloud"),
                    models.Index(
                        fields=["cloud", "kind", "state", "-asked_at"], name="operation_of_kind"
                    ),
                    models.Index(
                        condition=Q(finished_at__isnull=True),
                        fields=["-asked_at", "-id"],
                        name="operation_unfinished",
                    ),
                    models.Index(
                        condition=Q(finished_at__isnull=False),
                        fields=["-finished_at"],
                        name="operation_finished",
                    ),
                    models.Index(
                        condition=Q(again_for__isnull=False),
                        fields=["-asked_at", "-id"],
                        name="operation_again",
                    ),
                    models.Index(
                        condition=Q(batch__isnull=False),
                        fields=["batch", "asked_at"],
                        name="operation_of_batch",
                    ),
                    models.Index(
                        condition=Q(forced_in_use=True),
                        fields=["-asked_at", "-id", "forced_in_use"],
                        name="operation_forced_in_use",
                    ),
                    models.Index(
                        condition=Q(for_own_volume=True),
                        fields=["-asked_at", "-id", "for_own_volume"],
                        name="operation_for_own_volume",
                    ),
                    models.Index(
                        condition=Q(out_of_hours=True),
                        fields=["-asked_at", "-id", "out_of_hours"],
                        name="operation_out_of_hours",
                    ),
                    models.Index(
                        condition=Q(deletes_young=True),
                        fields=["-asked_at", "-id", "deletes_young", "state", "outcome_code"],
                        name="operation_deletes_young",
                    ),
                    models.Index(
                        condition=Q(deletes_others=True),
                        fields=["-asked_at", "-id", "deletes_others", "state", "outcome_code"],
                        name="operation_deletes_others",
                    ),
                    models.Index(
                        condition=Q(kind="rollback"),
                        fields=["-asked_at", "-id", "kind", "state", "outcome_code"],
                        name="operation_rollback",
                    ),
                    models.Index(
                        condition=Q(long_unknown=True) | Q(state="unknown"),
                        fields=["-asked_at", "-id", "long_unknown", "state"],
                        name="operation_long_unknown",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(state__in=BUSY, shares_volume__isnull=True),
                        fields=("cloud", "volume_id"),
                        name="one_change_at_a_time_per_volume",
                    ),
                    models.UniqueConstraint(
                        condition=Q(state__in=BUSY),
                        fields=("target_snapshot",),
                        name="one_change_at_a_time_per_snapshot",
                    ),
                    models.UniqueConstraint(fields=("again_for",), name="asked_again_once"),
                ],
            },
        ),
        migrations.AddField(
            model_name="snapshot",
            name="operation",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=models.PROTECT,
                related_name="snapshot",
                to="snapshots.operation",
            ),
        ),
    ]
