"""Gives anomalies unique ids, and answers a number in the order in which they came."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

BATCH = 1000


def copy(apps, schema_editor):
    old = apps.get_model("snapshots", "Answer")._base_manager
    new = apps.get_model("snapshots", "AnswerAnew")
    names = [
        field.attname for field in new._meta.concrete_fields if field.name not in ("seq", "code")
    ]
    batch = []
    for told in old.order_by("at", "pk").values(*names).iterator(BATCH):
        batch.append(new(**told))
        if len(batch) == BATCH:
            new._base_manager.bulk_create(batch)
            batch = []
    new._base_manager.bulk_create(batch)


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0006_audit_tables")]

    operations = [
        migrations.AlterField(
            "anomaly", "id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
        ),
        migrations.CreateModel(
            name="AnswerAnew",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "exchange",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answer_anew",
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
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.RunPython(copy, migrations.RunPython.noop),
        migrations.DeleteModel("Answer"),
        migrations.RenameModel("AnswerAnew", "Answer"),
        migrations.AlterField(
            "answer",
            "exchange",
            models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answer",
                to="snapshots.exchange",
            ),
        ),
    ]
