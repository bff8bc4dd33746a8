"""What a cloud does not tell is null, no longer 0."""

from django.db import migrations, models


def forget_zeros(apps, schema_editor):
    """A size of 0 meant that the cloud did not tell it: no volume is that small."""
    for model in ("Volume", "Snapshot"):
        rows = apps.get_model("snapshots", model).objects.using(schema_editor.connection.alias)
        rows.filter(size_gb=0).update(size_gb=None)


def write_zeros(apps, schema_editor):
    for model, field in (("Volume", "size_gb"), ("Snapshot", "size_gb"), ("Quota", "in_use")):
        rows = apps.get_model("snapshots", model).objects.using(schema_editor.connection.alias)
        rows.filter(**{field: None}).update(**{field: 0})


class Migration(migrations.Migration):
    old_code_may_run = False  # it adds what may be null now
    dependencies = [
        ("snapshots", "0023_worker_beats"),
    ]

    operations = [
        migrations.AlterField(
            model_name="volume",
            name="size_gb",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="size_gb",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="quota",
            name="in_use",
            field=models.IntegerField(null=True),
        ),
        migrations.RunPython(forget_zeros, write_zeros),
    ]
