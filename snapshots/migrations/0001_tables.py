"""The portal's own tables: operations, what the cloud holds, grants, the workers' rows."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


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
            name="DatabaseUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mode", models.CharField(max_length=16)),
                ("since", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="one_use_of_a_database"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Duty",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("token", models.PositiveIntegerField(default=0)),
                ("owner", models.CharField(blank=True, max_length=80)),
                ("fails", models.PositiveIntegerField(default=0)),
                ("name", models.CharField(max_length=120, unique=True)),
                ("kind", models.CharField(max_length=40)),
                ("cloud", models.CharField(blank=True, max_length=80)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("rests_until", models.DateTimeField(blank=True, null=True)),
                ("trouble_code", models.CharField(blank=True, max_length=80)),
            ],
            options={
                "verbose_name_plural": "duties",
                "indexes": [models.Index(fields=["due_at"], name="duty_due")],
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
                ("target_name", models.CharField(blank=True, max_length=255)),
                ("name", models.CharField(blank=True, max_length=255, null=True)),
                ("description", models.CharField(blank=True, max_length=255, null=True)),
                ("force", models.BooleanField(default=False)),
                ("metadata", models.JSONField(default=dict)),
                ("requester_name", models.CharField(max_length=150)),
                ("on_behalf_of", models.CharField(blank=True, max_length=150)),
                ("ticket", models.CharField(blank=True, max_length=80)),
                ("reason", models.CharField(blank=True, max_length=500)),
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
                ("long_unknown", models.BooleanField(default=False, editable=False)),
                ("folded", models.TextField(editable=False, null=True)),
                (
                    "again_for",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="asked_again",
                        to="snapshots.operation",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
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
            name="Snapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cloud", models.CharField(max_length=80)),
                ("snapshot_id", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(max_length=64)),
                ("progress", models.CharField(blank=True, max_length=16)),
                ("description", models.CharField(blank=True, max_length=255)),
                ("metadata", models.JSONField(default=dict)),
                ("size_gb", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("seen_at", models.DateTimeField()),
                ("missed", models.PositiveSmallIntegerField(default=0)),
                (
                    "operation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="snapshot",
                        to="snapshots.operation",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="operation",
            name="target_snapshot",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="snapshots.snapshot",
            ),
        ),
        migrations.CreateModel(
            name="Volume",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
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
                ("folded", models.TextField(editable=False, null=True)),
                ("seen_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "volume_id"],
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
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cloud", models.CharField(max_length=80)),
                (
                    "volume_id",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty for every volume of the cloud.",
                        max_length=64,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="volume_grants",
                        to="auth.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="volume_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("process", models.CharField(blank=True, max_length=160)),
                ("beats", models.PositiveBigIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="worker_seen")],
            },
        ),
        migrations.AddConstraint(
            model_name="snapshot",
            constraint=models.UniqueConstraint(
                fields=("cloud", "snapshot_id"), name="snapshot_once_per_cloud"
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("state__in", ["accepted", "queued", "sending", "unknown"])),
                fields=["due_at"],
                name="operation_due",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["-asked_at", "-id"], name="operation_newest"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["requester", "-asked_at", "-id"], name="operation_of_person"
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["cloud", "volume_id", "state"], name="operation_volume_line"
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["state", "-asked_at", "-id"], name="operation_of_state"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["requester", "state", "-asked_at", "-id"], name="operation_of_person_state"
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["cloud", "state", "-asked_at"], name="operation_of_cloud"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)),
                fields=["-asked_at", "-id"],
                name="operation_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("again_for__isnull", False)),
                fields=["-asked_at", "-id"],
                name="operation_again",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("forced_in_use", True)),
                fields=["-asked_at", "-id", "forced_in_use"],
                name="operation_forced_in_use",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("for_own_volume", True)),
                fields=["-asked_at", "-id", "for_own_volume"],
                name="operation_for_own_volume",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("out_of_hours", True)),
                fields=["-asked_at", "-id", "out_of_hours"],
                name="operation_out_of_hours",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("long_unknown", True), ("state", "unknown"), _connector="OR"),
                fields=["-asked_at", "-id", "long_unknown", "state"],
                name="operation_long_unknown",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["accepted", "sending", "unknown"])),
                fields=("cloud", "volume_id"),
                name="one_change_at_a_time_per_volume",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.UniqueConstraint(fields=("again_for",), name="asked_again_once"),
        ),
        migrations.AddConstraint(
            model_name="volumegrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", True), ("group__isnull", True), _connector="XOR"
                ),
                name="grant_to_a_person_or_a_group",
                violation_error_message="Choose a person or a group, not both.",
            ),
        ),
        migrations.AddConstraint(
            model_name="volumegrant",
            constraint=models.UniqueConstraint(
                fields=("cloud", "volume_id", "user"), name="grant_once_per_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="volumegrant",
            constraint=models.UniqueConstraint(
                fields=("cloud", "volume_id", "group"), name="grant_once_per_group"
            ),
        ),
    ]
