"""Indexes of what questions about deletions and rollbacks find, and of how long a kind takes."""

from django.db import migrations, models
from django.db.models import Q


def newest_first(name, columns, condition):
    fields = ["-asked_at", "-id", *columns]
    index = models.Index(fields=fields, name=name, condition=condition)
    return migrations.AddIndex(model_name="operation", index=index)


def flag(name):
    """Null, so that SQLite adds it without copying the table."""
    field = models.BooleanField(null=True, editable=False)
    return migrations.AddField(model_name="operation", name=name, field=field)


ENDING = ["state", "outcome_code"]


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0009_indexes")]
    operations = [
        flag("deletes_young"),
        flag("deletes_others"),
        newest_first("operation_deletes_young", ["deletes_young", *ENDING], Q(deletes_young=True)),
        newest_first(
            "operation_deletes_others", ["deletes_others", *ENDING], Q(deletes_others=True)
        ),
        newest_first("operation_rollback", ["kind", *ENDING], Q(kind="rollback")),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["cloud", "kind", "state", "-asked_at"], name="operation_of_kind"
            ),
        ),
    ]
