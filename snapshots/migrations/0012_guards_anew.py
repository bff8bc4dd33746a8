"""Puts the triggers in place anew: a tombstone must be sealed before it lets anything be removed."""

from django.db import migrations

from snapshots.audit import guards


def install(apps, schema_editor):
    guards.install()


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0011_pushed")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
