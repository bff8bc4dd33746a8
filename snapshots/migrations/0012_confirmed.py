"""What lists did not tell of a snapshot, and when it was asked for by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0011_what_was_seen")]
    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="asked_alone_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="unread_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
