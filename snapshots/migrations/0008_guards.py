"""Puts the triggers in place, and makes the search entries of what is already there."""

from django.db import migrations

from snapshots.audit import guards


def install(apps, schema_editor):
    guards.install()
    guards.reindex()


def lift(apps, schema_editor):
    guards.lift()


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0007_answers_in_order")]
    operations = [migrations.RunPython(install, lift)]
