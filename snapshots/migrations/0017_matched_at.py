"""When all volumes of a cloud were matched with all its grants by rule. SQLite copies no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0016_grants")]
    operations = [
        migrations.AddField(
            model_name="cloudhealth",
            name="matched_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
