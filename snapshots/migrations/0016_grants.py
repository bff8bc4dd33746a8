"""Grants say what they cover by a word of their own, may cover volumes by a rule, and may end.

Beside this, the version before goes on: what it stores without a word is a grant of one volume,
and its grant of every volume is refused. It takes no grant by rule for one of every volume, since
those have no volume at all. It knows of no end: a grant that ends while it still runs ends with it.

SQLite copies the table of grants, which is small, and no other.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now

from snapshots.models import Volume, folded

RULE = (
    ("name_pattern", 255),
    ("server_id", 64),
    ("metadata_key", 255),
    ("metadata_value", 255),
    ("volume_type", 255),
    ("availability_zone", 255),
)
NO_RULE = Q(**{name: "" for name, _ in RULE})
NAMES_VOLUME = Q(volume_id__isnull=False) & ~Q(volume_id="")


def say_cloud(apps, _editor):
    grants = apps.get_model("snapshots", "VolumeGrant").objects
    grants.filter(volume_id="").update(scope="cloud")


def leave_what_the_version_before_knows(apps, _editor):
    """A rule without its columns would read as every volume."""
    grants = apps.get_model("snapshots", "VolumeGrant").objects
    grants.filter(Q(scope="rule") | Q(until__isnull=False)).delete()


def lift_folding(_apps, _editor):
    """The trigger names columns that go."""
    folded.lift(Volume)


def of_grants(name, field):
    return migrations.AddField(model_name="volumegrant", name=name, field=field)


def condition(name, length):
    text = models.CharField(blank=True, db_default="", default="", max_length=length)
    return of_grants(name, text)


def check(name, condition, message):
    constraint = models.CheckConstraint(
        condition=condition, name=name, violation_error_message=message
    )
    return migrations.AddConstraint(model_name="volumegrant", constraint=constraint)


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0015_sessions")]
    operations = [
        of_grants(
            "scope",
            models.CharField(
                choices=[
                    ("volume", "One volume"),
                    ("rule", "Volumes by rule"),
                    ("cloud", "The whole cloud"),
                ],
                db_default="volume",
                default="volume",
                max_length=10,
            ),
        ),
        *(condition(name, length) for name, length in RULE),
        of_grants("until", models.DateTimeField(blank=True, null=True)),
        of_grants(
            "given_at",
            models.DateTimeField(
                db_default=Now(), default=django.utils.timezone.now, editable=False
            ),
        ),
        migrations.AlterField(
            model_name="volumegrant",
            name="volume_id",
            field=models.CharField(blank=True, default="", max_length=64, null=True),
        ),
        migrations.RunPython(say_cloud, leave_what_the_version_before_knows),
        check(
            "grant_says_what_it_covers",
            (Q(scope="volume") & NAMES_VOLUME & NO_RULE)
            | (Q(scope="rule", volume_id__isnull=True) & ~NO_RULE)
            | (Q(scope="cloud", volume_id__isnull=False, volume_id="") & NO_RULE),
            "A grant covers one volume by its id, volumes by a rule, or a whole cloud.",
        ),
        check(
            "rule_has_metadata_key_and_value",
            Q(metadata_key="", metadata_value="") | (~Q(metadata_key="") & ~Q(metadata_value="")),
            "A metadata entry needs a key and a value.",
        ),
        migrations.AddIndex(
            model_name="volumegrant",
            index=models.Index(fields=["given_at"], name="grant_given_at"),
        ),
        migrations.AddField(
            model_name="volume",
            name="server_ids",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="volume",
            name="metadata",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="GrantMatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="matches",
                        to="snapshots.volumegrant",
                    ),
                ),
                (
                    "volume",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="matches",
                        to="snapshots.volume",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("grant", "volume"), name="grant_match_once")
                ],
            },
        ),
        migrations.RunPython(migrations.RunPython.noop, lift_folding),
    ]
