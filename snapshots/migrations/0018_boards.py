"""People's preferences, quotas by day, and an index of what ended. SQLite copies no table."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("snapshots", "0017_matched_at"),
    ]
    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("zone", models.CharField(blank=True, max_length=64)),
                (
                    "density",
                    models.CharField(
                        choices=[("compact", "Compact"), ("normal", "Normal"), ("roomy", "Roomy")],
                        default="compact",
                        max_length=10,
                    ),
                ),
                ("shortcuts", models.BooleanField(default=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="preferences",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name_plural": "preferences"},
        ),
        migrations.CreateModel(
            name="QuotaDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cloud", models.CharField(max_length=80)),
                ("resource", models.CharField(max_length=80)),
                ("day", models.DateField()),
                ("limit", models.IntegerField()),
                ("used", models.IntegerField()),
            ],
            options={"ordering": ["cloud", "resource", "day"]},
        ),
        migrations.AddConstraint(
            model_name="quotaday",
            constraint=models.UniqueConstraint(
                fields=("cloud", "resource", "day"), name="quota_day_once_per_resource"
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["-finished_at"],
                name="operation_finished",
            ),
        ),
    ]
