"""What kinds of operations beside creating and renaming ask for, and leave."""

import django.db.models.deletion
from django.db import migrations, models
from snapshots.audit.database import guards
from snapshots.models import Operation, folded


def lift(apps, schema_editor):
    """SQLite copies the table, and refuses to do so while a trigger uses it."""
    if schema_editor.connection.vendor == "sqlite":
        guards.lift()


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        guards.install()
        folded.install(Operation)


class Migration(migrations.Migration):
    old_code_may_run = False  # it does not know the kinds
    dependencies = [("snapshots", "0005_snapshots")]
    operations = [
        migrations.RunPython(lift, install),
        migrations.AddField(
            model_name="operation",
            name="made_volume_id",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="operation",
            name="needs",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="needed_by",
                to="snapshots.operation",
            ),
        ),
        migrations.AddField(
            model_name="operation",
            name="removed_keys",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="operation",
            name="size_gb",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.RunPython(install, lift),
    ]
