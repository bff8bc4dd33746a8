"""PostgreSQL finds words within addresses too, as SQLite does. Rewrites the table of entries: minutes
where there are millions.
"""

from django.db import migrations

from snapshots.audit import guards


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE snapshots_entry DROP COLUMN IF EXISTS words")
        guards.install()


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0017_operation_ways")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
