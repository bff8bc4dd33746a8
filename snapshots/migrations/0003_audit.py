"""The audit trail: its rows, its seals, what left for other places, what the search reads."""

import uuid

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    old_code_may_run = False  # there is none
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("snapshots", "0002_people_and_workers"),
    ]
    operations = [
        migrations.CreateModel(
            name="Exchange",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("at", models.DateTimeField()),
                ("purpose", models.CharField(max_length=20)),
                ("background", models.BooleanField(default=False)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("actor_name", models.CharField(max_length=150)),
                ("on_behalf_of", models.CharField(blank=True, max_length=150)),
                ("ticket", models.CharField(blank=True, max_length=80)),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="exchanges",
                        to="snapshots.operation",
                    ),
                ),
                ("cause", models.UUIDField(null=True)),
                ("cloud", models.CharField(max_length=80)),
                ("sandbox", models.BooleanField()),
                (
                    "target_kind",
                    models.CharField(
                        blank=True,
                        choices=[("volume", "Volume"), ("snapshot", "Snapshot")],
                        max_length=20,
                    ),
                ),
                ("target_id", models.CharField(blank=True, max_length=64)),
                ("target_name", models.CharField(blank=True, max_length=255)),
                ("method", models.CharField(max_length=10)),
                ("url", models.TextField()),
                ("headers", models.JSONField()),
                ("body", models.TextField(blank=True)),
                ("body_bytes", models.PositiveIntegerField(default=0)),
                ("body_sha256", models.CharField(blank=True, max_length=64)),
                ("body_cut", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["-seq"],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "exchange",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=models.PROTECT,
                        related_name="answer",
                        to="snapshots.exchange",
                    ),
                ),
                ("at", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.TextField(blank=True)),
                ("body_bytes", models.PositiveIntegerField(default=0)),
                ("body_sha256", models.CharField(blank=True, max_length=64)),
                ("body_cut", models.BooleanField(default=False)),
                ("request_id", models.CharField(blank=True, max_length=120)),
                ("code", models.CharField(blank=True, max_length=80)),
                ("elapsed_ms", models.PositiveIntegerField()),
                ("error", models.CharField(blank=True, max_length=40)),
                ("error_text", models.TextField(blank=True)),
            ],
            options={
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Action",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("at", models.DateTimeField()),
                ("code", models.CharField(max_length=40)),
                ("cause", models.UUIDField()),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("actor_name", models.CharField(max_length=150)),
                ("actor_roles", models.CharField(blank=True, max_length=150)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("subject", models.CharField(blank=True, max_length=255)),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="actions",
                        to="snapshots.operation",
                    ),
                ),
                ("on_behalf_of", models.CharField(blank=True, max_length=150)),
                ("ticket", models.CharField(blank=True, max_length=80)),
                ("cloud", models.CharField(blank=True, max_length=80)),
                (
                    "target_kind",
                    models.CharField(
                        blank=True,
                        choices=[("volume", "Volume"), ("snapshot", "Snapshot")],
                        max_length=20,
                    ),
                ),
                ("target_id", models.CharField(blank=True, max_length=64)),
                ("target_name", models.CharField(blank=True, max_length=255)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ["-seq"],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Anomaly",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("other_volume", "The answer was about another volume"),
                            ("other_marker", "The snapshot bears the mark of another request"),
                            ("known_snapshot", "The answer named the snapshot of another request"),
                            ("several_marked", "Several snapshots bear one mark"),
                            ("several_alike", "Several snapshots could be the one asked for"),
                            ("unmarked", "A snapshot without any mark could be the one asked for"),
                            (
                                "unreadable",
                                "A snapshot that cannot be read could be the one asked for",
                            ),
                            ("metadata_dropped", "The cloud does not keep metadata"),
                            ("wrong_id", "The cloud named another snapshot than was meant"),
                            (
                                "late_snapshot",
                                "A snapshot appeared after its request was called ended",
                            ),
                        ],
                        max_length=20,
                    ),
                ),
                ("cloud", models.CharField(max_length=80)),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="anomalies",
                        to="snapshots.operation",
                    ),
                ),
                ("message_code", models.CharField(max_length=40)),
                ("message_values", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name_plural": "anomalies",
                "ordering": ["-seq"],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("at", models.DateTimeField()),
                ("actor_name", models.CharField(max_length=150)),
                ("first_seal", models.BigIntegerField()),
                ("last_seal", models.BigIntegerField()),
                ("tables", models.JSONField()),
                ("file", models.CharField(max_length=255)),
                ("sha256", models.CharField(max_length=64)),
                ("key_id", models.CharField(blank=True, max_length=64)),
                ("signature", models.CharField(blank=True, max_length=128)),
            ],
            options={
                "ordering": ["-seq"],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("format", models.PositiveSmallIntegerField()),
                ("tables", models.JSONField()),
                ("leaves", models.BinaryField()),
                ("root", models.CharField(max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("key_id", models.CharField(blank=True, max_length=64)),
                ("signature", models.CharField(blank=True, max_length=128)),
            ],
            options={
                "ordering": ["-number"],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Pushed",
            fields=[
                ("target", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=255)),
                ("upto", models.JSONField(default=dict)),
                ("trying", models.JSONField(default=dict)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("trouble", models.TextField(blank=True)),
                ("fails", models.PositiveIntegerField(default=0)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "pushed",
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("exchange", "Request"),
                            ("action", "Action"),
                            ("anomaly", "Anomaly"),
                        ],
                        max_length=10,
                    ),
                ),
                ("row", models.BigIntegerField()),
                ("record", models.UUIDField(unique=True)),
                ("what", models.CharField(max_length=40)),
                ("background", models.BooleanField()),
                ("cause", models.UUIDField(null=True)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(max_length=150)),
                ("on_behalf_of", models.CharField(max_length=150)),
                ("ticket", models.CharField(max_length=80)),
                ("operation_id", models.UUIDField(null=True)),
                ("cloud", models.CharField(max_length=80)),
                ("volume_id", models.CharField(max_length=64)),
                ("volume_name", models.CharField(max_length=255)),
                ("target_id", models.CharField(max_length=64)),
                ("target_name", models.CharField(max_length=255)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("code", models.CharField(max_length=80)),
                ("text", models.TextField()),
            ],
            options={
                "ordering": ["-at", "-seq"],
                "indexes": [
                    models.Index(fields=["kind", "row"], name="entry_row"),
                    models.Index(fields=["background", "-at", "-seq"], name="entry_newest"),
                    models.Index(
                        fields=["status", "background", "-at", "-seq"], name="entry_by_status"
                    ),
                    models.Index(
                        fields=["code", "background", "-at", "-seq"], name="entry_by_code"
                    ),
                    models.Index(
                        fields=["what", "background", "-at", "-seq"], name="entry_by_what"
                    ),
                    models.Index(
                        fields=["cloud", "background", "-at", "-seq"], name="entry_by_cloud"
                    ),
                    models.Index(
                        fields=["kind", "background", "-at", "-seq"], name="entry_by_kind"
                    ),
                    models.Index(
                        fields=["actor_name", "background", "-at", "-seq"], name="entry_by_actor"
                    ),
                    models.Index(
                        fields=["actor_id", "background", "-at", "-seq"], name="entry_by_actor_id"
                    ),
                    models.Index(
                        fields=["on_behalf_of", "background", "-at", "-seq"], name="entry_by_behalf"
                    ),
                    models.Index(
                        fields=["ticket", "background", "-at", "-seq"], name="entry_by_ticket"
                    ),
                    models.Index(
                        fields=["volume_id", "background", "-at", "-seq"], name="entry_by_volume"
                    ),
                    models.Index(
                        fields=["volume_name", "background", "-at", "-seq"],
                        name="entry_by_volume_name",
                    ),
                    models.Index(
                        fields=["target_id", "background", "-at", "-seq"], name="entry_by_target"
                    ),
                    models.Index(
                        fields=["target_name", "background", "-at", "-seq"],
                        name="entry_by_target_name",
                    ),
                    models.Index(
                        condition=Q(kind="exchange", status__isnull=True),
                        fields=["kind", "background", "-at", "-seq"],
                        name="entry_unanswered",
                    ),
                    models.Index(
                        condition=Q(operation_id__isnull=False),
                        fields=["operation_id", "-at", "-seq"],
                        name="entry_by_operation",
                    ),
                    models.Index(
                        condition=Q(cause__isnull=False),
                        fields=["cause", "-at", "-seq"],
                        name="entry_by_cause",
                    ),
                    models.Index(
                        condition=Q(actor_id__isnull=False),
                        fields=["actor_name", "actor_id"],
                        name="entry_name_of",
                    ),
                ],
            },
        ),
    ]
