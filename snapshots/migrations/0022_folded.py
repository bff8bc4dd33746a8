"""Columns that lists are searched by. Old code may run beside it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0020_ends_and_unreadable")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="folded",
            field=models.TextField(editable=False, null=True),
        )
        for name in ("operation", "volume")
    ]
