"""Who is signed in where, whose password was set by another, and accounts' names as compared."""

import hashlib
import unicodedata

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def _digest(name):
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return hashlib.sha256(folded.encode(errors="surrogatepass")).hexdigest()


def name_accounts(apps, _schema_editor):
    """Of accounts whose names were told apart by case alone, the oldest has the name from now on.

    Nothing changes for the others: people sign in by the name as it is written. A system check
    warns of them, and a new name of theirs is stored as any other.
    """
    AccountName = apps.get_model("snapshots", "AccountName")
    people = apps.get_model("auth", "User").objects.order_by("pk").values_list("pk", "username")
    taken = set()
    for pk, name in people.iterator():
        digest = _digest(name)
        AccountName.objects.create(person_id=pk, digest=None if digest in taken else digest)
        taken.add(digest)


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [
        ("snapshots", "0014_signin"),
        ("sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="OpenSession",
            fields=[
                (
                    "session",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="opened",
                        serialize=False,
                        to="sessions.session",
                    ),
                ),
                ("device", models.CharField(blank=True, max_length=60)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("signed_in_at", models.DateTimeField()),
                ("used_at", models.DateTimeField()),
                ("needs_new_key", models.BooleanField(default=False)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="open_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["used_at"], name="open_session_used_at")],
            },
        ),
        migrations.CreateModel(
            name="OneTimePassword",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
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
            name="AccountName",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="account_name",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("digest", models.CharField(max_length=64, null=True, unique=True)),
            ],
        ),
        migrations.RunPython(name_accounts, migrations.RunPython.noop),
    ]
