"""Columns that lists are searched by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True  # triggers fill the columns
    dependencies = [
        ("snapshots", "0024_not_told_is_not_zero"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="actor_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="operation",
            name="folded",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="volume",
            name="folded",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                fields=["actor_id", "background", "-at", "-seq"], name="entry_by_actor_id"
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("actor_id__isnull", False)),
                fields=["actor_name", "actor_id"],
                name="entry_name_of",
            ),
        ),
    ]
