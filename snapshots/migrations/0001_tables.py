"""Every table of the portal. Triggers follow in `0003_guards`."""

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
                "abstract": False,
                "base_manager_name": "objects",
            },
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
                "abstract": False,
                "base_manager_name": "objects",
            },
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
                        condition=models.Q(("kind", "exchange"), ("status__isnull", True)),
                        fields=["kind", "background", "-at", "-seq"],
                        name="entry_unanswered",
                    ),
                    models.Index(
                        condition=models.Q(("operation_id__isnull", False)),
                        fields=["operation_id", "-at", "-seq"],
                        name="entry_by_operation",
                    ),
                    models.Index(
                        condition=models.Q(("cause__isnull", False)),
                        fields=["cause", "-at", "-seq"],
                        name="entry_by_cause",
                    ),
                    models.Index(
                        condition=models.Q(("actor_id__isnull", False)),
                        fields=["actor_name", "actor_id"],
                        name="entry_name_of",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Exchange",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("create", "Create the snapshot"),
                            ("rename", "Rename the snapshot"),
                            ("login", "Sign in to the cloud"),
                            ("watch", "Watch snapshots"),
                            ("settle", "Look for what became of a request"),
                            ("inventory", "Read the volumes"),
                            ("quota", "Read the quota"),
                            ("ping", "Try the connection"),
                        ],
                        max_length=20,
                    ),
                ),
                ("background", models.BooleanField(default=False)),
                ("actor_name", models.CharField(max_length=150)),
                ("on_behalf_of", models.CharField(blank=True, max_length=150)),
                ("ticket", models.CharField(blank=True, max_length=80)),
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
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-seq"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
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
                (
                    "exchange",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answer",
                        to="snapshots.exchange",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
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
        migrations.AddField(
            model_name="exchange",
            name="operation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exchanges",
                to="snapshots.operation",
            ),
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
                ("message_code", models.CharField(max_length=40)),
                ("message_values", models.JSONField(default=dict)),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="anomalies",
                        to="snapshots.operation",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "anomalies",
                "ordering": ["-seq"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Action",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("session:sign-in", "signed in"),
                            ("session:sign-in:refused", "was refused at sign-in"),
                            ("session:sign-out", "signed out"),
                            ("person:add", "added a person"),
                            ("person:change", "changed a person's name or address"),
                            ("person:change:refused", "was refused a change of a person's rights"),
                            ("person:remove", "removed a person"),
                            ("person:shut-out", "shut a person out"),
                            ("person:let-in", "let a person in again"),
                            ("password:change", "changed a password"),
                            ("password:change:refused", "was refused a change of password"),
                            ("role:give", "gave a role or group"),
                            ("role:take", "took a role or group away"),
                            ("group:add", "added a group"),
                            ("group:rename", "renamed a group"),
                            ("group:remove", "removed a group, and from its people what it gave"),
                            ("grant:give", "gave the use of volumes"),
                            ("grant:take", "took the use of volumes away"),
                            ("operation:ask", "asked for a snapshot"),
                            ("operation:ask:refused", "was refused a snapshot by the portal"),
                            ("operation:ask-again", "asked again for a snapshot"),
                            ("operation:ask-again:refused", "was refused to ask again"),
                            ("operation:cancel", "cancelled a request"),
                            ("operation:cancel:refused", "was refused to cancel a request"),
                            ("operation:end", "ended a request that the portal could not"),
                            ("operation:end:refused", "was refused to end a request"),
                            ("audit:search", "searched the audit trail"),
                            ("audit:search:refused", "searched in a way that cannot be answered"),
                            ("audit:read", "read a record"),
                            ("audit:read:refused", "was refused a look at the audit trail"),
                            ("audit:question", "read a saved question"),
                            ("audit:export", "exported records"),
                            ("audit:verify", "verified the audit trail"),
                            ("audit:verify:refused", "found the audit trail damaged"),
                            ("audit:archive", "archived and removed old records"),
                            ("cloud:settings", "started with these settings of a cloud"),
                            ("cloud:gone", "started without a cloud that it had before"),
                        ],
                        max_length=40,
                    ),
                ),
                ("cause", models.UUIDField()),
                ("actor_name", models.CharField(max_length=150)),
                ("actor_roles", models.CharField(blank=True, max_length=150)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("subject", models.CharField(blank=True, max_length=255)),
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
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="snapshots.operation",
                    ),
                ),
            ],
            options={
                "ordering": ["-seq"],
                "abstract": False,
                "base_manager_name": "objects",
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
