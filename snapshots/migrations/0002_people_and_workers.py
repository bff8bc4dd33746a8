"""Sessions, passwords and preferences of people, and their roles; workers, and what is counted."""

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

ROLES = ["staff", "helpdesk", "auditor", "administrator"]


def number():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def make_groups(apps, schema_editor):
    """Those that give people their roles."""
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    old_code_may_run = False  # there is none
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("sessions", "0001_initial"),
        ("snapshots", "0001_operations"),
    ]
    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                ("id", number()),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        related_name="preferences",
                        to=settings.AUTH_USER_MODEL,
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
                    "language",
                    models.CharField(blank=True, db_default="", default="", max_length=10),
                ),
            ],
            options={
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.CreateModel(
            name="AccountName",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        primary_key=True,
                        related_name="account_name",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("digest", models.CharField(max_length=64, null=True, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="OneTimePassword",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        primary_key=True,
                        related_name="one_time_password",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("given_by_name", models.CharField(max_length=150)),
                ("given_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="OpenSession",
            fields=[
                (
                    "session",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=models.DO_NOTHING,
                        primary_key=True,
                        related_name="opened",
                        serialize=False,
                        to="sessions.session",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="open_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("device", models.CharField(blank=True, max_length=60)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("signed_in_at", models.DateTimeField()),
                ("used_at", models.DateTimeField()),
                ("needs_new_key", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [models.Index(fields=["used_at"], name="open_session_used_at")],
            },
        ),
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
        migrations.CreateModel(
            name="Duty",
            fields=[
                ("id", number()),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("token", models.PositiveIntegerField(default=0)),
                ("owner", models.CharField(blank=True, max_length=80)),
                ("fails", models.PositiveIntegerField(default=0)),
                ("name", models.CharField(max_length=120, unique=True)),
                ("kind", models.CharField(max_length=40)),
                ("cloud", models.CharField(blank=True, max_length=80)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("rests_until", models.DateTimeField(blank=True, null=True)),
                ("trouble_code", models.CharField(blank=True, max_length=80)),
            ],
            options={
                "verbose_name_plural": "duties",
                "indexes": [models.Index(fields=["due_at"], name="duty_due")],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("process", models.CharField(blank=True, max_length=160)),
                ("beats", models.PositiveBigIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="worker_seen")],
            },
        ),
        migrations.CreateModel(
            name="ExchangeTally",
            fields=[
                ("id", number()),
                ("cloud", models.CharField(max_length=80)),
                ("code", models.CharField(max_length=40)),
                ("bucket", models.PositiveSmallIntegerField()),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("milliseconds", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "exchange tallies",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cloud", "code", "bucket"), name="exchange_tally_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OperationTally",
            fields=[
                ("id", number()),
                ("kind", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=20)),
                ("count", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "operation tallies",
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "state"), name="operation_tally_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("topic", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="DatabaseUse",
            fields=[
                ("id", number()),
                ("mode", models.CharField(max_length=16)),
                ("since", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(pk=1), name="one_use_of_a_database")
                ],
            },
        ),
        # Backwards keeps the groups: people may be in them.
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
