"""How often what pages show was changed. Triggers count, made after the migrations."""

from django.db import migrations, models

from snapshots.models import version_triggers


def lift(apps, schema_editor):
    version_triggers.lift()


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0020_tallies")]
    operations = [
        migrations.CreateModel(
            name="Version",
            fields=[
                ("topic", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
        ),
        # Backwards: no trigger writes to a table that is gone.
        migrations.RunPython(migrations.RunPython.noop, lift),
    ]
