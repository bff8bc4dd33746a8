"""What monitoring counts. SQLite copies no table.

The release before does not count: what it does beside this is missing in the figures.
"""

from django.db import migrations, models


def number():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0019_match_indexes")]
    operations = [
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
    ]
