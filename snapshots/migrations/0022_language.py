"""The language that a person has chosen."""

from django.db import migrations, models

from snapshots.models import version_triggers


def lift(apps, schema_editor):
    """Before the column goes that they look at; what comes after the migrations makes them anew."""
    version_triggers.lift()


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0021_versions")]
    operations = [
        migrations.AddField(
            model_name="preferences",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.RunPython(migrations.RunPython.noop, lift),
    ]
