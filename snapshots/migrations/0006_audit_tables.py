import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


def fill(apps, schema_editor):
    """Each old anomaly gets an id of its own; each old operation is a click of its own."""
    anomalies = apps.get_model("snapshots", "Anomaly")._base_manager
    for pk in anomalies.values_list("pk", flat=True):
        anomalies.filter(pk=pk).update(id=uuid.uuid4())
    for table, of in (("Operation", "pk"), ("Exchange", "operation_id")):
        rows = apps.get_model("snapshots", table)._base_manager
        rows.update(cause=models.F(of))


class Migration(migrations.Migration):
    dependencies = [
        ("snapshots", "0005_insert_only_managers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                            ("person:shut-out", "shut a person out"),
                            ("person:let-in", "let a person in again"),
                            ("password:change", "changed a password"),
                            ("password:change:refused", "was refused a change of password"),
                            ("role:give", "gave a role or group"),
                            ("role:take", "took a role or group away"),
                            ("grant:give", "gave the use of volumes"),
                            ("grant:take", "took the use of volumes away"),
                            ("operation:ask", "asked for a snapshot"),
                            ("operation:ask:refused", "was refused a snapshot by the portal"),
                            ("operation:ask-again", "asked again for a snapshot"),
                            ("operation:ask-again:refused", "was refused to ask again"),
                            ("operation:cancel", "cancelled a request"),
                            ("operation:cancel:refused", "was too late to cancel a request"),
                            ("audit:search", "searched the audit trail"),
                            ("audit:search:refused", "searched in a way that cannot be answered"),
                            ("audit:read", "read a record"),
                            ("audit:question", "read a saved question"),
                            ("audit:export", "exported records"),
                            ("audit:verify", "verified the audit trail"),
                            ("audit:verify:refused", "found the audit trail damaged"),
                            ("audit:archive", "archived and removed old records"),
                            ("cloud:settings", "started with these settings of a cloud"),
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
                ("volume_id", models.CharField(blank=True, max_length=64)),
                ("volume_name", models.CharField(blank=True, max_length=255)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ["-seq"],
                "abstract": False,
                "base_manager_name": "objects",
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
                ("actor_name", models.CharField(max_length=150)),
                ("on_behalf_of", models.CharField(max_length=150)),
                ("ticket", models.CharField(max_length=80)),
                ("operation_id", models.UUIDField(null=True)),
                ("cloud", models.CharField(max_length=80)),
                ("volume_id", models.CharField(max_length=64)),
                ("volume_name", models.CharField(max_length=255)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("code", models.CharField(max_length=80)),
                ("text", models.TextField()),
            ],
            options={
                "ordering": ["-at", "-seq"],
            },
        ),
        migrations.CreateModel(
            name="Hit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "question",
                    models.CharField(
                        choices=[
                            ("forced", "Forced while in use, without a ticket"),
                            ("own-volume", "Helpdesk for a volume of their own"),
                            ("refused", "Refused by the cloud"),
                            ("long-unknown", "Unknown for more than ten minutes"),
                            ("out-of-hours", "Asked outside working hours"),
                        ],
                        max_length=20,
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
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
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "question",
                    models.CharField(
                        choices=[
                            ("forced", "Forced while in use, without a ticket"),
                            ("own-volume", "Helpdesk for a volume of their own"),
                            ("refused", "Refused by the cloud"),
                            ("long-unknown", "Unknown for more than ten minutes"),
                            ("out-of-hours", "Asked outside working hours"),
                        ],
                        max_length=20,
                    ),
                ),
                ("day", models.DateField()),
                ("hits", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "tallies",
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
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.RemoveIndex(
            model_name="answer",
            name="answer_status",
        ),
        migrations.RemoveIndex(
            model_name="exchange",
            name="exchange_newest",
        ),
        migrations.RemoveIndex(
            model_name="exchange",
            name="exchange_actor",
        ),
        migrations.RemoveIndex(
            model_name="exchange",
            name="exchange_volume",
        ),
        migrations.RemoveIndex(
            model_name="exchange",
            name="exchange_at",
        ),
        migrations.AddField(
            model_name="anomaly",
            name="id",
            field=models.UUIDField(default=uuid.uuid4, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="answer",
            name="code",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name="exchange",
            name="cause",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="operation",
            name="cause",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="anomaly",
            name="kind",
            field=models.CharField(
                choices=[
                    ("other_volume", "The answer was about another volume"),
                    ("other_marker", "The snapshot bears the mark of another request"),
                    ("known_snapshot", "The answer named the snapshot of another request"),
                    ("several_marked", "Several snapshots bear one mark"),
                    ("several_alike", "Several snapshots could be the one asked for"),
                    ("unmarked", "A snapshot without any mark could be the one asked for"),
                    ("metadata_dropped", "The cloud does not keep metadata"),
                    ("late_snapshot", "A snapshot appeared after its request was called ended"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="actor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="operation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="snapshots.operation",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["-at", "-seq"], name="entry_at"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["status", "-at", "-seq"], name="entry_status"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["code", "-at", "-seq"], name="entry_code"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["what", "-at", "-seq"], name="entry_what"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["cloud", "-at", "-seq"], name="entry_cloud"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["kind", "row"], name="entry_row"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["-at", "-seq"],
                name="entry_clicked",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["status", "-at", "-seq"],
                name="entry_clicked_status",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["code", "-at", "-seq"],
                name="entry_clicked_code",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["what", "-at", "-seq"],
                name="entry_clicked_what",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["cloud", "-at", "-seq"],
                name="entry_clicked_cloud",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["kind", "-at", "-seq"],
                name="entry_clicked_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["actor_name", "-at", "-seq"],
                name="entry_actor",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["on_behalf_of", "-at", "-seq"],
                name="entry_behalf",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["ticket", "-at", "-seq"],
                name="entry_ticket",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["operation_id", "-at", "-seq"],
                name="entry_operation",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["volume_id", "-at", "-seq"],
                name="entry_volume",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["volume_name", "-at", "-seq"],
                name="entry_volume_name",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("background", False)),
                fields=["cause", "-at", "-seq"],
                name="entry_cause",
            ),
        ),
        migrations.AddField(
            model_name="hit",
            name="operation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="hits",
                to="snapshots.operation",
            ),
        ),
        migrations.AddConstraint(
            model_name="tally",
            constraint=models.UniqueConstraint(fields=("question", "day"), name="tally_once"),
        ),
        migrations.AddIndex(
            model_name="hit",
            index=models.Index(fields=["question", "-at", "-id"], name="hit_newest"),
        ),
        migrations.AddConstraint(
            model_name="hit",
            constraint=models.UniqueConstraint(fields=("question", "operation"), name="hit_once"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
