"""The language that a person has chosen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0021_versions")]
    operations = [
        migrations.AddField(
            model_name="preferences",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        )
    ]
