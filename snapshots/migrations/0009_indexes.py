"""Lists of snapshots by owner and ticket, and with those that are gone, use an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0008_batch")]
    operations = [
        migrations.RemoveIndex(
            model_name="snapshot",
            name="snapshot_of_owner",
        ),
        migrations.RemoveIndex(
            model_name="snapshot",
            name="snapshot_of_ticket",
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(fields=["owner_name", "listed_at", "id"], name="snapshot_of_owner"),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(fields=["ticket", "listed_at", "id"], name="snapshot_of_ticket"),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(fields=["listed_at", "id"], name="snapshot_present_or_gone"),
        ),
    ]
