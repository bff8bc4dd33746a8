"""Every snapshot of the cloud, not only those that the portal made."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from snapshots.models import Snapshot, folded


def fill(apps, schema_editor):
    """What was known so far were snapshots of operations."""
    operation = apps.get_model("snapshots", "Operation").objects.filter(pk=OuterRef("operation"))
    apps.get_model("snapshots", "Snapshot").objects.update(
        maker="portal",
        listed_at=Coalesce(F("created_at"), F("seen_at")),
        **{
            column: Subquery(operation.values(column)[:1])
            for column in ("volume_id", "volume_name", "ticket")
        },
        owner_name=Subquery(
            operation.annotate(
                asked_for=models.Case(
                    models.When(on_behalf_of="", then="requester_name"), default="on_behalf_of"
                )
            ).values("asked_for")[:1]
        ),
    )


def install(apps, schema_editor):
    folded.install(Snapshot)
    snapshots = apps.get_model("snapshots", "Snapshot").objects
    snapshots.update(folded=None)  # the trigger fills it


def lift(apps, schema_editor):
    folded.lift(Snapshot)


class Migration(migrations.Migration):
    old_code_may_run = False  # it knows no volume of a snapshot
    dependencies = [("snapshots", "0004_guards")]
    operations = [
        migrations.AddField(
            model_name="cloudhealth",
            name="snapshots_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cloudhealth",
            name="snapshots_held_back",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="folded",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="gone_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="listed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="maker",
            field=models.CharField(
                choices=[
                    ("portal", "This portal"),
                    ("other", "Somebody in the cloud"),
                    ("system", "The backup service"),
                ],
                default="other",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="missing_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="owner_name",
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="ticket",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="volume_id",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="snapshot",
            name="volume_name",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="volume",
            name="look_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="volume",
            name="snapshots_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="operation",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="snapshot",
                to="snapshots.operation",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="snapshot",
            name="listed_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                fields=["cloud", "volume_id", "-listed_at", "-id"], name="snapshot_of_volume"
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("gone_at__isnull", True)),
                fields=["listed_at", "id"],
                name="snapshot_by_listed_at",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("gone_at__isnull", True)),
                fields=["name", "id"],
                name="snapshot_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("gone_at__isnull", True)),
                fields=["volume_name", "id"],
                name="snapshot_by_volume_name",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("gone_at__isnull", True)),
                fields=["status", "id"],
                name="snapshot_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(fields=["maker", "listed_at", "id"], name="snapshot_of_maker"),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("owner_name", ""), _negated=True),
                fields=["owner_name", "listed_at", "id"],
                name="snapshot_of_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("ticket", ""), _negated=True),
                fields=["ticket", "listed_at", "id"],
                name="snapshot_of_ticket",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("gone_at__isnull", False)),
                fields=["gone_at"],
                name="snapshot_gone",
            ),
        ),
        migrations.AddIndex(
            model_name="volume",
            index=models.Index(
                condition=models.Q(("look_asked_at__isnull", False)),
                fields=["cloud", "look_asked_at"],
                name="volume_to_look_at",
            ),
        ),
        migrations.RunPython(install, lift),
    ]
