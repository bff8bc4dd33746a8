"""Requests that were asked for together have the id of their batch."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0007_permissions")]
    operations = [
        migrations.AddField(
            model_name="operation",
            name="batch",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["batch", "asked_at"],
                name="operation_of_batch",
                condition=Q(batch__isnull=False),
            ),
        ),
    ]
