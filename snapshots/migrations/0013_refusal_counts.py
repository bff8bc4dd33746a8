"""How often the same was refused in an hour."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0012_confirmed")]
    operations = [
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("hour", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="refusal_hour")],
            },
        ),
    ]
