"""The groups that give people their roles."""

from django.db import migrations

GROUPS = ["staff", "helpdesk", "auditor", "administrator"]


def create(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    old_code_may_run = False  # there is none
    dependencies = [
        ("snapshots", "0002_audit"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    # Backwards keeps the groups: people may be in them.
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
