"""The triggers: the trail only grows, the search finds each new row, lists are folded."""

from django.db import migrations

from snapshots.audit.database import guards
from snapshots.models import Operation, Volume, folded


def install(apps, schema_editor):
    folded.install(Operation)  # that of volumes names later columns: it comes after all migrations
    guards.install()


def lift(apps, schema_editor):
    guards.lift()
    folded.lift(Volume, Operation)


class Migration(migrations.Migration):
    old_code_may_run = False  # there is none
    dependencies = [("snapshots", "0003_groups")]
    operations = [migrations.RunPython(install, lift)]
