"""How often people's sign-ins failed lately."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0013_refusal_counts")]
    operations = [
        migrations.CreateModel(
            name="SignInBrake",
            fields=[
                ("key", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failed_at", models.DateTimeField()),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["failed_at"], name="sign_in_brake_failed_at")],
            },
        ),
    ]
