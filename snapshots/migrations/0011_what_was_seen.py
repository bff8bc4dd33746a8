"""What a change goes by: the texts that the person saw, and the volume's status before it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0010_questions_and_sharing")]
    operations = [
        migrations.AddField(
            model_name="operation",
            name="target_description",
            field=models.CharField(editable=False, max_length=255, null=True),
        ),
        migrations.AddField(
            model_name="operation",
            name="start_status",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
    ]
