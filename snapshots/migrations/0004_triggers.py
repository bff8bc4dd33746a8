"""The triggers: the trail only grows, the search finds each new row, lists are folded.

After the newest migration `apps.py` makes all of them again, and those that count changes, which
name every column. If a later migration adds a column that lists are searched by, `folded` goes from
here: it names that column.
"""

from django.db import migrations

from snapshots.audit.database import guards
from snapshots.models import folded, version_triggers


def install(apps, schema_editor):
    folded.install()
    guards.install()


def lift(apps, schema_editor):
    for triggers in (version_triggers, guards, folded):
        triggers.lift()


class Migration(migrations.Migration):
    old_code_may_run = False  # there is none
    dependencies = [("snapshots", "0003_audit")]
    operations = [migrations.RunPython(install, lift)]
