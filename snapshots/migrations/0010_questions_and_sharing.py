"""Indexes of what questions about deletions and rollbacks find, and of how long a kind takes.

And operations that share their volume with others. SQLite copies the table for none of this: the
columns are nullable, and a constraint with a condition is an index there.
"""

from django.db import migrations, models
from django.db.models import Q


def newest_first(name, columns, condition):
    fields = ["-asked_at", "-id", *columns]
    index = models.Index(fields=fields, name=name, condition=condition)
    return migrations.AddIndex(model_name="operation", index=index)


def flag(name):
    field = models.BooleanField(null=True, editable=False)
    return migrations.AddField(model_name="operation", name=name, field=field)


def once_at_a_time(fields, name, condition):
    constraint = models.UniqueConstraint(fields=fields, name=name, condition=condition)
    return migrations.AddConstraint(model_name="operation", constraint=constraint)


ENDING = ["state", "outcome_code"]
BUSY = ["accepted", "sending", "unknown"]


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
        flag("shares_volume"),
        once_at_a_time(["target_snapshot"], "one_change_at_a_time_per_snapshot", Q(state__in=BUSY)),
        migrations.RemoveConstraint(model_name="operation", name="one_change_at_a_time_per_volume"),
        once_at_a_time(
            ["cloud", "volume_id"],
            "one_change_at_a_time_per_volume",
            Q(state__in=BUSY, shares_volume__isnull=True),
        ),
    ]
