"""The list of requests goes by volume and by requester too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0022_language")]
    operations = [
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["volume_name", "id"], name="operation_by_volume"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["requester_name", "id"], name="operation_by_requester"),
        ),
    ]
